import { pack } from 'msgpackr';
import { expect, it } from 'vitest';
import { noon, testSegmentBytes } from '../journal/journal.suite.ts';
import { MemoryStorage } from '../journal/memory-storage.ts';
import { accountId, Owner, TransferCause } from '../journal/transfer-record.ts';
import { SectionType } from '../journal/types.ts';
import { JournalWriter } from '../journal/writer.ts';
import { today } from '../ledger/taps.suite.ts';
import { transferIdOf, TransferRecords } from '../ledger/transfers.ts';
import { Shard } from './shard.ts';

const shardNumber = 3;
const open = (storage: MemoryStorage) => Shard.open({ shard: shardNumber, storage, segmentBytes: testSegmentBytes });
const transferId = transferIdOf(shardNumber, 1);

/** As programs wrote it that knew no movement but top-ups, and no shifts. */
const olderOutcomes = [
  { type: 'holder', change: 1, pupilId: 5, schoolId: 9, classId: 4, active: true, entitled: false },
  { type: 'feed', change: 2 },
  { type: 'toppedUp', key: 'bank-1', pupilId: 5, purse: 1, kop: 700, balanceKop: 700, transferId },
];

function write(storage: MemoryStorage, outcomes: readonly object[]): void {
  const transfers = new TransferRecords();
  transfers.append({
    ...{ transferId, causePosition: 3, kop: 700, at: noon, reverses: 0, pupilId: 5, schoolId: 0, shard: shardNumber },
    ...{ schoolDay: today, cause: TransferCause.topup, purse: 1 },
    debitAccount: accountId(Owner.funding, 0),
    creditAccount: accountId(Owner.pupil, 5, 1),
  });
  const { place } = open(storage).snapshot();
  const writer = JournalWriter.open(storage, shardNumber, place, testSegmentBytes);
  const commands = { type: SectionType.commands, count: outcomes.length, bytes: pack(outcomes) };
  writer.append([commands, { type: SectionType.transfers, count: 1, bytes: transfers.bytes }], outcomes.length, noon);
  writer.close();
}

it('knows the top-ups of an older journal again', () => {
  const storage = new MemoryStorage();
  write(storage, olderOutcomes);
  const shard = open(storage);
  const topUp = {
    type: 'topup',
    key: 'bank-1',
    pupilId: 5,
    purse: 1,
    kop: 700,
    at: noon + 1,
    schoolDay: today,
  } as const;
  const commands = [topUp, { ...topUp, kop: 701 }, { ...topUp, key: 'bank-2' }];
  expect(shard.execute(commands, noon)).toMatchObject([
    { ok: true, isRepeat: true, outcome: { balanceKop: 700, transferId } },
    { ok: false, refusal: 'KEY_CONFLICT' },
    { ok: true, isRepeat: false, outcome: { balanceKop: 1_400, transferId: transferId + 1 } },
  ]);
});

it('does not pass over what it does not know', () => {
  const storage = new MemoryStorage();
  write(storage, [...olderOutcomes, { type: 'granted', pupilId: 5 }]);
  expect(() => open(storage)).toThrow(expect.objectContaining({ code: 'JOURNAL_NEWER' }) as Error);
});
