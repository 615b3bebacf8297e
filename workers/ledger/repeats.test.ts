import { describe, expect, it } from 'vitest';
import { TapOffset } from '../journal/tap-record.ts';
import { ReaderFlag, TapFlag } from './kinds.ts';
import {
  buffet,
  fare,
  gateIn,
  gateOut,
  lockerClose,
  lockerOpen,
  meal,
  send,
  type TableTap,
  TableWorld,
} from './table.suite.ts';
import { fillTap, noon, plainTap } from './taps.suite.ts';
import { readTransfers } from './transfers.ts';

const { letThrough, refused } = ReaderFlag;
const first: TableTap = { kind: buffet, amountKop: 700, seq: 1 };
const again = (changes: TableTap): TableTap => ({ ...first, seq: 2, ...changes });

function openWorld(): TableWorld {
  const world = new TableWorld();
  world.rules({ locker: { reservation_required: false } });
  return world;
}

describe('a bounce', () => {
  for (const [kind, withinMs] of [
    [gateIn, 5_000],
    [gateOut, 5_000],
    [meal, 10_000],
    [buffet, 10_000],
    [lockerOpen, 2_000],
    [lockerClose, 2_000],
    [fare, 600_000],
  ]) {
    it(`of kind ${kind} is one within ${withinMs} ms, whichever way the clock went`, () => {
      for (const [offsetMs, code] of [
        [0, 71],
        [withinMs - 1, 71],
        [1 - withinMs, 71],
        [withinMs, 10],
        [-withinMs, 10],
      ]) {
        const world = openWorld();
        expect(send(world, { ...first, kind }).code).toBe(10);
        expect(send(world, again({ kind, at: noon + offsetMs })).code).toBe(code);
      }
    });
  }

  it('has the time that the rules of the school give it', () => {
    const world = new TableWorld();
    world.rules({}, { schools: { 9: { buffet: { bounce_s: 60 } } } });
    send(world, first);
    expect(send(world, again({ at: noon + 59_999 })).code).toBe(71);
    expect(send(world, again({ seq: 3, at: noon + 60_000 })).code).toBe(10);
  });

  it('moves no money, even if the reader let it through, and is no deed that stands', () => {
    const world = new TableWorld();
    send(world, first);
    const bounced = send(world, again({ readerFlags: letThrough }));
    expect(bounced).toMatchObject({ code: 71, debitedKop: 0, flags: TapFlag.offline });
    expect(world.transfers.count).toBe(0);
  });

  it('is not one of a refusal if the reader let it through: the deed stands and is paid', () => {
    const world = new TableWorld();
    const dear = { ...first, amountKop: 5_001 };
    expect(send(world, dear)).toMatchObject({ code: 46, debitedKop: 0 });
    expect(send(world, { ...dear, seq: 2 }).code, 'money may have come in').toBe(46);
    const deed = { ...dear, seq: 3, readerFlags: letThrough };
    expect(send(world, deed)).toMatchObject({ code: 46, debitedKop: 5_001, flags: TapFlag.offline | TapFlag.forced });
    expect(send(world, { ...deed, seq: 4 })).toMatchObject({ code: 71, debitedKop: 0 });
  });

  it("is held against the reader's own times where a clock was doubtful, within one boot epoch", () => {
    const world = new TableWorld();
    const queued: TableTap = { ...first, clockQuality: 3, readerFlags: letThrough, atRaw: 1_000 };
    expect(send(world, queued).code).toBe(10);
    expect(send(world, { ...queued, seq: 2, atRaw: 3_601_000 }), 'an hour later').toMatchObject({ debitedKop: 700 });
    expect(send(world, { ...queued, seq: 3, atRaw: 3_602_000 })).toMatchObject({ code: 71, debitedKop: 0 });
    const rebooted = { ...queued, bootEpoch: 2, seq: 1, atRaw: 3_602_000 };
    expect(send(world, rebooted)).toMatchObject({ code: 10, debitedKop: 700 });
    expect(send(world, { ...first, bootEpoch: 2, seq: 2 }), 'the clock was set').toMatchObject({ debitedKop: 700 });
  });

  it('is not one of a sale that the reader refused, if it was let through then', () => {
    const world = new TableWorld();
    expect(send(world, { ...first, readerFlags: refused })).toMatchObject({ code: 10, debitedKop: 0 });
    expect(send(world, again({ readerFlags: letThrough }))).toMatchObject({ code: 10, debitedKop: 700 });
  });

  it('is one of an exit that opened although the rules refused', () => {
    const world = new TableWorld();
    const exit: TableTap = { card: 'foreign', kind: gateOut, seq: 1 };
    expect(send(world, exit).code).toBe(44);
    expect(send(world, { ...exit, seq: 2, readerFlags: letThrough }).code).toBe(71);
  });

  it('compares the price, wherever it came from', () => {
    const world = new TableWorld();
    world.rules({ prices: { 5: 700, 6: 800 } });
    send(world, { ...first, ref: 5, amountKop: 0 });
    expect(send(world, again({ ref: 5 })).code).toBe(71);
    expect(send(world, again({ seq: 3, ref: 6, amountKop: 0 })).code).toBe(10);
  });

  it('is none with another sum, card, kind or reader', () => {
    for (const other of [{ amountKop: 701 }, { card: 'entitled' as const }, { kind: meal }, { readerId: 8 }]) {
      const world = new TableWorld();
      send(world, first);
      expect(send(world, again(other)).code).not.toBe(71);
    }
  });

  it('is one of the first tap only, not of a bounce, and never of a card that was turned away', () => {
    const world = new TableWorld();
    send(world, first);
    expect(send(world, again({ at: noon + 9_999 })).code).toBe(71);
    expect(send(world, again({ seq: 3, at: noon + 10_000 })).code).toBe(10);
    expect(send(world, { ...first, card: 'blocked', seq: 4 }).code).toBe(41);
    expect(send(world, { ...first, card: 'blocked', seq: 5 }).code).toBe(41);
  });
});

describe('an identity', () => {
  it('gets its first answer again, though the world has changed and the reader may no longer', () => {
    const world = new TableWorld();
    const answer = send(world, first);
    world.give('known', 'blocked');
    world.rules({ buffet: { hours: ['00:00', '00:01'] } });
    const repeat = send(world, { ...first, isReaderForbidden: true });
    expect(repeat).toMatchObject({ fate: 1, code: 10, shownKop: answer.shownKop });
    expect(world.transfers.count).toBe(0);
  });

  it('is a conflict (91) with other content', () => {
    const world = new TableWorld();
    send(world, first);
    const other = { ...first, contentHash: 99, isReaderForbidden: true };
    expect(send(world, other)).toMatchObject({ fate: 2, code: 91 });
    expect(send(world, first)).toMatchObject({ fate: 1, code: 10 });
  });

  it('is settled before (70) below the remembered answers or in an older boot epoch', () => {
    const world = new TableWorld();
    send(world, { ...first, bootEpoch: 2, seq: 10_000 });
    for (const [bootEpoch, seq, code] of [
      [2, 1_808, 70],
      [1, 10_001, 70],
      [2, 1_809, 10],
      [3, 1, 10],
      [2, 10_001, 70],
    ]) {
      expect(send(world, { kind: gateIn, bootEpoch, seq, at: noon + seq * 10_000 }).code).toBe(code);
    }
  });
});

describe('a reader that may not take the kind', () => {
  it('gets 93 before anything is asked of the card, and again, and moves nothing', () => {
    const world = new TableWorld();
    const before = world.kopByAccount();
    const tap: TableTap = { isReaderForbidden: true, readerFlags: letThrough, amountKop: 700, seq: 1 };
    expect(send(world, { ...tap, card: 'unknown' })).toMatchObject({ fate: 2, code: 93, debitedKop: 0 });
    expect(send(world, { ...tap, card: 'unknown', isReaderForbidden: false })).toMatchObject({ fate: 1, code: 93 });
    expect(send(world, { ...tap, seq: 2 })).toMatchObject({ fate: 2, code: 93, debitedKop: 0 });
    expect(world.kopByAccount()).toEqual(before);
  });
});

describe('a decided record', () => {
  it('names the pupil who pays, whatever the gateway took them for', () => {
    const world = new TableWorld();
    fillTap(world.records, 0, { ...plainTap, amountKop: 1 });
    world.records.setU32(0, TapOffset.pupilId, 3);
    world.transfers.clear();
    world.ledger.decide(world.records, 0, 1, world.transfers);
    expect(world.records.getU32(0, TapOffset.pupilId)).toBe(1);
    expect([...readTransfers(world.transfers.bytes)]).toMatchObject([{ pupilId: 1, kop: 1 }]);
  });

  it('never shows a balance that 32 bits cannot hold', () => {
    const world = new TableWorld();
    world.ledger.pupils.addKop(world.ledger.pupils.row(1), 1, 2 ** 31 - 10_000);
    expect(send(world, { amountKop: 0, seq: 1 }).shownKop).toBeNull();
    const shown = { amountKop: 1, seq: 2 };
    expect(send(world, shown).shownKop).toBe(2 ** 31 - 1);
    expect(send(world, shown).shownKop).toBe(2 ** 31 - 1);
  });

  it('says under which rules it was decided, and keeps the price where none was sent', () => {
    const world = new TableWorld();
    expect(send(world, { amountKop: 5 })).toMatchObject({ rulesVersion: 1, amountKop: 5 });
    world.rules({ prices: { 5: 900 } });
    expect(send(world, { ref: 5, toldRules: 1 })).toMatchObject({ rulesVersion: 2, amountKop: 900 });
    expect(send(world, { ref: 5, card: 'unknown' })).toMatchObject({ code: 40, rulesVersion: 2 });
  });
});
