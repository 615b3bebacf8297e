import { expect, it } from 'vitest';
import { accountId, Owner } from '../journal/transfer-record.ts';
import { bookDaysMax, bookItemsMax } from './limits.ts';
import { takingsKop } from './state/day-totals.ts';
import { buffet, send, TableWorld } from './table.suite.ts';
import { noon, today } from './taps.suite.ts';

const canteen = accountId(Owner.canteen, 9);
const letThrough = 1;

it('tells so many items of a day apart; what is beyond counts as not said, and no kopeck is lost', () => {
  const world = new TableWorld();
  const sales = bookItemsMax + 5;
  for (let sale = 1; sale <= sales; sale++) {
    send(world, { kind: buffet, ref: sale, amountKop: 1, at: noon + sale * 60_000, readerFlags: letThrough });
  }
  const { totals } = world.ledger.book.day(canteen, today)!;
  expect(Object.keys(totals.items)).toHaveLength(bookItemsMax + 1);
  expect(totals.items[0]).toEqual({ n: 5, kop: 5 });
  expect(takingsKop(totals)).toBe(sales);
});

it('keeps the newest days of an operator, takes none that is older, and closes none', () => {
  const world = new TableWorld();
  const { book } = world.ledger;
  for (let day = 0; day <= bookDaysMax; day++) {
    send(world, {
      kind: buffet,
      amountKop: 1,
      schoolDay: today + day,
      at: noon + day * 86_400_000,
      readerFlags: letThrough,
    });
  }
  expect([...book.days()]).toHaveLength(bookDaysMax);
  expect(book.day(canteen, today)).toBeUndefined();
  send(world, { kind: buffet, amountKop: 1, schoolDay: today, at: noon + 3_600_000, readerFlags: letThrough });
  expect(book.day(canteen, today)).toBeUndefined();
  const close = (schoolDay: number) => world.command({ type: 'closeDay', operator: canteen, schoolDay, at: noon });
  expect(close(today)).toEqual({ ok: false, refusal: 'DAY_TOO_OLD' });
  expect(close(today + 1)).toMatchObject({ ok: true, isRepeat: false });
  expect(close(today + 1)).toMatchObject({ ok: true, isRepeat: true });
});
