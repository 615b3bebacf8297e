import { pack, unpack } from 'msgpackr';
import type { AnswerWindow } from '../ledger/state/answers.ts';
import {
  type CommandAnswer,
  type CommandOutcome,
  decideCommand,
  type JournaledOutcome,
  type LedgerCommand,
} from '../ledger/commands.ts';
import { isLoadable } from '../ledger/ledger-snapshot.ts';
import { Fate, Ledger } from '../ledger/ledger.ts';
import { TransferRecords } from '../ledger/transfers.ts';
import type { SectionToWrite } from '../journal/block.ts';
import { recoverJournal, type RecoveryProgress } from '../journal/recovery.ts';
import { readNewestSnapshot, type Snapshot } from '../journal/snapshots.ts';
import type { Storage } from '../journal/storage.ts';
import { tapRecordBytes, TapRecords } from '../journal/tap-record.ts';
import { type JournalBlock, SectionType } from '../journal/types.ts';
import { JournalWriter } from '../journal/writer.ts';
import { batchCommandsMax, batchTapsMax } from './limits.ts';

export interface ShardOptions {
  readonly shard: number;
  readonly storage: Storage;
  readonly segmentBytes?: number;
  readonly onProgress?: (progress: RecoveryProgress) => void;
}

export interface BatchResult {
  /** The last durable position after the batch. */
  readonly lastPosition: number;
  readonly decided: number;
  readonly repeated: number;
  readonly quarantined: number;
}

/** What of a reader's identities the shard has answered, as runs [first seq, length]. */
export interface AnsweredIdentities {
  readonly readerId: number;
  readonly bootEpoch: number;
  readonly runs: [number, number][];
}

/**
 * The single writer of a shard: decides a batch, appends one block, syncs it, answers. Everything it answers is on disk.
 * After any error the shard is unusable and has to be opened anew, from the disk.
 */
export class Shard {
  readonly ledger: Ledger;
  readonly recovered: { readonly blocks: number; readonly clearedBytes: number };
  readonly #writer: JournalWriter;
  readonly #transfers = new TransferRecords();
  readonly #fates = new Uint8Array(batchTapsMax);
  readonly #scratch = new Uint8Array(batchTapsMax * tapRecordBytes);
  #isUsable = true;

  private constructor(ledger: Ledger, writer: JournalWriter, recovered: Shard['recovered']) {
    this.ledger = ledger;
    this.#writer = writer;
    this.recovered = recovered;
  }

  /** Recovers the shard: newest whole snapshot, then the journal behind it; a torn tail is cleared. */
  static open(options: ShardOptions): Shard {
    const { storage, shard } = options;
    const newest = readNewestSnapshot(storage);
    // What another version saved is not read: the journal has it all.
    const snapshot = newest !== undefined && isLoadable(newest.meta) ? newest : undefined;
    const ledger = snapshot === undefined ? new Ledger(shard) : Ledger.load(shard, snapshot);
    const recovered = recoverJournal({
      storage,
      shard,
      from: snapshot?.place,
      apply: (block) => applyBlock(ledger, block),
      ...(options.onProgress && { onProgress: options.onProgress }),
    });
    const writer = JournalWriter.open(storage, shard, recovered.place, options.segmentBytes);
    return new Shard(ledger, writer, recovered);
  }

  get lastPosition(): number {
    return this.#writer.lastPosition;
  }

  /**
   * Decides the first `count` records of a buffer in order and makes the outcomes durable. The records then hold the
   * answers. `nowMs` is the service's clock.
   */
  decideBatch(buffer: ArrayBufferLike, count: number, nowMs: number): BatchResult {
    if (count > batchTapsMax) throw new RangeError(`a batch of ${count} taps is larger than ${batchTapsMax}`);
    return this.#orNeverAgain(() => this.#decide(buffer, count, nowMs));
  }

  /** Executes commands in order and makes their outcomes durable. Refused and repeated ones are not journaled. */
  execute(commands: readonly LedgerCommand[], nowMs: number): CommandAnswer[] {
    if (commands.length > batchCommandsMax) throw new RangeError(`more than ${batchCommandsMax} commands in a batch`);
    return this.#orNeverAgain(() => this.#execute(commands, nowMs));
  }

  /** True when a piece of the next segment is due. */
  get wantsPrepare(): boolean {
    return this.#writer.wantsPrepare;
  }

  /** Work that no batch waits for. */
  prepareAhead(): void {
    this.#orNeverAgain(() => this.#writer.prepareAhead());
  }

  /** A copy of the state at the current position. */
  snapshot(): Snapshot {
    this.#mustBeUsable();
    return { place: this.#writer.place, ...this.ledger.save() };
  }

  /** What this shard has answered of every reader: the gateway's idea of order is rebuilt from it. */
  answeredIdentities(): AnsweredIdentities[] {
    return [...this.ledger.windows].map(([readerId, window]) => ({
      readerId,
      bootEpoch: window.bootEpoch,
      runs: runsOf(window),
    }));
  }

  close(): void {
    this.#isUsable = false;
    this.#writer.close();
  }

  /**
   * Runs what changes the state. If it throws, the state holds what the disk may not: to answer a repeat from it would
   * acknowledge what is lost.
   */
  #orNeverAgain<T>(work: () => T): T {
    this.#mustBeUsable();
    this.#isUsable = false;
    const result = work();
    this.#isUsable = true;
    return result;
  }

  #mustBeUsable(): void {
    if (!this.#isUsable) throw new Error('the shard failed before and has to be opened anew');
  }

  #decide(buffer: ArrayBufferLike, count: number, nowMs: number): BatchResult {
    const records = new TapRecords(buffer, 0, count);
    this.#transfers.clear();
    let position = this.#writer.nextPosition;
    let quarantined = 0;
    let repeated = 0;
    for (let row = 0; row < count; row++) {
      const fate = this.ledger.decide(records, row, position, this.#transfers);
      this.#fates[row] = fate;
      if (fate === Fate.repeated) repeated += 1;
      else position += 1;
      if (fate === Fate.quarantined) quarantined += 1;
    }
    const decided = count - repeated - quarantined;
    if (decided + quarantined > 0) {
      this.#writer.append(this.#tapSections(records, count, decided, quarantined), decided + quarantined, nowMs);
    }
    return { lastPosition: this.#writer.lastPosition, decided, repeated, quarantined };
  }

  #execute(commands: readonly LedgerCommand[], nowMs: number): CommandAnswer[] {
    this.#transfers.clear();
    const outcomes: CommandOutcome[] = [];
    const answers = commands.map((command) => {
      // Rules are large: they get a block of their own, so that no block is larger than it may be.
      if (command.type === 'rules') this.#appendCommands(outcomes, nowMs);
      const position = this.#writer.nextPosition + outcomes.length;
      const { answer, movements } = decideCommand(this.ledger, command, position);
      if (!answer.ok || answer.isRepeat) return answer;
      this.ledger.applyCommand(answer.outcome);
      for (const movement of movements) {
        this.#transfers.append(movement);
        this.ledger.accounts.apply(movement);
      }
      outcomes.push(answer.outcome);
      if (command.type === 'rules') this.#appendCommands(outcomes, nowMs);
      return answer;
    });
    this.#appendCommands(outcomes, nowMs);
    return answers;
  }

  /** Makes outcomes durable, and empties the list for the next block. */
  #appendCommands(outcomes: CommandOutcome[], nowMs: number): void {
    if (outcomes.length === 0) return;
    const sections: SectionToWrite[] = [
      { type: SectionType.commands, count: outcomes.length, bytes: pack(outcomes) },
      ...this.#transferSections(),
    ];
    this.#writer.append(sections, outcomes.length, nowMs);
    this.#transfers.clear();
    outcomes.length = 0;
  }

  #tapSections(records: TapRecords, count: number, decided: number, quarantined: number): SectionToWrite[] {
    const sections: SectionToWrite[] = [];
    const whole = records.u8.subarray(0, count * tapRecordBytes);
    if (decided === count) return [{ type: SectionType.taps, count, bytes: whole }, ...this.#transferSections()];
    let offset = 0;
    for (const [fate, type, size] of [
      [Fate.decided, SectionType.taps, decided],
      [Fate.quarantined, SectionType.quarantine, quarantined],
    ] as const) {
      if (size === 0) continue;
      const bytes = this.#scratch.subarray(offset, offset + size * tapRecordBytes);
      this.#gather(whole, count, fate, bytes);
      sections.push({ type, count: size, bytes });
      offset += bytes.length;
    }
    return [...sections, ...this.#transferSections()];
  }

  #gather(records: Uint8Array, count: number, fate: number, target: Uint8Array): void {
    let offset = 0;
    for (let row = 0; row < count; row++) {
      if (this.#fates[row] !== fate) continue;
      target.set(records.subarray(row * tapRecordBytes, (row + 1) * tapRecordBytes), offset);
      offset += tapRecordBytes;
    }
  }

  #transferSections(): SectionToWrite[] {
    const { count, bytes } = this.#transfers;
    return count === 0 ? [] : [{ type: SectionType.transfers, count, bytes }];
  }
}

/** Brings a state forward by one block of the journal: outcomes are applied, nothing is decided. */
export function applyBlock(ledger: Ledger, block: JournalBlock): void {
  for (const section of block.sections) {
    if (section.type !== SectionType.commands) continue;
    for (const outcome of unpack(section.bytes) as JournaledOutcome[]) ledger.applyCommand(outcome);
  }
  for (const section of block.sections) {
    if (section.type === SectionType.transfers) ledger.applyTransfers(section.bytes);
    if (section.type !== SectionType.taps && section.type !== SectionType.quarantine) continue;
    const records = new TapRecords(section.bytes.buffer, section.bytes.byteOffset, section.count);
    for (let row = 0; row < section.count; row++) ledger.applyTap(records, row);
  }
}

function runsOf(window: AnswerWindow): [number, number][] {
  const runs: [number, number][] = [];
  for (let place = 0; place < window.count; place++) {
    const seq = window.seq(place);
    const last = runs.at(-1);
    if (last !== undefined && last[0] + last[1] === seq) last[1] += 1;
    else runs.push([seq, 1]);
  }
  return runs;
}
