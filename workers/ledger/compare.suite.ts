import { tapRecordBytes, TapRecords } from '../journal/tap-record.ts';
import { randomFrom } from '../random.suite.ts';
import { identityOf } from './auditor.suite.ts';
import { CommandAuditor, type ExpectedAnswer } from './auditor-commands.suite.ts';
import { compareDayBook, compareState, compareTransfer, mustBeSame, mustEqual } from './compare-state.suite.ts';
import { account, type Fact } from './auditor-world.suite.ts';
import type { CommandAnswer, CommandOutcome, LedgerCommand, Outcome, Reverse, TapFacts } from './command-types.ts';
import { Ledger } from './ledger.ts';
import { LedgerUnderTest, noon, plainTap, type TestTap, today } from './taps.suite.ts';
import { readTransfers } from './transfers.ts';
import { cardIds, pupilIds, schoolOfReader, type TapWish, type Wish, wishOf } from './wishes.suite.ts';

/*
 * Holds the ledger against the auditor, wish by wish. Runs in a test, and as a program of its own that needs nothing but
 * Node: `node compare.suite.ts SEED WORLDS` ends with 0 if they agree, and with 1 and the difference if they do not.
 */

/** One entry of what a journal would hold: outcomes only. */
type Entry = { tap: Uint8Array; transfers: Uint8Array } | { command: CommandOutcome; transfers: Uint8Array };

interface DoneCommand {
  readonly command: LedgerCommand;
  readonly outcome: CommandOutcome;
}
type MoneyWish = Wish & { type: 'topup' | 'refund' | 'move' | 'adjust' };

export const wishesPerWorld = 400;
const answersOfFacts = 40;

/** How often each code, flag, refusal and kind of command was come by. */
export type Seen = Map<string, number>;

export class Comparison {
  readonly test = new LedgerUnderTest();
  readonly auditor = new CommandAuditor();
  readonly #seen: Seen;
  readonly #journal: Entry[] = [];
  readonly #sent: TestTap[] = [];
  /** Commands that were done, and cannot be done again. */
  readonly #done: DoneCommand[] = [];
  readonly #decided: { facts: TapFacts; identity: string }[] = [];
  readonly #readers = new Map<number, { epoch: number; next: number }>();
  #now = noon;
  #day = today;
  #change = 0;
  #transfers = 0;

  constructor(seen: Seen) {
    this.#seen = seen;
    for (const [schoolId, districtId] of [
      [9, 1],
      [10, 1],
      [11, 2],
    ])
      this.wish({ type: 'school', schoolId, districtId });
    for (const pupilId of pupilIds.slice(0, 3)) {
      const schoolId = pupilId === 2 ? 10 : 9;
      this.wish({ type: 'holder', pupilId, schoolId, active: true, entitled: pupilId === 3, shift: 1 + (pupilId % 3) });
      for (const purse of [1, 2, 3]) this.#topUp(pupilId, purse);
    }
    for (const [index, cardId] of cardIds.entries()) {
      this.wish({ type: 'card', cardId, pupilId: pupilIds[index % 4], status: 'active', expiresDay: 0 });
    }
  }

  wish(wish: Wish): void {
    const { auditor, test } = this;
    switch (wish.type) {
      case 'tap':
        return this.#tap(this.#tapOf(wish));
      case 'repeat':
        return this.#repeat(wish);
      case 'day':
        this.#day += wish.days;
        return;
      case 'restart':
        test.ledger = Ledger.load(test.ledger.shard, test.ledger.save());
        return;
      case 'again':
        return this.#again(this.#done.at(-1 - wish.back));
      case 'reverse':
      case 'outcome':
        return this.#afterwards(wish);
      case 'topup':
      case 'refund':
      case 'move':
      case 'adjust':
        return this.#money(wish);
      case 'limit':
        return this.#do(wish, auditor.limit(wish));
      case 'item':
        return this.#do(wish, auditor.item(wish));
      case 'locker':
        return this.#do(wish, auditor.locker(wish));
      case 'closeDay': {
        const operator = wish.isRide ? account.carrier(wish.schoolId) : account.canteen(wish.schoolId);
        const command = { type: wish.type, operator, schoolDay: this.#day + wish.daysOff, at: this.#now };
        return this.#do(command, auditor.closeDay(command));
      }
      case 'holder':
        return this.#registry({ ...wish, classId: wish.pupilId, change: ++this.#change });
      case 'rules':
        return this.#registry({ ...wish, version: auditor.world.rulesVersion + 1, change: ++this.#change });
      case 'card':
      case 'school':
        return this.#registry({ ...wish, change: ++this.#change });
    }
  }

  #money(wish: MoneyWish): void {
    const { type, schoolId, isTaken } = wish;
    const against = wish.against === 'adjustments' ? account.adjustments : account[wish.against](schoolId);
    const kop = type === 'adjust' && isTaken ? -wish.kop : wish.kop;
    const command = { ...wish, type, kop, against, at: this.#now, schoolDay: this.#day };
    this.#do(command, this.auditor.money(command));
  }

  #registry(change: Parameters<CommandAuditor['change']>[0]): void {
    this.auditor.change(change);
    this.#do(change, 'done');
  }

  #topUp(pupilId: number, purse: number): void {
    const command = { type: 'topup' as const, key: `first ${pupilId} ${purse}`, pupilId, purse, kop: 10_000 };
    this.#do(
      { ...command, at: noon, schoolDay: today },
      this.auditor.money({ ...command, at: noon, schoolDay: today }),
    );
  }

  #repeat({ back, how, msStep }: Wish & { type: 'repeat' }): void {
    const first = this.#sent.at(-1 - back);
    if (first === undefined) return;
    if (how === 'same') this.#tap(first);
    if (how === 'conflict') this.#tap({ ...first, contentHash: first.contentHash ^ 1 });
    const at = this.#now + msStep;
    const atRaw = at + (first.atRaw ?? first.at) - first.at;
    if (how === 'anew') this.#tap(this.#identified({ ...first, at, atRaw }, 'next', 0));
  }

  #afterwards(wish: Wish & { type: 'reverse' | 'outcome' }): void {
    const { auditor } = this;
    const decided = this.#decided.at(-1 - wish.back);
    if (decided === undefined) return;
    const { facts: tap, identity } = decided;
    const fact: Fact = auditor.facts[identity];
    if (wish.type === 'outcome') {
      const command: Outcome = { type: 'outcome', tap, deed: wish.deed, at: this.#now };
      return this.#do(command, auditor.outcome(fact, wish.deed));
    }
    const schoolDay = this.#day + wish.daysLater;
    const command: Reverse = { type: 'reverse', key: wish.key, tap, at: this.#now, schoolDay };
    this.#do(command, auditor.reverse(fact, identity, wish.key));
  }

  #tapOf({ type: _type, identity, back, msStep, daysOff, isStale, rawOffMs, ...told }: TapWish): TestTap {
    this.#now += msStep;
    const toldRules = Math.max(1, this.auditor.world.rulesVersion - (isStale ? 1 : 0));
    const placed = {
      at: this.#now,
      atRaw: this.#now + rawOffMs,
      schoolDay: this.#day + daysOff,
      schoolId: schoolOfReader[told.readerId],
    };
    return this.#identified({ ...plainTap, ...told, ...placed, toldRules }, identity, back);
  }

  #identified(tap: TestTap, identity: TapWish['identity'], back: number): TestTap {
    const reader = this.#readers.get(tap.readerId) ?? { epoch: 2, next: 1 };
    this.#readers.set(tap.readerId, reader);
    if (identity === 'skip') reader.next += 1 + back;
    if (identity === 'far') reader.next += 8_190 + back;
    if (identity === 'epoch') Object.assign(reader, { epoch: reader.epoch + 1, next: 1 });
    const bootEpoch = identity === 'old-epoch' ? reader.epoch - 1 : reader.epoch;
    const seq = identity === 'late' ? Math.max(1, reader.next - 1 - back) : reader.next++;
    return { ...tap, bootEpoch, seq, contentHash: (this.#sent.length + 1) * 2 };
  }

  #tap(tap: TestTap): void {
    this.#sent.push(tap);
    const expected = this.auditor.tap(tap);
    const { test } = this;
    const found = test.decide(tap);
    mustEqual('shown', found.shownKop, expected.shownKop);
    mustEqual('fate and code', `${found.fate} ${found.code}`, `${expected.fate} ${expected.code}`);
    this.#count(`code ${found.code}`);
    if (found.fate === 0) {
      mustEqual('debited', found.debitedKop, expected.debitedKop);
      mustEqual('flags', found.flags, expected.flags);
      mustEqual('basis', found.basis, expected.basis);
      if (expected.amountKop !== undefined) mustEqual('price', found.amountKop, expected.amountKop);
      if (expected.debitedKop > 0) mustEqual('purse', found.purse, expected.moved?.purse);
      compareTransfer(test, tap, expected.moved);
      for (let bit = 1; bit <= found.flags; bit *= 2) if ((found.flags & bit) !== 0) this.#count(`flag ${bit}`);
      this.#decided.push({ facts: test.facts(), identity: identityOf(tap) });
      if (this.#decided.length > answersOfFacts) this.#decided.shift();
    }
    this.#compareTransferIds();
    if (found.fate === 1) mustEqual('moved by a repeat', test.transfers.count, 0);
    else this.#journal.push({ tap: test.records.u8.slice(), transfers: test.transfers.bytes.slice() });
    compareState(this.test, this.auditor.world);
  }

  /** Ids grow by one, without gaps, from one in each shard; each names the journal entry behind it. */
  #compareTransferIds(): void {
    for (const { transferId, causePosition } of readTransfers(this.test.transfers.bytes)) {
      mustEqual('transfer id', transferId, this.test.ledger.shard * 2 ** 40 + ++this.#transfers);
      mustEqual('cause', causePosition, this.test.position - 1);
    }
  }

  #do(command: LedgerCommand, expected: ExpectedAnswer): void {
    const answer = this.test.command(command);
    this.#compareTransferIds();
    this.#count(`${command.type} ${answerOf(answer)}`);
    if (typeof expected === 'string') mustEqual(command.type, answerOf(answer), expected);
    else if (!expected.includes(answerOf(answer))) mustEqual(command.type, answerOf(answer), expected.join(' or '));
    if (answer.ok && !answer.isRepeat) {
      if (!['limit', 'item', 'locker'].includes(command.type)) this.#done.push({ command, outcome: answer.outcome });
      this.#journal.push({ command: answer.outcome, transfers: this.test.transfers.bytes.slice() });
    }
    compareState(this.test, this.auditor.world);
  }

  /** Replays what a journal would hold, saves and loads: the same bytes, and the same answers to all that was sent. */
  compareReplay(): void {
    const { ledger } = this.test;
    const replayed = new Ledger(ledger.shard);
    for (const entry of this.#journal) {
      if ('command' in entry) replayed.applyCommand(entry.command);
      replayed.applyTransfers(entry.transfers);
      if ('tap' in entry) replayed.applyTap(new TapRecords(entry.tap.buffer, 0, entry.tap.length / tapRecordBytes), 0);
    }
    const saved = ledger.save();
    mustBeSame('replayed', replayed.save(), saved);
    this.test.ledger = Ledger.load(ledger.shard, saved);
    mustBeSame('saved and loaded', this.test.ledger.save(), saved);
    for (const tap of [...this.#sent]) this.#tap(tap);
    for (const done of this.#done) this.#again(done);
    // Conflicts are kept aside again, but nothing has changed.
    mustBeSame('sent again', this.test.ledger.save(), saved);
  }

  /** What was done once is not done again, and gets the first outcome. */
  #again(done: DoneCommand | undefined): void {
    if (done === undefined) return;
    const { command, outcome } = done;
    const answer = this.test.command(command);
    const isNamedByItsTap = command.type === 'reverse' && command.key === '';
    this.#count(`${command.type} ${answerOf(answer)}`);
    mustEqual(`${command.type} again`, answerOf(answer), isNamedByItsTap ? 'REVERSED_BEFORE' : 'repeat');
    mustEqual(`moved by ${command.type} again`, this.test.transfers.count, 0);
    if (answer.ok && outcome.type === 'moved') mustBeSame(command.type, answer.outcome, outcome);
    compareState(this.test, this.auditor.world);
  }

  #count(what: string): void {
    this.#seen.set(what, (this.#seen.get(what) ?? 0) + 1);
  }
}

function answerOf(answer: CommandAnswer): string {
  if (!answer.ok) return answer.refusal;
  return answer.isRepeat ? 'repeat' : 'done';
}

/** Runs a world of wishes; undefined, or what the auditor did not agree with. */
function differenceOf(wishes: readonly Wish[], seen: Seen): string | undefined {
  try {
    const comparison = new Comparison(seen);
    for (const wish of wishes) comparison.wish(wish);
    compareDayBook(comparison.test.ledger, comparison.auditor.world);
    comparison.compareReplay();
    return undefined;
  } catch (error) {
    return (error as Error).stack;
  }
}

/** Leaves out wishes as long as what is left still differs: what a person has to read to understand a difference. */
function shortest(wishes: readonly Wish[]): Wish[] {
  let left = [...wishes];
  for (let size = left.length >> 1; size >= 1; size >>= 1) {
    for (let start = 0; start < left.length;) {
      const without = left.toSpliced(start, size);
      if (differenceOf(without, new Map()) === undefined) start += size;
      else left = without;
    }
  }
  return left;
}

/** So many worlds of 400 wishes each. */
function* worldsOf(seed: number, worlds: number): Generator<Wish[]> {
  const random = randomFrom(seed);
  for (let world = 0; world < worlds; world++) yield Array.from({ length: wishesPerWorld }, () => wishOf(random));
}

/**
 * Compares so many worlds.
 * @throws Error with the difference and the fewest wishes that lead to it.
 */
export function compareWorlds(seed: number, worlds: number, seen: Seen): void {
  for (const wishes of worldsOf(seed, worlds)) {
    if (differenceOf(wishes, seen) === undefined) continue;
    const fewest = shortest(wishes);
    const text = fewest.map((wish) => JSON.stringify(wish)).join('\n');
    throw new Error(`seed ${seed}: ${differenceOf(fewest, new Map())}\n${text}`);
  }
}

function main(seed: number, worlds: number): void {
  for (const wishes of worldsOf(seed, worlds)) {
    const difference = differenceOf(wishes, new Map());
    if (difference === undefined) continue;
    process.stderr.write(`${difference}\n`);
    process.exitCode = 1;
    return;
  }
}

if (process.argv[1] === import.meta.filename) main(Number(process.argv[2]), Number(process.argv[3]));
