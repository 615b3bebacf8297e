import type { HistorySettings } from './history.ts';
import type { StreamReport } from './stream.ts';
import type { Answered, Timing } from './timing.ts';

export interface RunSettings extends HistorySettings {
  readonly rounds: number;
  /** Taps a second while questions are asked again; 0 for no such phase. */
  readonly stream: number;
  readonly postgres: boolean;
  /** A folder whose history stays and is used again. */
  readonly keep: string | undefined;
  readonly streamReaders: number;
}

/** A phase that did not end well says why; the others are reported all the same. */
export interface Skipped {
  readonly skipped: string;
}

export interface Rederived extends Timing {
  readonly schools: number;
  readonly pupils: number;
  /** Engine's CPU time of one day, all threads. */
  readonly cpu_ms: number;
}

export interface StreamedReport extends StreamReport {
  /** `derive` and `sink` of `tapline status` at the end. */
  readonly status: unknown;
  readonly load_average: number;
}

export interface Streamed {
  readonly report: StreamedReport;
  readonly answered: readonly Answered[];
}
