import type { Machine } from './process-meter.ts';
import type { BenchReport, CaseReport } from './report.ts';
import type { Percentiles } from './tally.ts';

/** Rows of cells as lines: the first column to the left, the others to the right. */
export function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join('  '),
  );
}

export function machineLine({ cpu_model, cores, memory_gib, kernel, node, load_average }: Machine): string {
  return `${cpu_model}, ${cores} cores, ${memory_gib} GiB, Linux ${kernel}, Node ${node}, load average ${load_average} before`;
}

const head = [
  '',
  'taps/s',
  'CPU µs/frame',
  'CPU µs/tap',
  '× floor',
  'cores',
  'others',
  'ack p50',
  'p99',
  'p99.9 ms',
  'frames/s',
];

/** The report for people. */
export function reportLines(report: BenchReport): string[] {
  const rows = Object.values(report.cases).flatMap(rowsOf);
  const { floor, service } = report.memory_bytes_per_connection;
  const { rounds, seconds, connections } = report.settings;
  const kib = (bytes: number) => (bytes / 1024).toFixed(1);
  return [
    machineLine(report.machine),
    `medians of ${rounds} rounds, ${seconds} s a phase, ${connections} connections; CPU without the ClickHouse process`,
    '',
    ...aligned([head, ...rows]),
    '',
    `a connection that is idle: ${kib(service)} KiB, floor ${kib(floor)} KiB`,
    `ack: open loop at half of the service's saturation, from when a frame was due; the floor's is of the same rate`,
    ...report.verify.map(verdictLine),
  ];
}

function rowsOf({ title, floor, service, ratio_to_floor, errors }: CaseReport): string[][] {
  const row = (label: string, side: CaseReport['floor'], ratio: string) => {
    const { taps_per_second, cpu_micros_per_frame, cpu_micros_per_tap, server_cores, other_cores } = side.saturation;
    const cpu = [cpu_micros_per_frame.toFixed(1), cpu_micros_per_tap.toFixed(2)];
    const { open_loop } = side;
    const rate = String(open_loop.frames_per_second);
    return [
      label,
      String(taps_per_second),
      ...cpu,
      ratio,
      server_cores.toFixed(2),
      other_cores.toFixed(2),
      ...latency(open_loop.ack_ms),
      rate,
    ];
  };
  const trouble = Object.keys(errors).length === 0 ? '' : ` ${JSON.stringify(errors)}`;
  return [row(title + trouble, service, ratio_to_floor.cpu_per_frame.toFixed(2)), row('  floor', floor, '1')];
}

function latency({ p50, p99, p99_9 }: Percentiles): string[] {
  return [p50, p99, p99_9].map((ms) => ms.toFixed(1));
}

function verdictLine(verdict: BenchReport['verify'][number]): string {
  const { ok, acked, journaled, stored, lost, doubled, sum_kop: sumKop } = verdict;
  const counts = `acknowledged ${acked}, journaled ${journaled}, stored ${stored}, lost ${lost}, doubled ${doubled}`;
  return `verify ${ok ? 'ok' : 'NOT OK'}: ${counts}, Σ ${sumKop}`;
}
