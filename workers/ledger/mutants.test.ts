import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/*
 * Who watches the auditor? One bug at a time is planted into a copy of the ledger, in one line, and the comparison has to
 * find it. The seed is fixed: a bug is found always, or never.
 */

const seed = 20_260_921;
const worlds = 120;

interface Mutant {
  readonly bug: string;
  readonly file: string;
  readonly line: string;
  readonly becomes: string;
}

const mutants: readonly Mutant[] = [
  {
    bug: 'the daily limit is off by a kopeck',
    file: 'rules/payment.ts',
    line: 'return spentKop + tap.priceKop > limitKop(tap, context);',
    becomes: 'return spentKop + tap.priceKop >= limitKop(tap, context);',
  },
  {
    bug: 'a taken entitlement is not remembered',
    file: 'apply.ts',
    line: 'if (kind === Kind.meal) ledger.days.take(pupilRow, day, basis);',
    becomes: 'if (kind === Kind.meal) return;',
  },
  {
    bug: 'a bounce lasts a millisecond longer',
    file: 'state/recent.ts',
    line: 'if (this.#apartMs(tap, row) >= rules.bounceMs[kind]) return false;',
    becomes: 'if (this.#apartMs(tap, row) > rules.bounceMs[kind]) return false;',
  },
  {
    bug: 'passback is told of the other way',
    file: 'rules/gate-rules.ts',
    line: 'presence.lastKind(tap.pupilRow) === tap.kind',
    becomes: 'presence.lastKind(tap.pupilRow) !== tap.kind',
  },
  {
    bug: 'a ride gives transfers without end',
    file: 'state/rides.ts',
    line: 'this.#transferAt[row] = at;',
    becomes: 'this.#transferAt[row] = 0;',
  },
  {
    bug: 'a purse of nothing is a debt',
    file: 'rules/fare-rules.ts',
    line: 'pupils.balanceKop(tap.pupilRow, Purse.transport) < 0 ? Code.fareDebt : 0',
    becomes: 'pupils.balanceKop(tap.pupilRow, Purse.transport) <= 0 ? Code.fareDebt : 0',
  },
  {
    bug: 'a month has one reduced ride too many',
    file: 'rules/payment.ts',
    line: '>= rules.reducedRidesPerMonth) return route.kop;',
    becomes: '> rules.reducedRidesPerMonth) return route.kop;',
  },
  {
    bug: 'a tap is taken back as often as it is asked',
    file: 'apply.ts',
    line: '  ledger.doneBefore.reverse(tap.transfer.transferId);',
    becomes: '',
  },
  {
    bug: 'what the reader refused moves money',
    file: 'codes.ts',
    line: 'if ((readerFlags & ReaderFlag.refused) !== 0) return false;',
    becomes: 'if ((readerFlags & ReaderFlag.refused) !== 0) return isAccepted(code);',
  },
  {
    bug: 'a doubtful clock is held against the child',
    file: 'rules/card-rules.ts',
    line: 'if (open === undefined || tap.isDoubtful) return 0;',
    becomes: 'if (open === undefined) return 0;',
  },
  {
    bug: 'the buffet pays from the meal purse',
    file: 'rules/payment.ts',
    line: 'sales[Kind.buffet] = { purse: Purse.buffet,',
    becomes: 'sales[Kind.buffet] = { purse: Purse.meal,',
  },
  {
    bug: 'a meal goes into debt before the buffet purse is asked',
    file: 'rules/payment.ts',
    line: 'if (pupils.balanceKop(pupilRow, Purse.buffet) >= priceKop) {',
    becomes: 'if (own - priceKop < -tap.rules.overdraftKop && pupils.balanceKop(pupilRow, Purse.buffet) >= priceKop) {',
  },
  {
    bug: 'the second OUTCOME counts as well',
    file: 'outcome-command.ts',
    line: 'if (before !== undefined) {',
    becomes: 'if (before !== undefined && before.deed === deed) {',
  },
  {
    bug: 'a snapshot forgets what the parents forbade',
    file: 'state/pupil-settings.ts',
    line: 'this.#forbidden.set(pupilId, new Set(items));',
    becomes: 'this.#forbidden.set(pupilId, new Set(items.slice(1)));',
  },
  {
    bug: 'a record does not say what a ride rested on',
    file: 'settle.ts',
    line: 'records.setU8(row, TapOffset.basis, isThrough && isKnown ? tap.basis : 0);',
    becomes: 'records.setU8(row, TapOffset.basis, isThrough && isKnown && tap.kind === 3 ? tap.basis : 0);',
  },
];

const workers = resolve(import.meta.dirname, '..');
let copy: string;

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'tapline-mutants-'));
  for (const part of ['ledger', 'journal', 'random.suite.ts', 'errors.ts']) {
    cpSync(join(workers, part), join(copy, part), { recursive: true, filter: (path) => !path.endsWith('.test.ts') });
  }
  writeFileSync(join(copy, 'package.json'), '{ "type": "module" }\n');
});

afterAll(() => rmSync(copy, { recursive: true }));

/** Ends with 0 if the auditor agrees with the copy, with 1 and the difference if it does not. */
function compare(): { status: number | null; difference: string } {
  const program = join(copy, 'ledger', 'compare.suite.ts');
  const run = spawnSync(process.execPath, ['--no-warnings', program, String(seed), String(worlds)], {
    encoding: 'utf8',
  });
  return { status: run.status, difference: run.stderr };
}

describe('a planted bug', () => {
  it('is needed for a difference: the copy as it is has none', () => {
    expect(compare()).toEqual({ status: 0, difference: '' });
  });

  it.each(mutants)('is found: $bug', ({ file, line, becomes }) => {
    const path = join(copy, 'ledger', file);
    const source = readFileSync(path, 'utf8');
    expect(source.split(line), `${file} has this line once`).toHaveLength(2);
    writeFileSync(
      path,
      source.replace(line, () => becomes),
    );
    try {
      const found = compare();
      // A copy that cannot run at all would prove nothing.
      expect(found.difference).toMatch(/the auditor says|not the same/);
      expect(found.status).toBe(1);
    } finally {
      writeFileSync(path, source);
    }
  });
});
