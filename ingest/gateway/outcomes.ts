import type { TapIdentity } from '../../workers/pool/messages.ts';
import type { ShardPool } from '../../workers/pool/pool.ts';
import type { LedgerCommand } from '../../workers/ledger/commands.ts';
import type { TapLookup } from '../journal-lookup/tap-lookup.ts';
import { ErrorCode } from '../protocol/codes.ts';
import { rememberedIdentitiesMin } from '../protocol/limits.ts';
import type { Outcome } from '../protocol/messages.ts';
import type { GatewayCounters } from './counters.ts';
import type { Refusal } from './intake.ts';
import {
  framesInFlightMax,
  outcomeAgainDelayMs,
  outcomesPerRoundMax,
  outcomesWaitingMax,
  retryAfterMs,
} from './limits.ts';
import type { Quarantine } from './quarantine.ts';
import type { ReaderState } from './reader-state.ts';

export interface OutcomesOptions {
  readonly pool: Pick<ShardPool, 'execute'>;
  readonly taps: Pick<TapLookup, 'findMany'>;
  readonly quarantine: Quarantine;
  readonly counters: GatewayCounters;
  readonly now: () => number;
  /** Names why nothing may be taken in now, if so. */
  readonly whyClosed: () => string | undefined;
}

interface Due {
  readonly reader: ReaderState;
  readonly tap: TapIdentity;
  readonly deed: boolean;
}

/**
 * OUTCOMEs: what readers did about taps whose verdict came too late. Each waits until its tap is on disk, then the tap is
 * looked up and its shard posts the deed, or takes back what had moved. OUTCOMEs of taps that the shards have forgotten
 * wait for a search, so they have a lane of their own.
 */
export class Outcomes {
  readonly #options: OutcomesOptions;
  readonly #newest: Lane;
  readonly #late: Lane;
  #waiting = 0;

  constructor(options: OutcomesOptions) {
    this.#options = options;
    this.#newest = new Lane((round) => this.#settle(round));
    this.#late = new Lane((round) => this.#settle(round));
  }

  /** True when everything that was taken in is done. */
  get isIdle(): boolean {
    return this.#waiting === 0;
  }

  /** Takes an OUTCOME in, or says why not. One of a tap that never came in is put aside with its bytes. */
  take(reader: ReaderState, { seq, deed }: Outcome, bytes: Uint8Array): Refusal | undefined {
    const { counters, quarantine, now, whyClosed } = this.#options;
    counters.outcomes += 1;
    if (seq >= reader.nextSeq) {
      counters.outcomesUnknown += 1;
      quarantine.keep(reader.entry.readerId, bytes, `OUTCOME of seq ${seq}, which never came in`, now());
      return undefined;
    }
    const isFull = reader.outcomesWaiting >= outcomesWaitingMax || reader.inFlightFrames >= framesInFlightMax;
    const why = whyClosed() ?? (isFull ? 'queue-full' : undefined);
    if (why !== undefined) return { code: ErrorCode.notNow, message: `not now: ${why}`, retryMs: retryAfterMs };
    const tap = { readerId: reader.entry.readerId, bootEpoch: reader.bootEpoch, seq };
    const isLate = seq + rememberedIdentitiesMin <= reader.nextSeq - 1;
    if (isLate) counters.outcomesLate += 1;
    this.#waiting += 1;
    reader.outcomesWaiting += 1;
    const lane = isLate ? this.#late : this.#newest;
    reader.after(now(), () => lane.push({ reader, tap, deed: deed === 1 }));
    return undefined;
  }

  async #settle(round: readonly Due[]): Promise<void> {
    const found = await this.#options.taps.findMany(round.map(({ tap }) => tap));
    const byShard = new Map<number, LedgerCommand[]>();
    const at = this.#options.now();
    round.forEach(({ deed }, index) => {
      const one = found[index];
      if (one === undefined) return;
      const commands = byShard.get(one.shard) ?? [];
      commands.push({ type: 'outcome', tap: one.facts, deed, at });
      byShard.set(one.shard, commands);
    });
    await Promise.all([...byShard].map(([shard, commands]) => this.#execute(shard, commands, at)));
    this.#options.counters.outcomesUnknown += found.filter((one) => one === undefined).length;
    for (const { reader } of round) reader.outcomesWaiting -= 1;
    this.#waiting -= round.length;
  }

  /** Executed again after a failure, commands are repeats, and are not counted as settled. */
  async #execute(shard: number, commands: readonly LedgerCommand[], at: number): Promise<void> {
    const { pool, counters } = this.#options;
    for (const answer of await pool.execute(shard, commands, at)) {
      if (!answer.ok) counters.outcomesRefused += 1;
      else if (answer.isRepeat) counters.outcomesRepeated += 1;
      else counters.outcomesSettled += 1;
    }
  }
}

/** Does what is due in rounds, in order; while one round runs, the next fills up. A round that fails is done again. */
class Lane {
  readonly #settle: (round: readonly Due[]) => Promise<void>;
  readonly #due: Due[] = [];
  #isBusy = false;

  constructor(settle: (round: readonly Due[]) => Promise<void>) {
    this.#settle = settle;
  }

  push(due: Due): void {
    this.#due.push(due);
    if (this.#isBusy) return;
    this.#isBusy = true;
    setImmediate(() => this.#next());
  }

  #next(): void {
    const round = this.#due.splice(0, outcomesPerRoundMax);
    if (round.length === 0) this.#isBusy = false;
    else this.#run(round);
  }

  /** An OUTCOME that was let go would leave a child unpaid, or paid twice; one that is done again is harmless. */
  #run(round: readonly Due[]): void {
    void this.#settle(round).then(
      () => this.#next(),
      () => void setTimeout(() => this.#run(round), outcomeAgainDelayMs).unref(),
    );
  }
}
