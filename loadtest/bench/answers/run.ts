import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ClickHouseClient, errorLine, openClickHouse } from '../../../analytics/clickhouse/client.ts';
import { EmbeddedClickHouse } from '../../../analytics/clickhouse/embedded.ts';
import { migrate } from '../../../analytics/schema/migrate.ts';
import { namedQueries } from '../../../analytics/queries/catalogue.ts';
import { RunningService } from '../../clients/running-service.ts';
import { runServiceCli } from '../../service-cli.ts';
import { ProcessMeter } from '../process-meter.ts';
import { deriveDays, mergesAreQuiet } from './fill.ts';
import { type History, prepareHistory, requireRoom } from './history.ts';
import { answersLimits } from './limits.ts';
import { findPostgres, PostgresServer } from './postgres-server.ts';
import { chooseSubjects, type Question, questionsOf, type Subjects } from './questions.ts';
import { AnswersReport, type PartialReport } from './report.ts';
import { historyDay } from './school-days.ts';
import { compareWithPostgres, type SideBySide } from './side-by-side.ts';
import { Stream } from './stream.ts';
import { type AskedEngine, timeQuestions, timingOf } from './timing.ts';
import type { Rederived, RunSettings, Skipped, Streamed } from './types.ts';

/** What a running service says in its data directory. */
interface Announced {
  readonly clickhouseUrl: string;
  readonly clickhousePid: number;
}

type Progress = (line: string) => void;
type Undo = () => Promise<void> | void;

/** One run from the fill to the report; `stop` ends whatever was started, at any time. */
export class AnswersRun {
  readonly #settings: RunSettings;
  readonly #progress: Progress;
  readonly #onPart: (report: PartialReport) => void;
  readonly #undo: Undo[] = [];

  constructor(settings: RunSettings, progress: Progress, onPart: (report: PartialReport) => void) {
    this.#settings = settings;
    this.#progress = progress;
    this.#onPart = onPart;
  }

  async run(): Promise<PartialReport> {
    const { keep, taps } = this.#settings;
    const temporary = mkdtempSync(join(tmpdir(), 'tapline-answers-'));
    this.#undo.push(() => rmSync(temporary, { recursive: true, force: true, maxRetries: 5 }));
    try {
      requireRoom(keep === undefined ? temporary : tmpdir(), taps === Infinity ? 0 : taps);
      const home = keep ?? join(temporary, 'history');
      const history = await prepareHistory(home, this.#settings, this.#progress);
      const report = new AnswersReport(this.#settings, history);
      await this.#measure(keep === undefined ? history : this.#copyOf(history, temporary), report);
      return report.value;
    } finally {
      await this.stop();
    }
  }

  async stop(): Promise<void> {
    for (let undo = this.#undo.pop(); undo !== undefined; undo = this.#undo.pop()) {
      try {
        await undo();
      } catch (error) {
        this.#progress(errorLine(error));
      }
    }
  }

  /** What is kept stays as it was filled. */
  #copyOf(history: History, temporary: string): History {
    this.#progress('copying the history');
    const data = join(temporary, 'data');
    const smallEngine = join(temporary, 'small');
    cpSync(history.data, data, { recursive: true });
    cpSync(history.smallEngine, smallEngine, { recursive: true });
    return { ...history, data, smallEngine };
  }

  async #measure(history: History, report: AnswersReport): Promise<void> {
    const { subjects, questions } = await this.#quiet(history, report);
    this.#onPart(report.value);
    if (this.#settings.stream > 0) {
      report.stream = await this.#orSkipped(() => this.#streaming(history, questions, subjects));
      this.#onPart(report.value);
    }
  }

  /** Everything that is measured while nothing comes in. */
  async #quiet(history: History, report: AnswersReport) {
    const full = await this.#openEngine(join(history.data, 'clickhouse'));
    const small = await this.#openEngine(history.smallEngine);
    const subjects = await chooseSubjects(full.client);
    // Of the last day everything has come in, whatever the hour is.
    const nowMs = Math.max(Date.now(), (history.full.lastDay + 1) * 86_400_000);
    const questions = questionsOf(namedQueries, subjects, history.full, nowMs);
    this.#progress(`asking ${questions.length} questions of ${history.small.taps} and of ${history.full.taps} taps`);
    const { rounds } = this.#settings;
    const answered = await timeQuestions(questions, [full, small], { rounds, progress: this.#progress });
    await small.close();
    report.answered(questions, answered);
    this.#onPart(report.value);
    report.rederived = await this.#orSkipped(() => this.#rederive(full, history, subjects));
    this.#onPart(report.value);
    if (this.#settings.postgres) {
      report.postgres = await this.#orSkipped(() => this.#sideBySide(full.client, questions));
      this.#onPart(report.value);
    }
    await full.close();
    return { subjects, questions };
  }

  async #openEngine(directory: string) {
    const engine = await EmbeddedClickHouse.start({ directory });
    const client = openClickHouse(engine.url, { requestTimeoutMs: answersLimits.statementTimeoutMs });
    let isOpen = true;
    const close = async (): Promise<void> => {
      if (!isOpen) return;
      isOpen = false;
      await client.close();
      await engine.stop();
    };
    this.#undo.push(close);
    await migrate(engine.url);
    await mergesAreQuiet(client, this.#progress);
    return { url: engine.url, client, meter: new ProcessMeter(engine.pid), close };
  }

  async #orSkipped<T>(work: () => Promise<T>): Promise<T | Skipped> {
    try {
      return await work();
    } catch (error) {
      const skipped = errorLine(error);
      this.#progress(`skipped: ${skipped}`);
      return { skipped };
    }
  }

  /** Whole school days of all schools, spread over the history, one after the other. */
  async #rederive(
    { url, client, meter }: AskedEngine & { readonly url: string },
    { full }: History,
    { schools }: Subjects,
  ): Promise<Rederived> {
    const open: number[] = [];
    for (let day = full.lastDay; day >= full.firstDay; day--) if (historyDay(day).is_open) open.push(day);
    const step = Math.max(1, Math.floor(open.length / answersLimits.rederivedDays));
    const days = open.filter((_, place) => place % step === 0).slice(0, answersLimits.rederivedDays);
    this.#progress(`deriving ${days.length} days anew`);
    await deriveDays(url, schools, days.slice(0, 1), { atOnce: 1 });
    const cpuBefore = meter.cpuMicros;
    const spentMs = await deriveDays(url, schools, days, { atOnce: 1 });
    const cpu_ms = Math.round((meter.cpuMicros - cpuBefore) / 1000 / days.length);
    const query = 'SELECT toUInt32(uniqExact(pupil_id)) AS n FROM roster_day';
    const [{ n }] = await (await client.query({ query, format: 'JSONEachRow' })).json<{ n: number }>();
    return { ...timingOf(spentMs), schools: schools.length, pupils: n, cpu_ms };
  }

  async #sideBySide(client: ClickHouseClient, questions: readonly Question[]): Promise<SideBySide | Skipped> {
    const bin = findPostgres();
    if (bin === undefined) return { skipped: 'PostgreSQL is not installed (Debian: apt-get install postgresql)' };
    const server = await PostgresServer.start(bin);
    this.#undo.push(() => server.stop());
    const { rounds } = this.#settings;
    try {
      return await compareWithPostgres(client, server, questions, { rounds, progress: this.#progress });
    } finally {
      await server.stop();
    }
  }

  /** The real service over the same tables, its readers' taps coming in, and the questions asked beside it. */
  async #streaming({ data, region }: History, questions: readonly Question[], subjects: Subjects): Promise<Streamed> {
    this.#progress('starting the service');
    const service = await RunningService.start(data, 0, ['--log-level', 'warn', '--dashboards-port', '0']);
    this.#undo.push(() => service.stop());
    const address = JSON.parse(readFileSync(join(data, 'service.json'), 'utf8')) as Announced;
    const client = openClickHouse(address.clickhouseUrl, { requestTimeoutMs: answersLimits.statementTimeoutMs });
    this.#undo.push(() => client.close());
    // It freezes today and derives it first.
    await sleep(answersLimits.streamSettleMs);
    const options = { region, url: service.ready.url, readers: this.#settings.streamReaders };
    const stream = await Stream.start({ ...options, tapsPerSecond: this.#settings.stream });
    this.#undo.push(() => stream.kill());
    this.#progress(`${this.#settings.stream} taps a second come in for ${subjects.schools.length} schools`);
    const now = questions.map((question) => ({ ...question, asked: { ...question.asked, nowMs: Date.now() } }));
    const answered = await timeQuestions(now, [{ client, meter: new ProcessMeter(address.clickhousePid) }], {
      rounds: this.#settings.rounds,
      withinMs: answersLimits.streamWithinMs,
      progress: this.#progress,
    });
    const load_average = Math.round(loadavg()[0] * 100) / 100;
    const { json } = await runServiceCli(['status', '--data', data]);
    const { derive, sink } = (json ?? {}) as { derive?: unknown; sink?: unknown };
    const streamed = await stream.stop();
    await service.stop();
    return { report: { ...streamed, status: { derive, sink }, load_average }, answered: answered.map(([one]) => one) };
  }
}
