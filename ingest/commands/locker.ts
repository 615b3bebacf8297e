import { Command } from 'commander';
import { OperatorError } from '../../workers/errors.ts';
import { time } from '../admin/fields.ts';
import type { LockerResult, LockerWish, Reservation } from '../admin/routes-locker.ts';
import type { AdminClient } from '../admin-client.ts';
import { answerNo, type CommonOptions, connect, newCommand, operate, print, readId, usage } from './common.ts';
import { readCsvFile } from './csv-file.ts';

interface LockerOptions extends CommonOptions {
  readonly pupil?: number;
  readonly school?: number;
  readonly locker?: number;
  readonly from?: string;
  readonly to?: string;
  readonly file?: string;
}

const reservationsPerRequest = 500;
const refusalsShownMax = 100;
const columns = ['pupil_id', 'school_id', 'locker', 'from', 'to'] as const;

export function lockerCommand(): Command {
  return new Command('locker')
    .description('lockers: reserve, cancel, list')
    .addCommand(reserveCommand())
    .addCommand(cancelCommand())
    .addCommand(listCommand());
}

function reserveCommand(): Command {
  return newCommand('reserve', 'reserves a locker for a pupil; the same pupil, locker and --from renews')
    .option('--pupil <n>', 'pupil id', readId)
    .option('--locker <n>', 'number of the locker', readId)
    .option('--from <time>', 'when it begins, with its zone: 2026-09-01T08:00+03:00')
    .option('--to <time>', 'when it ends')
    .option('--school <n>', "where the locker is, if not in the pupil's school", readId)
    .option('--file <csv>', `many at once: ${columns.join(',')}`)
    .action(async (options: LockerOptions) => {
      const wishes = options.file === undefined ? [one(options)] : readWishes(options.file);
      const results = await send(connect(options), wishes);
      if (options.file === undefined) printOne(options, results[0]);
      else printMany(options, results);
      if (results.some(({ ok }) => !ok)) answerNo();
    });
}

function one({ pupil, school, locker, from, to }: LockerOptions): LockerWish {
  if (pupil === undefined || locker === undefined || from === undefined || to === undefined) {
    throw usage('--pupil, --locker, --from and --to belong together', 'Give all four, or --file.');
  }
  return { pupil, school, locker, from, to };
}

function readWishes(file: string): LockerWish[] {
  const expected = 'ids of a pupil and a school, a locker, and two times with their zone';
  return readCsvFile(file, 'LOCKERS_INVALID', columns, expected, ([pupil, school, locker, from, to]) => {
    const areIds = [pupil, school, locker].every((text) => /^[1-9]\d{0,9}$/.test(text));
    const areTimes = [from, to].every((text) => time.safeParse(text).success);
    if (!areIds || !areTimes) return undefined;
    return { pupil: Number(pupil), school: Number(school), locker: Number(locker), from, to };
  });
}

async function send(admin: AdminClient, wishes: readonly LockerWish[]): Promise<LockerResult[]> {
  const results: LockerResult[] = [];
  for (let from = 0; from < wishes.length; from += reservationsPerRequest) {
    const body = { reservations: wishes.slice(from, from + reservationsPerRequest) };
    const answer = await admin.call<{ results: LockerResult[] }>('POST', '/admin/v1/lockers/reservations', body);
    results.push(...answer.results);
    if (process.stderr.isTTY && wishes.length > reservationsPerRequest) process.stderr.write(`\r${results.length} `);
  }
  return results;
}

function printOne(options: CommonOptions, result: LockerResult): void {
  const { ok, pupil, locker, from, to, refusal, message, remedy } = result;
  if (!ok && options.json !== true) throw new OperatorError(refusal ?? '', message ?? '', remedy ?? '', 1);
  print(options, result, [`locker ${locker}: pupil ${pupil}, from ${from} to ${to}`]);
}

function printMany(options: CommonOptions, results: readonly LockerResult[]): void {
  const refused = results.filter(({ ok }) => !ok);
  const refusals = refused.slice(0, refusalsShownMax);
  const repeated = results.filter((result) => result.repeated).length;
  const done = results.length - refused.length - repeated;
  print(options, { done, repeated, refused: refused.length, refusals }, [
    ...refusals.map(({ pupil, locker, from, refusal }) => `  pupil ${pupil}, locker ${locker}, ${from}: ${refusal}`),
    `${done} reserved, ${repeated} reserved before, ${refused.length} refused`,
  ]);
}

function cancelCommand(): Command {
  return newCommand('cancel', 'takes a reservation back')
    .requiredOption('--pupil <n>', 'pupil id', readId)
    .requiredOption('--locker <n>', 'number of the locker', readId)
    .requiredOption('--from <time>', 'when it begins, with its zone')
    .option('--school <n>', "where the locker is, if not in the pupil's school", readId)
    .action(async (options: LockerOptions) => {
      const { pupil, school, locker, from } = options;
      const body = { pupil, school, locker, from };
      const path = '/admin/v1/lockers/cancellations';
      await operate(
        options,
        () => connect(options).call<{ repeated: boolean }>('POST', path, body),
        ({ repeated }) => [repeated ? 'there was no such reservation' : `locker ${locker}: no longer reserved`],
      );
    });
}

function listCommand(): Command {
  return newCommand('list', "a school's reservations")
    .requiredOption('--school <n>', 'school id', readId)
    .option('--locker <n>', 'of one locker', readId)
    .action(async (options: LockerOptions & { school: number }) => {
      const { school, locker } = options;
      const path = `/admin/v1/lockers?school=${school}${locker === undefined ? '' : `&locker=${locker}`}`;
      const list = await connect(options).call<{ reservations: Reservation[] }>('GET', path);
      print(
        options,
        list,
        list.reservations.map((one) => `locker ${one.locker}\tpupil ${one.pupil}\t${one.from}\t${one.to}`),
      );
    });
}
