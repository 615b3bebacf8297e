import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { type PurseName, purseNames } from '../../workers/ledger/kinds.ts';
import type { Movement } from '../admin/routes-money.ts';
import {
  type CommonOptions,
  connect,
  newCommand,
  operate,
  readId,
  readKey,
  readKop,
  readSignedKop,
  roubles,
  usage,
} from './common.ts';

type Body = Record<string, unknown>;

const purseOption = (flag = '--purse <name>', help = 'which purse') =>
  new Option(flag, help).choices(purseNames).makeOptionMandatory();

/** A command that sends one body to the service. The options' names are the body's. */
function sending<T>(
  command: Command,
  path: string,
  fields: readonly string[],
  describe: (result: T) => readonly string[],
  bodyOf: (options: Body) => Body = (options) => Object.fromEntries(fields.map((name) => [name, options[name]])),
): Command {
  return command.action(async (options: CommonOptions & Body) => {
    const body = bodyOf(options);
    await operate(options, () => connect(options).call<T>('POST', path, body), describe);
  });
}

const newKeyed = (name: string, description: string) =>
  newCommand(name, `${description}; the same --key again changes nothing`)
    .requiredOption('--pupil <n>', 'pupil id', readId)
    .requiredOption('--key <text>', 'idempotency key', readKey);

const withReason = (command: Command) => command.option('--reason <text>', 'kept in the audit');

export function refundCommand(): Command {
  const command = newKeyed('refund', 'gives money of a purse back to the payer')
    .addOption(purseOption())
    .requiredOption('--kop <n>', 'kopecks', readKop);
  return sending(
    withReason(command),
    '/admin/v1/refunds',
    ['pupil', 'purse', 'kop', 'key', 'reason'],
    describeMovement,
  );
}

export function moveCommand(): Command {
  const command = newKeyed('move', 'moves money between two purses of a pupil')
    .addOption(purseOption('--from <name>', 'the purse that gives'))
    .addOption(purseOption('--to <name>', 'the purse that receives'))
    .requiredOption('--kop <n>', 'kopecks', readKop);
  const fields = ['pupil', 'from', 'to', 'kop', 'key', 'reason'];
  return sending(withReason(command), '/admin/v1/moves', fields, describeMovement);
}

export function adjustCommand(): Command {
  const command = newKeyed('adjust', 'corrects a purse, with a reason')
    .addOption(purseOption())
    .requiredOption('--kop <n>', 'kopecks: above 0 gives, below takes', readSignedKop)
    .requiredOption('--reason <text>', 'kept in the audit')
    .option('--against <account>', "canteen:SCHOOL or carrier:SCHOOL: an operator's takings");
  const fields = ['pupil', 'purse', 'kop', 'key', 'reason', 'against'];
  return sending(command, '/admin/v1/adjustments', fields, describeMovement);
}

export function reverseCommand(): Command {
  const command = newCommand('reverse', 'takes back what one tap moved, once')
    .requiredOption('--tap <identity>', 'READER:EPOCH:SEQ')
    .option('--key <text>', 'idempotency key', readKey);
  return sending(withReason(command), '/admin/v1/reversals', ['tap', 'key', 'reason'], describeMovement);
}

function describeMovement({ pupil, purse, balance_kop: balanceKop, repeated }: Movement): string[] {
  const where = purse === null ? 'the entitlement fund' : `${purse}: ${roubles(balanceKop)}`;
  return [`pupil ${pupil}, ${where}${repeated ? ' (done before)' : ''}`];
}

interface LimitOptions extends CommonOptions {
  readonly pupil: number;
  readonly purse?: PurseName;
  readonly kop?: number | 'none' | 'default';
  readonly item?: number;
  readonly forbid?: true;
  readonly allow?: true;
  readonly reason?: string;
}

export function limitCommand(): Command {
  const command = newCommand('limit', "sets a purse's daily limit, or forbids an item, for one pupil")
    .requiredOption('--pupil <n>', 'pupil id', readId)
    .addOption(new Option('--purse <name>', 'which purse').choices(purseNames))
    .option('--kop <n>', 'kopecks a school day, none, or default for what the rules say', readLimit)
    .option('--item <n>', 'item of the price list', readId)
    .addOption(new Option('--forbid', 'the pupil may not have it').conflicts('allow'))
    .addOption(new Option('--allow', 'the pupil may have it again'));
  return withReason(command).action(async (options: LimitOptions) => {
    const { path, body, lines } = limitRequest(options);
    await operate(
      options,
      () => connect(options).call('POST', path, body),
      () => lines,
    );
  });
}

function limitRequest({ pupil, purse, kop, item, forbid, allow, reason }: LimitOptions) {
  const isPurse = purse !== undefined && kop !== undefined;
  const isItem = item !== undefined && (forbid ?? allow) === true;
  const isHalf = isPurse === isItem || (isPurse ? (item ?? forbid ?? allow) : (purse ?? kop)) !== undefined;
  if (isHalf) throw usage('limit takes --purse with --kop, or --item with --forbid or --allow', 'Give one pair.');
  if (isPurse) {
    const limit = kop === 'default' ? 'as the rules say' : kop === 'none' ? kop : roubles(kop);
    const body = { pupil, purse, limit_kop: kop === 'none' ? null : kop, reason };
    return { path: '/admin/v1/limits', body, lines: [`pupil ${pupil}, ${purse}: daily limit ${limit}`] };
  }
  const body = { pupil, item, forbidden: forbid === true, reason };
  return {
    path: '/admin/v1/items',
    body,
    lines: [`pupil ${pupil}, item ${item}: ${forbid === true ? 'forbidden' : 'allowed'}`],
  };
}

function readLimit(text: string): number | 'none' | 'default' {
  if (text === 'default' || text === 'none') return text;
  if (text === '0') return 0;
  if (/^\d/.test(text)) return readKop(text);
  throw new InvalidArgumentError('It must be kopecks from 0 on, none or default.');
}
