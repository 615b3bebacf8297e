import { describe, expect, it } from 'vitest';
import { withRandom } from '../random.suite.ts';
import { AnswerWindow } from './state/answers.ts';
import { rememberedIdentitiesMax } from './limits.ts';

type Answer = [hash: number, code: number, shownKop: number | null, position: number];

/** Positions on both sides of 2^32. */
const firstPosition = 2 ** 32 - 20_000;
const newestPosition = 2 ** 32 + 30_000;

function answerAt(window: AnswerWindow, seq: number): Answer | undefined {
  const place = window.find(seq);
  if (place < 0) return undefined;
  const shownKop = window.isBalanceShown(place) ? window.balanceKop(place) : null;
  return [window.contentHash(place), window.code(place), shownKop, window.position(place, newestPosition)];
}

/** Compares with a map that forgets nothing; the bound is applied here, apart from the window's own. */
function mustAgree(window: AnswerWindow, all: ReadonlyMap<number, Answer>, seqs: Iterable<number>): void {
  const newest = Math.max(0, ...all.keys());
  if (window.lastSeq !== newest) throw new Error(`the newest is ${window.lastSeq}, not ${newest}`);
  for (const seq of seqs) {
    const isForgotten = seq <= newest - 8_192;
    if (window.isForgotten(seq) !== isForgotten) throw new Error(`seq ${seq} forgotten: ${window.isForgotten(seq)}`);
    // What is forgotten may linger until the next push; the ledger asks only for what is not.
    if (isForgotten) continue;
    expect(answerAt(window, seq)).toEqual(all.get(seq));
  }
}

describe('the window of answers', () => {
  it('holds as many identities as the contract promises', () => {
    expect(rememberedIdentitiesMax).toBe(8_192);
  });

  it(
    'remembers as a map would, through gaps, late fills, wrapping, forgetting, saving and new epochs',
    withRandom((random) => {
      for (let round = 0; round < 12; round++) {
        let window = new AnswerWindow(1);
        let all = new Map<number, Answer>();
        let newest = 0;
        for (let step = 0; step < 4_000; step++) {
          let seq = newest + 1 + (random(10) === 0 ? random(40) : 0);
          if (random(8) === 0) seq = Math.max(1, newest - random(60));
          if (random(1_000) === 0) seq = newest + random(9_000) + 1;
          if (all.has(seq) || seq <= newest - 8_192) continue;
          const shownKop = random(2) === 0 ? null : random(2 ** 32) - 2 ** 31;
          const answer: Answer = [random(2 ** 32), 10 + random(84), shownKop, firstPosition + random(50_000)];
          window.push(seq, answer[0], answer[1], shownKop !== null, shownKop ?? 12_345, answer[3]);
          all.set(seq, answer);
          newest = Math.max(newest, seq);
          if (step % 97 === 0) mustAgree(window, all, [seq, seq - 1, newest + 1, newest - 8_191, newest - 8_192]);
          if (step % 1_500 === 1_499) window = AnswerWindow.fromWords(window.bootEpoch, window.toWords());
          if (random(5_000) === 0) {
            window.reset(window.bootEpoch + 1);
            all = new Map();
            newest = 0;
          }
        }
        mustAgree(window, all, all.keys());
        expect(window.count).toBeLessThanOrEqual(8_192);
      }
    }),
  );

  it('keeps exactly the newest 8,192 of an endless row, and the largest seq and hash', () => {
    const window = new AnswerWindow(7);
    for (let seq = 1; seq <= 20_000; seq++) window.push(seq, seq, 10, false, 0, seq);
    expect([window.count, window.seq(0), window.lastSeq]).toEqual([8_192, 11_809, 20_000]);
    window.push(2 ** 32 - 1, 2 ** 32 - 1, 93, true, -(2 ** 31), newestPosition);
    expect([window.count, window.lastSeq]).toEqual([1, 2 ** 32 - 1]);
    expect(answerAt(window, 2 ** 32 - 1)).toEqual([2 ** 32 - 1, 93, -(2 ** 31), newestPosition]);
  });
});
