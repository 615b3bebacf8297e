import { unpack } from 'msgpackr';
import { TapOffset, TapRecords } from '../../workers/journal/tap-record.ts';
import { type JournalBlock, SectionType } from '../../workers/journal/types.ts';
import { Code } from '../../workers/ledger/codes.ts';
import type { CommandOutcome, Moved, Settled } from '../../workers/ledger/command-types.ts';
import { balancesOf, explainDecision, type Explanation } from '../../workers/ledger/explain.ts';
import type { Ledger } from '../../workers/ledger/ledger.ts';
import { readTransfers, type Transfer } from '../../workers/ledger/transfers.ts';
import { applyBlock } from '../../workers/shard/shard.ts';
import { identityKey } from '../journal-lookup/journal-search.ts';
import {
  type BalancesAround,
  describeJudgement,
  describeLeg,
  describeRecord,
  type Leg,
  type RecordDescription,
} from './describe-tap.ts';
import { timeOf } from './names.ts';

/** What the journal knows of a tap. `agrees`: judged again, it gets the code that it got, under the same rules version. */
export type ExplainedTap = RecordDescription &
  ReturnType<typeof describeJudgement> & {
    readonly agrees: boolean;
    readonly derived_code: number;
    /** The pupil's purses; null for a pupil that the shard does not know. */
    readonly balances_kop: BalancesAround | null;
    /** Of the tap, and of what came later. */
    readonly transfers: Leg[];
    readonly later: LaterEvent[];
    /** Taps that came with this one's identity and other content. */
    readonly conflicts: RecordDescription[];
  };

/** A reader's OUTCOME, or a reversal, of a tap. `deed` is null for a reversal. */
export interface LaterEvent {
  readonly event: 'outcome' | 'reversal';
  readonly position: number;
  readonly at: string;
  readonly deed: boolean | null;
  readonly kop: number;
}

interface RecordAt {
  readonly records: TapRecords;
  readonly row: number;
  readonly position: number;
  readonly isQuarantined: boolean;
}

/** Brings a ledger forward block by block, and explains the wanted taps when it comes to them. */
export class ShardReplay {
  readonly #ledger: Ledger;
  /** Positions of the taps that are not reached yet, the next one last. */
  readonly #wanted: number[];
  readonly #byPosition = new Map<number, ExplainedTap>();
  readonly #byIdentity = new Map<string, ExplainedTap>();

  constructor(ledger: Ledger, wanted: readonly number[]) {
    this.#ledger = ledger;
    this.#wanted = [...new Set(wanted)].sort((left, right) => right - left);
  }

  explained(): ExplainedTap[] {
    return [...this.#byPosition.values()];
  }

  /** Takes the next block. Behind the last wanted tap the state is of no use any more: only what names a tap is. */
  take(block: JournalBlock): void {
    const next = this.#wanted.at(-1);
    if (next !== undefined && next <= block.lastPosition) this.#takeStepwise(block);
    else if (next !== undefined) applyBlock(this.#ledger, block);
    if (this.#byPosition.size === 0) return;
    this.#noteLater(block);
    this.#noteConflicts(block);
  }

  /** A block of taps, in the order in which they were decided. */
  #takeStepwise(block: JournalBlock): void {
    const ledger = this.#ledger;
    const transfers = transfersByCause(block);
    for (const record of recordsOf(block)) {
      const moved = transfers.get(record.position) ?? [];
      const isWanted = this.#wanted.at(-1) === record.position;
      const judged = isWanted ? explainDecision(ledger, record.records, record.row) : undefined;
      for (const transfer of moved) ledger.accounts.apply(transfer);
      ledger.applyTap(record.records, record.row);
      if (judged !== undefined) this.#keep(block, record, judged, moved);
    }
  }

  #keep(block: JournalBlock, record: RecordAt, judged: Explanation, moved: readonly Transfer[]): void {
    const { records, row, position, isQuarantined } = record;
    const described = describeRecord(records, row, block, isQuarantined);
    const { code, rules_version: rulesVersion } = described.decision;
    const after = judged.holder && balancesOf(this.#ledger, judged.holder.pupil);
    const explained: ExplainedTap = {
      ...described,
      agrees: judged.code === code && judged.rulesVersion === rulesVersion,
      derived_code: judged.code,
      ...describeJudgement(judged),
      balances_kop: judged.holder && after && { before: judged.holder.balancesKop, after },
      transfers: moved.map(describeLeg),
      later: [],
      conflicts: [],
    };
    this.#wanted.pop();
    this.#byPosition.set(position, explained);
    this.#byIdentity.set(keyOf(records, row), explained);
  }

  /** OUTCOMEs and reversals name the tap by its position. */
  #noteLater(block: JournalBlock): void {
    for (const { outcome, position } of outcomesOf(block)) {
      if (outcome.type !== 'settled' && outcome.type !== 'moved') continue;
      const explained = outcome.tap && this.#byPosition.get(outcome.tap.position);
      if (explained === undefined) continue;
      const moved = transfersByCause(block).get(position) ?? [];
      explained.transfers.push(...moved.map(describeLeg));
      explained.later.push(describeLater(outcome, position, moved));
    }
  }

  #noteConflicts(block: JournalBlock): void {
    for (const { records, row } of recordsOf(block, [SectionType.quarantine])) {
      if (records.getU8(row, TapOffset.code) !== Code.idConflict) continue;
      this.#byIdentity.get(keyOf(records, row))?.conflicts.push(describeRecord(records, row, block, true));
    }
  }
}

function describeLater(outcome: Settled | Moved, position: number, moved: readonly Transfer[]): LaterEvent {
  const kop = moved.reduce((sum, transfer) => sum + transfer.kop, 0);
  const common = { position, at: timeOf(outcome.at), kop };
  if (outcome.type === 'settled') return { event: 'outcome', ...common, deed: outcome.deed };
  return { event: 'reversal', ...common, deed: null };
}

const tapSections: readonly number[] = [SectionType.taps, SectionType.quarantine];

/** Records in the order of their positions. */
function recordsOf(block: JournalBlock, types = tapSections): RecordAt[] {
  const found: RecordAt[] = [];
  for (const { type, bytes, count } of block.sections) {
    if (!types.includes(type)) continue;
    const records = new TapRecords(bytes.buffer, bytes.byteOffset, count);
    const isQuarantined = type === SectionType.quarantine;
    for (let row = 0; row < count; row++) {
      found.push({ records, row, position: records.getI64(row, TapOffset.position), isQuarantined });
    }
  }
  return found.sort((left, right) => left.position - right.position);
}

function transfersByCause(block: JournalBlock): Map<number, Transfer[]> {
  const found = new Map<number, Transfer[]>();
  for (const { type, bytes } of block.sections) {
    if (type !== SectionType.transfers) continue;
    for (const transfer of readTransfers(bytes)) {
      const { causePosition } = transfer;
      found.set(causePosition, [...(found.get(causePosition) ?? []), transfer]);
    }
  }
  return found;
}

function* outcomesOf(block: JournalBlock): Generator<{ outcome: CommandOutcome; position: number }> {
  let position = block.firstPosition;
  for (const { type, bytes } of block.sections) {
    if (type !== SectionType.commands) continue;
    for (const outcome of unpack(bytes) as CommandOutcome[]) yield { outcome, position: position++ };
  }
}

function keyOf(records: TapRecords, row: number): string {
  const [readerId, bootEpoch] = [records.getU32(row, TapOffset.readerId), records.getU32(row, TapOffset.bootEpoch)];
  return identityKey({ readerId, bootEpoch, seq: records.getU32(row, TapOffset.seq) });
}
