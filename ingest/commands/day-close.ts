import { type Command, Option } from 'commander';
import { OperatorError } from '../../workers/errors.ts';
import type { AdminClient } from '../admin-client.ts';
import type { DayCloseDocument, DaySums } from '../day-close/document.ts';
import { type OperatorName, operatorNames } from '../day-close/operators.ts';
import { answerNo, type CommonOptions, connect, newCommand, operate, print, readId, roubles, usage } from './common.ts';

interface DayCloseOptions extends CommonOptions {
  readonly operator?: OperatorName;
  readonly school?: number;
  readonly day: string;
  readonly all?: boolean;
  readonly close?: boolean;
  readonly force?: boolean;
}
type Closed = DayCloseDocument & { ok: true; repeated: boolean };

const path = '/admin/v1/day-close';

export function dayCloseCommand(): Command {
  return newCommand('day-close', "an operator's school day: what it sold, refused, corrected; --close closes it")
    .addOption(new Option('--operator <name>', 'whose day').choices(operatorNames))
    .option('--school <n>', 'school id', readId)
    .requiredOption('--day <date>', 'the school day, YYYY-MM-DD')
    .option('--all', 'every operator that has anything booked for the day')
    .option('--close', 'closes it; what comes later is shown as after the close')
    .option('--force', 'closes a day that is still going on')
    .action(async (options: DayCloseOptions) => {
      if (options.all === true) return await doAll(options);
      const { operator, school } = options;
      if (operator === undefined || school === undefined) {
        throw usage('--operator and --school belong together', 'Give both, or --all.');
      }
      const admin = connect(options);
      await operate(options, () => doOne(admin, options, operator, school), describe);
    });
}

async function doOne(
  admin: AdminClient,
  { day, close, force = false }: DayCloseOptions,
  operator: OperatorName,
  school: number,
): Promise<DayCloseDocument> {
  if (close === true) return await admin.call<Closed>('POST', path, { operator, school, day, force });
  return await admin.call<DayCloseDocument>('GET', `${path}/${operator}/${school}/${encodeURIComponent(day)}`);
}

/** One that is refused does not keep the others from being closed; the answer then is "no". */
async function doAll(options: DayCloseOptions): Promise<void> {
  const admin = connect(options);
  const list = await admin.call<{ day: string; operators: DayCloseDocument[] }>(
    'GET',
    `${path}?day=${encodeURIComponent(options.day)}`,
  );
  const operators: DayCloseDocument[] = [];
  const refused: { operator: OperatorName; school: number; refusal: string; message: string }[] = [];
  for (const known of list.operators) {
    const { operator, school } = known;
    try {
      operators.push(options.close === true ? await doOne(admin, options, operator, school) : known);
    } catch (error) {
      if (!(error instanceof OperatorError) || error.exitStatus !== 1) throw error;
      refused.push({ operator, school, refusal: error.code, message: error.message });
    }
  }
  const takings_kop = operators.reduce((sum, one) => sum + one.takings_kop, 0);
  print(options, { day: list.day, takings_kop, operators, refused }, [
    ...operators.flatMap(describe),
    ...refused.map(
      ({ operator, school, refusal, message }) => `${operator} of school ${school}: ${refusal}: ${message}`,
    ),
    `${operators.length} operators, ${roubles(takings_kop)}`,
  ]);
  if (refused.length > 0) answerNo();
}

function describe(document: DayCloseDocument): string[] {
  const { operator, school, day, closed_at: closedAt, after_close: after, readers_pending: pending } = document;
  const state = closedAt === null ? 'open' : `closed at ${closedAt}`;
  return [
    `${operator} of school ${school}, ${day}: ${roubles(document.takings_kop)}, ${state}`,
    ...describeSums(document),
    ...(after === null || isNothing(after)
      ? []
      : [`  after the close: ${roubles(after.takings_kop)}`, ...describeSums(after).map((line) => `  ${line}`)]),
    ...(pending > 0 ? [`  ${pending} readers are offline or behind: they may still bring taps`] : []),
  ];
}

function describeSums({ purses, entitlements, free_transfers: free, items, refusals, ...rest }: DaySums): string[] {
  const { reversals, adjustments, outcomes } = rest.corrections;
  const line = (name: string, { n, kop }: { n: number; kop: number }) => `  ${name}: ${n}, ${roubles(kop)}`;
  const corrections = { 'taken back': reversals, adjusted: adjustments, 'sold after a refusal': outcomes };
  return [
    ...purses.map((one) => line(`paid from ${one.purse} purses`, one)),
    ...(entitlements.n === 0 ? [] : [line('entitled meals', entitlements)]),
    ...(free === 0 ? [] : [`  free transfers: ${free}`]),
    ...items.map((one) => line(`item ${one.item ?? 'not said'}`, one)),
    ...Object.entries(corrections).flatMap(([name, one]) => (one.n === 0 ? [] : [line(name, one)])),
    ...refusals.map(({ name, n }) => `  refused ${name}: ${n}`),
    ...rest.offline.map(
      (one) =>
        `${line(`offline at reader ${one.reader}`, one)}; unverified: ${one.unverified_n}, ${roubles(one.unverified_kop)}`,
    ),
  ];
}

function isNothing({ takings_kop: kop, items, refusals, corrections }: DaySums): boolean {
  const isCorrected = Object.values(corrections).some(({ n }) => n !== 0);
  return kop === 0 && items.length === 0 && refusals.length === 0 && !isCorrected;
}
