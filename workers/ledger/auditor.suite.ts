import type { TestTap } from './taps.suite.ts';

/*
 * A ledger as one would write it on a blackboard: plain objects, nothing thought of speed, nothing shared with the ledger
 * but the published numbers. It says beforehand what the ledger has to answer.
 */

export interface Expected {
  /** 0 decided, 1 repeated, 2 quarantined. */
  readonly fate: number;
  readonly code: number;
  readonly shownKop: number | null;
  readonly debitedKop: number;
  readonly forced: boolean;
}

interface Pupil {
  active: boolean;
  readonly kop: Record<string, number>;
}

interface Card {
  readonly pupilId: number;
  readonly status: 'active' | 'blocked' | 'replaced';
  readonly expiresDay: number;
}

/** What a bounce is a bounce of; `served`: the child got through, or got the meal. */
interface LastTap {
  readonly readerId: number;
  readonly at: number;
  readonly kop: number;
  readonly served: boolean;
}

interface Answer {
  readonly hash: number;
  readonly code: number;
  readonly shownKop: number | null;
}

interface Reader {
  epoch: number;
  answers: Record<number, Answer>;
  newest: number;
}

const kindNames = ['', 'gate-in', 'gate-out', 'meal', 'buffet', 'locker-open', 'locker-close', 'fare'];
const bounceSeconds: Record<string, number> = {
  'gate-in': 5,
  'gate-out': 5,
  meal: 10,
  buffet: 10,
  'locker-open': 2,
  'locker-close': 2,
  fare: 600,
};
const purseOfKind: Record<string, string> = { meal: 'meal', buffet: 'buffet', fare: 'transport' };
const purseNames = ['', 'meal', 'buffet', 'transport', 'services'];

export class Auditor {
  readonly pupils: Record<number, Pupil> = {};
  readonly cards: Record<number, Card> = {};
  readonly readers: Record<number, Reader> = {};
  readonly lastTaps: Record<string, LastTap> = {};
  readonly topUps: Record<string, string> = {};
  /** What pupils have paid and what came in from outside. */
  takenKop = 0;
  fundedKop = 0;

  holder(pupilId: number, active: boolean): void {
    const kop = this.pupils[pupilId]?.kop ?? { meal: 0, buffet: 0, transport: 0, services: 0 };
    this.pupils[pupilId] = { active, kop };
  }

  /** What a top-up has to be answered: 'done', 'repeat' or a refusal. */
  topUp(key: string, pupilId: number, purse: number, kop: number): string {
    const content = `${pupilId} ${purse} ${kop}`;
    if (key in this.topUps) return this.topUps[key] === content ? 'repeat' : 'KEY_CONFLICT';
    if (key === '' || Buffer.byteLength(key) > 128) return 'KEY_INVALID';
    if (!(kop >= 1 && kop <= 1e9)) return 'AMOUNT_INVALID';
    const pupil = this.pupils[pupilId];
    if (pupil === undefined) return 'PUPIL_UNKNOWN';
    const name = purseNames[purse] ?? '';
    if (name === '') return 'PURSE_UNKNOWN';
    if (pupil.kop[name] + kop > 1e9) return 'BALANCE_TOO_LARGE';
    pupil.kop[name] += kop;
    this.fundedKop += kop;
    this.topUps[key] = content;
    return 'done';
  }

  tap(tap: TestTap): Expected {
    const again = this.#answeredBefore(tap);
    if (again !== undefined) return again;
    if (tap.isReaderForbidden)
      return this.#answer(tap, { fate: 2, code: 93, shownKop: null, debitedKop: 0, forced: false });
    const code = this.#judge(tap);
    const accepted = [10, 13, 14].includes(code);
    const [letThrough, refused] = [(tap.readerFlags & 1) > 0, (tap.readerFlags & 3) === 2];
    const pays = code !== 71 && (letThrough || (accepted && !refused));
    const wallet = this.pupils[this.cards[tap.cardId]?.pupilId]?.kop;
    const purse = purseOfKind[kindNames[tap.kind]];
    const isSale = wallet !== undefined && purse !== undefined;
    const debitedKop = isSale && pays ? tap.amountKop : 0;
    if (isSale) wallet[purse] -= debitedKop;
    this.takenKop += debitedKop;
    const doorOpens = kindNames[tap.kind] === 'gate-out' && [40, 41, 42, 43].includes(code);
    const forced = doorOpens || (refused && accepted) || (letThrough && !accepted && code !== 71);
    if (accepted || code === 46) {
      const { readerId, at, amountKop } = tap;
      this.lastTaps[`${tap.cardId} ${kindNames[tap.kind]}`] = { readerId, at, kop: amountKop, served: pays };
    }
    // Deeds that stand can take a purse to where 32 bits do not reach.
    const isShown = isSale && code === 10 && Math.abs(wallet[purse]) < 2 ** 31;
    const shownKop = isShown ? wallet[purse] : null;
    return this.#answer(tap, { fate: 0, code, shownKop, debitedKop, forced });
  }

  #judge(tap: TestTap): number {
    const card = this.cards[tap.cardId] as Card | undefined;
    const pupil = card && (this.pupils[card.pupilId] as Pupil | undefined);
    if (card === undefined || pupil === undefined) return 40;
    if (card.status !== 'active') return card.status === 'blocked' ? 41 : 40;
    if (card.expiresDay > 0 && card.expiresDay < tap.schoolDay) return 42;
    if (!pupil.active) return 43;
    const kind = kindNames[tap.kind];
    const last = this.lastTaps[`${tap.cardId} ${kind}`] as LastTap | undefined;
    const mayBounce = last?.served === true || (tap.readerFlags & 1) === 0;
    if (mayBounce && last?.readerId === tap.readerId && Math.abs(last.at - tap.at) < bounceSeconds[kind] * 1000) {
      if ((kind !== 'meal' && kind !== 'buffet') || last.kop === tap.amountKop) return 71;
    }
    if (kind.startsWith('gate') && (tap.readerFlags & 8) > 0) return 14;
    const purse = purseOfKind[kind];
    if (purse === undefined || tap.amountKop === 0 || pupil.kop[purse] >= tap.amountKop) return 10;
    return kind === 'meal' && pupil.kop[purse] - tap.amountKop >= -20_000 ? 13 : 46;
  }

  #answeredBefore(tap: TestTap): Expected | undefined {
    const reader = (this.readers[tap.readerId] ??= { epoch: tap.bootEpoch, answers: {}, newest: 0 });
    const nothing = { shownKop: null, debitedKop: 0, forced: false };
    if (tap.bootEpoch < reader.epoch) return { fate: 1, code: 70, ...nothing };
    if (tap.bootEpoch > reader.epoch) Object.assign(reader, { epoch: tap.bootEpoch, answers: {}, newest: 0 });
    if (tap.seq <= reader.newest - 8192) return { fate: 1, code: 70, ...nothing };
    const first = reader.answers[tap.seq] as Answer | undefined;
    if (first === undefined) return undefined;
    if (first.hash !== tap.contentHash) return { fate: 2, code: 91, ...nothing };
    return { fate: 1, code: first.code, ...nothing, shownKop: first.shownKop };
  }

  #answer(tap: TestTap, expected: Expected): Expected {
    const reader = this.readers[tap.readerId];
    reader.answers[tap.seq] = { hash: tap.contentHash, code: expected.code, shownKop: expected.shownKop };
    reader.newest = Math.max(reader.newest, tap.seq);
    return expected;
  }
}
