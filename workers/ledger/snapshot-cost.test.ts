import { afterEach, expect, it, vi } from 'vitest';
import { accountId, Owner } from '../journal/transfer-record.ts';
import type { Moved } from './command-types.ts';
import { Ledger } from './ledger.ts';
import { noon, today } from './taps.suite.ts';

const canteen = accountId(Owner.canteen, 9);
const days = 40;

function topUp(number: number): Moved {
  const what = { pupilId: 5, purse: 1, kop: 700, toPurse: 0, against: 0, balanceKop: 700, transferId: number };
  return { type: 'moved', command: 'topup', key: `bank-${number}`, ...what, at: noon, schoolDay: today };
}

function adjustment(number: number, schoolDay: number): Moved {
  return { ...topUp(number), command: 'adjust', key: `desk-${number}`, against: canteen, schoolDay };
}

function ledgerOfMany(): Ledger {
  const ledger = new Ledger(3);
  for (let number = 1; number <= 500; number++) ledger.applyCommand(topUp(number));
  for (let day = 0; day < days; day++) ledger.applyCommand(adjustment(day, today + day));
  return ledger;
}

afterEach(() => void vi.restoreAllMocks());

it('encodes for a snapshot only the days that changed since the last: while it is taken, taps wait', () => {
  const ledger = ledgerOfMany();
  ledger.save();
  ledger.applyCommand(topUp(501));
  ledger.applyCommand(adjustment(501, today + 3));
  ledger.applyCommand({ type: 'closeDay', operator: canteen, schoolDay: today + 4, at: noon });
  const stringify = vi.spyOn(JSON, 'stringify');
  ledger.save();
  expect(stringify).toHaveBeenCalledTimes(2);
});

it('keeps what was encoded before as it is now', () => {
  const ledger = ledgerOfMany();
  ledger.save();
  ledger.applyCommand(adjustment(501, today + 3));
  ledger.applyCommand({ type: 'closeDay', operator: canteen, schoolDay: today + 3, at: noon });
  const loaded = Ledger.load(3, ledger.save());
  for (const one of [ledger, loaded]) {
    expect(one.book.day(canteen, today + 3)).toMatchObject({
      totals: { adjustments: { n: 2, kop: -1_400 } },
      closed: { at: noon, totals: { adjustments: { n: 2 } } },
    });
    one.applyCommand(topUp(502));
    one.applyCommand(adjustment(502, today));
  }
  expect(loaded.save()).toEqual(ledger.save());
});
