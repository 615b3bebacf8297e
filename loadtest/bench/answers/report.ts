import { type Machine, thisMachine } from '../process-meter.ts';
import type { Filled } from './fill.ts';
import type { History } from './history.ts';
import { answersLimits } from './limits.ts';
import type { Question } from './questions.ts';
import { dayOf } from './school-days.ts';
import type { SideBySide } from './side-by-side.ts';
import { type Answered, quantile, type Timing } from './timing.ts';
import type { Rederived, RunSettings, Skipped, Streamed, StreamedReport } from './types.ts';

interface HistoryReport {
  readonly first_day: string;
  readonly last_day: string;
  readonly days: number;
  readonly open_days: number;
  readonly taps: number;
}

/** One question as it was asked, on all sides. */
export interface QuestionReport {
  readonly name: string;
  readonly window: string;
  readonly scope: string;
  readonly rows: number;
  readonly quiet: Timing | undefined;
  /** With a tenth of the history. */
  readonly tenth: Timing | undefined;
  /** `quiet` over `tenth`. */
  readonly growth: number | undefined;
  /** Rows that the engine reads, of the whole and of a tenth. */
  readonly rows_read: number;
  readonly tenth_rows_read: number;
  /** Of the engine, all its threads, for one round without a stream. */
  readonly cpu_ms: number;
  readonly streaming: Timing | undefined;
  readonly error: string | undefined;
}

export interface Summary {
  readonly target_ms: number;
  readonly questions: number;
  readonly failed: number;
  /** Share of the questions whose median is within the target. */
  readonly within_target: { readonly quiet: number; readonly streaming: number | undefined };
  /** Of the questions that ask for the same days of both histories. */
  readonly growth: { readonly median: number; readonly largest: number; readonly median_of_rows_read: number };
}

/** The report as far as it goes. */
export interface PartialReport {
  readonly machine: Machine;
  readonly settings: Pick<RunSettings, 'size' | 'seed' | 'rounds' | 'stream' | 'postgres'>;
  readonly history: { readonly full: HistoryReport; readonly tenth: HistoryReport; readonly made_in_ms: object };
  readonly summary: Summary;
  readonly questions: readonly QuestionReport[];
  readonly rederived: Rederived | Skipped | undefined;
  readonly stream: StreamedReport | Skipped | undefined;
  readonly postgres: SideBySide | Skipped | undefined;
  /** Every question was answered, and both databases said the same. */
  readonly ok: boolean;
}

function historyReport({ firstDay, lastDay, openDays, taps }: Filled): HistoryReport {
  return {
    first_day: dayOf(firstDay),
    last_day: dayOf(lastDay),
    days: lastDay - firstDay + 1,
    open_days: openDays,
    taps,
  };
}

/** Collects what the phases found. */
export class AnswersReport {
  rederived: Rederived | Skipped | undefined;
  stream: Streamed | Skipped | undefined;
  postgres: SideBySide | Skipped | undefined;
  readonly #machine = thisMachine();
  readonly #settings: RunSettings;
  readonly #history: History;
  #questions: readonly Question[] = [];
  #answered: readonly (readonly Answered[])[] = [];

  constructor(settings: RunSettings, history: History) {
    this.#settings = settings;
    this.#history = history;
  }

  /** Answers of the whole history and of a tenth of it. */
  answered(questions: readonly Question[], answered: readonly (readonly Answered[])[]): void {
    this.#questions = questions;
    this.#answered = answered;
  }

  get value(): PartialReport {
    const { size, seed, rounds, stream, postgres } = this.#settings;
    const { full, small, spent } = this.#history;
    const questions = this.#questions.map((question, place) => this.#questionReport(question, place));
    return {
      machine: this.#machine,
      settings: { size, seed, rounds, stream, postgres },
      history: { full: historyReport(full), tenth: historyReport(small), made_in_ms: spent },
      summary: summaryOf(questions),
      questions,
      rederived: this.rederived,
      stream: this.stream !== undefined && 'report' in this.stream ? this.stream.report : this.stream,
      postgres: this.postgres,
      ok: this.#isOk(questions),
    };
  }

  #isOk(questions: readonly QuestionReport[]): boolean {
    const { postgres, stream, rederived } = this;
    const differs =
      postgres !== undefined && 'questions' in postgres && postgres.questions.some((one) => !one.is_equal);
    const broke = [stream, rederived].some((phase) => phase !== undefined && 'skipped' in phase);
    return questions.length > 0 && questions.every(({ error }) => error === undefined) && !differs && !broke;
  }

  #questionReport({ name, window, scope }: Question, place: number): QuestionReport {
    const [full, tenth] = this.#answered[place];
    const { stream } = this;
    const streaming = stream !== undefined && 'answered' in stream ? stream.answered[place] : undefined;
    const [quietMs, tenthMs] = [full.timing?.median_ms, tenth.timing?.median_ms];
    return {
      name,
      window,
      scope,
      rows: full.rows,
      quiet: full.timing,
      tenth: tenth.timing,
      growth: quietMs === undefined || !tenthMs ? undefined : Math.round((100 * quietMs) / tenthMs) / 100,
      rows_read: full.rows_read,
      tenth_rows_read: tenth.rows_read,
      cpu_ms: full.cpu_ms,
      streaming: streaming?.timing,
      error: full.error ?? tenth.error ?? streaming?.error,
    };
  }
}

function shareWithin(timings: readonly (Timing | undefined)[]): number | undefined {
  const known = timings.filter((timing) => timing !== undefined);
  if (known.length === 0) return undefined;
  const within = known.filter(({ median_ms }) => median_ms <= answersLimits.targetMs);
  return Math.round((1000 * within.length) / timings.length) / 1000;
}

function summaryOf(questions: readonly QuestionReport[]): Summary {
  const sameDays = questions.filter(({ window, error }) => window !== 'year' && error === undefined);
  const growths = sameDays.map(({ growth }) => growth ?? 0);
  const growthsOfRows = sameDays.map((one) => one.rows_read / Math.max(1, one.tenth_rows_read));
  const streaming = questions.map((question) => question.streaming);
  return {
    target_ms: answersLimits.targetMs,
    questions: questions.length,
    failed: questions.filter(({ error }) => error !== undefined).length,
    within_target: { quiet: shareWithin(questions.map(({ quiet }) => quiet)) ?? 0, streaming: shareWithin(streaming) },
    growth: {
      median: quantile(growths, 0.5),
      largest: quantile(growths, 1),
      median_of_rows_read: Math.round(100 * quantile(growthsOfRows, 0.5)) / 100,
    },
  };
}
