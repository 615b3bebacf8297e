import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunningService } from '../clients/running-service.ts';
import { OperatorError } from '../errors.ts';
import { runServiceCli } from '../service-cli.ts';
import { benchLimits } from './limits.ts';

/** What `verify` said; all its fields are passed on. */
export interface Verdict {
  readonly ok: boolean;
  readonly acked: number;
  readonly journaled: number;
  readonly stored: number;
  readonly lost: number;
  readonly doubled: number;
  readonly sum_kop: number;
  readonly problems: readonly string[];
}

/** What a running service leaves in its data directory. */
interface Announced {
  readonly pid: number;
  readonly clickhousePid: number | null;
}

/** The real service, with everything on, for one round. */
export class ServiceUnderTest {
  readonly pid: number;
  readonly clickhousePid: number | null;
  readonly url: URL;
  readonly #service: RunningService;
  readonly #data: string;

  private constructor(service: RunningService, data: string) {
    this.#service = service;
    this.#data = data;
    this.url = new URL(service.ready.url);
    const address = JSON.parse(readFileSync(join(data, 'service.json'), 'utf8')) as Announced;
    this.pid = address.pid;
    this.clickhousePid = address.clickhousePid;
  }

  static async start(data: string): Promise<ServiceUnderTest> {
    return new ServiceUnderTest(await RunningService.start(data, 0, ['--log-level', 'warn']), data);
  }

  /** Waits until ClickHouse has every tap, so that no phase pays for the one before it. */
  async stored(): Promise<void> {
    const giveUpMs = performance.now() + benchLimits.storedWithinMs;
    while (performance.now() < giveUpMs) {
      const text = await (await fetch(new URL('/metrics', this.url))).text();
      const backlogs = [...text.matchAll(/^tapline_sink_backlog_records(?:\{[^}]*\})? (\d+)/gm)].map((match) =>
        Number(match[1]),
      );
      if (backlogs.length > 0 && backlogs.every((taps) => taps === 0)) return;
      await sleep(benchLimits.storedPollMs);
    }
    throw new OperatorError('NOT_STORED', 'ClickHouse did not catch up', 'See "tapline status" under the same load');
  }

  async verify(): Promise<Verdict> {
    const { json, errorText } = await runServiceCli(['verify', '--data', this.#data]);
    if (json !== null) return json as Verdict;
    throw new OperatorError(
      'VERIFY_FAILED',
      errorText.trim().split('\n').at(-1) ?? '',
      'Run "tapline verify" by itself',
    );
  }

  stop(): Promise<void> {
    return this.#service.stop();
  }
}
