import { aligned, machineLine } from '../table.ts';
import type { PartialReport, QuestionReport } from './report.ts';
import type { SideBySide } from './side-by-side.ts';
import type { Timing } from './timing.ts';

const none = '–';
const ms = (timing: Timing | undefined, of: 'median_ms' | 'p95_ms' = 'median_ms') => timing?.[of].toFixed(1) ?? none;
const times = (ratio: number | undefined) => (ratio === undefined ? none : `× ${ratio.toFixed(2)}`);
const percent = (share: number | undefined) => (share === undefined ? none : `${(100 * share).toFixed(1)} %`);
const mebibytes = (bytes: Readonly<Record<string, number>>) =>
  `${Math.round(Object.values(bytes).reduce((sum, one) => sum + one, 0) / 2 ** 20)} MiB`;

/** The report for people. */
export function reportLines(report: PartialReport): string[] {
  const { machine, history, summary, questions } = report;
  const { full, tenth } = history;
  return [
    machineLine(machine),
    `${full.taps} taps, ${full.open_days} days of lessons from ${full.first_day} to ${full.last_day}; a tenth: ${tenth.taps} taps from ${tenth.first_day} on`,
    '',
    ...aligned([
      [
        '',
        'window',
        'schools',
        'rows',
        'median',
        'p95',
        'CPU ms',
        'with stream',
        'p95 ms',
        'tenth',
        'growth',
        'rows read',
        'of tenth',
      ],
      ...questions.map(rowOf),
    ]),
    '',
    `median within ${summary.target_ms} ms: ${percent(summary.within_target.quiet)} of ${summary.questions} questions, ${percent(summary.within_target.streaming)} while taps stream in`,
    `history tenfold, same days asked: median ${times(summary.growth.median)}, largest ${times(summary.growth.largest)}; rows read: median ${times(summary.growth.median_of_rows_read)}`,
    ...questions.filter(({ error }) => error !== undefined).map((one) => `FAILED ${titleOf(one)}: ${one.error}`),
    ...rederivedLines(report),
    ...streamLines(report),
    ...postgresLines(report),
  ];
}

function titleOf({ name, window, scope }: QuestionReport): string {
  return `${name}, ${window}, ${scope}`;
}

function rowOf(question: QuestionReport): string[] {
  const { name, window, scope, rows, quiet, streaming, tenth, growth, rows_read, tenth_rows_read } = question;
  const timings = [
    ms(quiet),
    ms(quiet, 'p95_ms'),
    String(question.cpu_ms),
    ms(streaming),
    ms(streaming, 'p95_ms'),
    ms(tenth),
  ];
  return [name, window, scope, String(rows), ...timings, times(growth), String(rows_read), String(tenth_rows_read)];
}

function rederivedLines({ rederived }: PartialReport): string[] {
  if (rederived === undefined) return [];
  if ('skipped' in rederived) return [`deriving days anew: skipped: ${rederived.skipped}`];
  const { schools, pupils, rounds, cpu_ms } = rederived;
  return [
    `a school day anew (${schools} schools, ${pupils} pupils): median ${ms(rederived)} ms, p95 ${ms(rederived, 'p95_ms')} ms of ${rounds} days, ${cpu_ms} CPU ms of the engine`,
  ];
}

function streamLines({ stream }: PartialReport): string[] {
  if (stream === undefined) return [];
  if ('skipped' in stream) return [`stream: skipped: ${stream.skipped}`];
  const { wanted_taps_per_second: wanted, taps_per_second: rate, taps, seconds, ack_ms, load_average } = stream;
  return [
    `stream: ${rate.median} of ${wanted} taps/s acknowledged (5 % of seconds below ${rate.p5}), ${taps} in ${seconds} s; ack p50 ${ack_ms.p50.toFixed(1)} ms, p99 ${ack_ms.p99.toFixed(1)} ms; load average ${load_average}`,
    ...(Object.keys(stream.errors).length === 0 ? [] : [`stream errors: ${JSON.stringify(stream.errors)}`]),
  ];
}

function postgresLines({ postgres }: PartialReport): string[] {
  if (postgres === undefined) return [];
  if ('skipped' in postgres) return [`PostgreSQL: skipped: ${postgres.skipped}`];
  return ['', ...comparedLines(postgres)];
}

function comparedLines({ version, load_ms, questions, bytes }: SideBySide): string[] {
  const copied = Object.fromEntries(Object.keys(bytes.postgres).map((table) => [table, bytes.clickhouse[table] ?? 0]));
  return [
    `${version}, the same taps, transfers, rosters and calendar, loaded in ${Math.round(load_ms / 1000)} s`,
    ...aligned([
      ['', 'window', 'schools', 'rows', 'ClickHouse', 'PostgreSQL ms', 'ratio', 'same'],
      ...questions.map(({ name, window, scope, rows, clickhouse, postgres, ratio, is_equal }) => [
        name,
        window,
        scope,
        String(rows),
        ms(clickhouse),
        ms(postgres),
        times(ratio),
        is_equal ? 'yes' : 'NO',
      ]),
    ]),
    `on disk, of the same tables: ClickHouse ${mebibytes(copied)}, PostgreSQL with indexes ${mebibytes(bytes.postgres)}; ClickHouse with all that is derived ${mebibytes(bytes.clickhouse)}`,
    ...questions.flatMap(({ name, difference }) =>
      difference === undefined ? [] : [`DIFFERS ${name}: ${difference}`],
    ),
  ];
}
