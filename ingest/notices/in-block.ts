import { unpack } from 'msgpackr';
import { TapOffset, TapRecords } from '../../workers/journal/tap-record.ts';
import { type JournalBlock, SectionType } from '../../workers/journal/types.ts';
import type { CommandOutcome } from '../../workers/ledger/command-types.ts';
import type { Derived } from './notice.ts';
import { noticeOfCommand } from './of-command.ts';
import { noticeOfTap } from './of-tap.ts';

/** The notices of a block behind a position, in the journal's order. The block's bytes have to live meanwhile. */
export function* noticesIn(block: JournalBlock, afterPosition: number): Generator<Derived> {
  const { shard } = block;
  for (const { type, bytes, count } of block.sections) {
    if (type === SectionType.commands) yield* ofCommands(block, unpack(bytes) as CommandOutcome[], afterPosition);
    if (type !== SectionType.taps) continue;
    const records = new TapRecords(bytes.buffer, bytes.byteOffset, count);
    for (let row = 0; row < count; row++) {
      if (records.getI64(row, TapOffset.position) <= afterPosition) continue;
      const notice = noticeOfTap(records, row, shard);
      if (notice !== undefined) yield notice;
    }
  }
}

/** A block of commands holds nothing else that takes a position. */
function* ofCommands(
  { shard, firstPosition, writtenAtMs }: JournalBlock,
  outcomes: readonly CommandOutcome[],
  afterPosition: number,
): Generator<Derived> {
  for (const [place, outcome] of outcomes.entries()) {
    const position = firstPosition + place;
    if (position <= afterPosition) continue;
    const notice = noticeOfCommand(outcome, { shard, position, writtenAtMs });
    if (notice !== undefined) yield notice;
  }
}
