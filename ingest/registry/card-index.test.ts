import { describe, expect, test } from 'vitest';
import { CardIndex } from './card-index.ts';
import { seededRandom } from './fixtures.suite.ts';

interface Card {
  cardId: number;
  pupilId: number;
}

/** What the index must answer, kept the plain way. */
class Oracle {
  readonly holders = new Map<string, Card[]>();

  set(key: string, card: Card): void {
    const cards = this.holders.get(key) ?? [];
    if (!cards.some(({ cardId }) => cardId === card.cardId)) this.holders.set(key, [...cards, card]);
  }

  remove(key: string, cardId: number): void {
    const left = (this.holders.get(key) ?? []).filter((card) => card.cardId !== cardId);
    if (left.length > 0) this.holders.set(key, left);
    else this.holders.delete(key);
  }

  find(key: string): Card | null {
    const cards = this.holders.get(key) ?? [];
    return cards.length === 1 ? cards[0] : null;
  }
}

function lookUp(index: CardIndex, districtId: number, uid: Uint8Array): Card | null {
  // Within a frame the UID stands anywhere.
  const frame = new Uint8Array(uid.length + 5);
  frame.set(uid, 3);
  const row = index.find(districtId, frame, 3, uid.length);
  return row === -1 ? null : { cardId: index.cardId(row), pupilId: index.pupilId(row) };
}

describe('CardIndex', () => {
  test.each([1, 2, 3, 4])('answers like a map through 30,000 random changes, seed %i', (seed) => {
    const random = seededRandom(seed);
    const index = new CardIndex(0);
    const oracle = new Oracle();
    // Few byte values, so that keys collide, share prefixes and differ in size or district only.
    const uids = Array.from({ length: 3_000 }, () =>
      Uint8Array.from({ length: [4, 7, 10][random(3)] }, () => random(6) * 51),
    );
    const districts = [1, 2, 2 ** 31, 2 ** 32 - 1];
    for (let step = 0; step < 30_000; step++) {
      const uid = uids[random(uids.length)];
      const districtId = districts[random(districts.length)];
      const key = `${districtId}:${Buffer.from(uid).toString('hex')}`;
      const held = oracle.holders.get(key) ?? [];
      if (random(10) < 6) {
        const card = { cardId: 2 ** 32 - 1 - step, pupilId: 2 ** 31 + step };
        index.set(districtId, uid, card.cardId, card.pupilId);
        oracle.set(key, card);
      } else if (held.length > 0) {
        const { cardId } = held[random(held.length)];
        index.remove(districtId, uid, cardId);
        oracle.remove(key, cardId);
      }
      expect(lookUp(index, districtId, uid), `seed ${seed} step ${step}`).toEqual(oracle.find(key));
    }
    for (const districtId of districts) {
      for (const uid of uids) {
        const key = `${districtId}:${Buffer.from(uid).toString('hex')}`;
        expect(lookUp(index, districtId, uid)).toEqual(oracle.find(key));
      }
    }
    expect(index.size).toBe(oracle.holders.size);
    expect(index.ambiguousKeys).toBe([...oracle.holders.values()].filter((cards) => cards.length > 1).length);
  });

  test('knows no UID of another size, and takes none', () => {
    const index = new CardIndex();
    expect(index.find(1, new Uint8Array(16), 0, 5)).toBe(-1);
    expect(index.find(1, new Uint8Array(16), 0, 0)).toBe(-1);
    expect(() => index.set(1, new Uint8Array(5), 1, 1)).toThrow(RangeError);
  });

  test('a million cards take at most 40 bytes each', () => {
    const random = seededRandom(5);
    const index = new CardIndex();
    const uid = new Uint8Array(4);
    for (let cardId = 1; cardId <= 1_000_000; cardId++) {
      new DataView(uid.buffer).setUint32(0, random(2 ** 32));
      index.set(1 + (cardId % 50), uid, cardId, cardId);
    }
    expect(index.bytes / 1_000_000).toBeLessThanOrEqual(40);
  });
});
