import { describe, expect, it } from 'vitest';
import { NoticeKind } from './kinds.ts';
import { buffet, fare, gateIn, gateOut, lockerOpen, send, type TableTap, TableWorld } from './table.suite.ts';
import { noon, today } from './taps.suite.ts';

const { none, news, suppressed, correction } = NoticeKind;
const hourMs = 3_600_000;
const gate = (kind: number, hour: number, changes: TableTap = {}): TableTap => ({
  kind,
  at: noon + hour * hourMs,
  ...changes,
});

describe('what a tap is to the parents', () => {
  it.each<[string, TableTap, number]>([
    ['a way in', { kind: gateIn }, news],
    ['a sale', { amountKop: 100 }, news],
    ['a free meal', { card: 'entitled', amountKop: 100 }, news],
    ['a ride', { kind: fare, amountKop: 100 }, news],
    ['a sale made known late', { amountKop: 100, isLate: true }, news],
    ['a sale that the reader refused', { amountKop: 100, readerFlags: 2 }, none],
    ['a sale that the reader made all the same', { amountKop: 90_000, readerFlags: 1 }, news],
    ['too little money', { amountKop: 90_000 }, news],
    ['too little money, known late', { amountKop: 90_000, isLate: true }, suppressed],
    ['a blocked card', { card: 'blocked', amountKop: 1 }, news],
    ['an exit that opened by a blocked card', { card: 'blocked', kind: gateOut }, news],
    ['an unknown card', { card: 'unknown', amountKop: 1 }, none],
    ['an unknown card let through', { card: 'unknown', amountKop: 1, readerFlags: 1 }, none],
    ['a refusal that has no words', { kind: gateIn, card: 'foreign' }, none],
    ['a locker that is not reserved', { kind: lockerOpen, ref: 1 }, none],
  ])('%s', (_, tap, notice) => {
    expect(send(new TableWorld(), tap).notice).toBe(notice);
  });

  it('is nothing for a bounce', () => {
    const world = new TableWorld();
    send(world, { kind: buffet, amountKop: 100 });
    expect(send(world, { kind: buffet, amountKop: 100 })).toMatchObject({ code: 71, notice: none });
  });

  it('is for a passage that comes late known, unless it changes the first arrival or the last departure of its day', () => {
    const world = new TableWorld();
    for (const [tap, notice] of [
      [gate(gateIn, 0), news],
      [gate(gateOut, 2), news],
      [gate(gateIn, 3), news],
      [gate(gateIn, 1), suppressed],
      [gate(gateIn, -1), correction],
      [gate(gateIn, -0.5), suppressed],
      [gate(gateOut, 1), suppressed],
      [gate(gateOut, 2.5), correction],
      [gate(gateOut, 4), news],
      // Yesterday's reader was offline until now.
      [gate(gateIn, -24, { schoolDay: today - 1 }), correction],
      [gate(gateIn, -23, { schoolDay: today - 1 }), suppressed],
    ] as const) {
      expect(send(world, tap)).toMatchObject({ code: 10, notice });
    }
  });

  it('is a correction for the day before as well, and nothing is told of days long past', () => {
    const world = new TableWorld();
    expect(send(world, gate(gateIn, -24, { schoolDay: today - 1 })).notice).toBe(news);
    expect(send(world, gate(gateIn, 0)).notice).toBe(news);
    expect(send(world, gate(gateOut, -18, { schoolDay: today - 1 })).notice).toBe(correction);
    expect(send(world, gate(gateIn, -25, { schoolDay: today - 1 })).notice).toBe(correction);
    expect(send(world, gate(gateIn, -48, { schoolDay: today - 2 })).notice).toBe(suppressed);
  });
});
