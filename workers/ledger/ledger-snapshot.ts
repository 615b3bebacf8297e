import { bytesOf, column } from './growable.ts';
import type { LedgerState } from './ledger-state.ts';
import type { Accounts } from './state/accounts.ts';
import { AnswerWindow } from './state/answers.ts';
import type { RuleBook } from './rules/rule-book.ts';

/** Version of what `saveLedger` writes; what another version wrote is not read, and the journal is replayed instead. */
export const ledgerStateVersion = 3;

interface Meta {
  readonly stateVersion: number;
  readonly registryChange: number;
  readonly accounts: ReturnType<Accounts['toJSON']>;
  readonly rules: ReturnType<RuleBook['toJSON']>;
}

export interface SavedLedger {
  readonly meta: Meta;
  readonly columns: Map<string, Uint8Array>;
}

/** The whole state as a snapshot's parts. */
export function saveLedger(ledger: LedgerState): SavedLedger {
  const { accounts, rules, registryChange, pupils } = ledger;
  const columns = new Map<string, Uint8Array>();
  for (const part of parts(ledger)) part.save(columns, pupils.count);
  saveWindows(ledger, columns);
  const stateVersion = ledgerStateVersion;
  return { meta: { stateVersion, registryChange, accounts: accounts.toJSON(), rules: rules.toJSON() }, columns };
}

/** True for a snapshot that this version can read. */
export function isLoadable(meta: unknown): boolean {
  return (meta as Partial<Meta>).stateVersion === ledgerStateVersion;
}

export function loadLedger(
  ledger: LedgerState,
  saved: { meta: unknown; columns: ReadonlyMap<string, Uint8Array> },
): void {
  if (!isLoadable(saved.meta)) throw new RangeError('the snapshot was written by another version');
  const meta = saved.meta as Meta;
  ledger.registryChange = meta.registryChange;
  ledger.accounts.load(meta.accounts);
  ledger.rules.load(meta.rules);
  for (const part of parts(ledger)) part.load(saved.columns);
  loadWindows(ledger, saved.columns);
}

interface Part {
  save(columns: Map<string, Uint8Array>, pupils: number): void;
  load(columns: ReadonlyMap<string, Uint8Array>): void;
}

function parts(ledger: LedgerState): Part[] {
  const { pupils, cards, recent, days, presence, rides, settings, reservations, doneBefore, book, accounts } = ledger;
  return [pupils, cards, recent, days, presence, rides, settings, reservations, doneBefore, book, accounts.recent];
}

function saveWindows({ windows }: LedgerState, columns: Map<string, Uint8Array>): void {
  const index: number[] = [];
  const words: Int32Array[] = [];
  for (const [readerId, window] of windows) {
    index.push(readerId, window.bootEpoch, window.count);
    words.push(window.toWords());
  }
  columns.set('answer.index', bytesOf(Float64Array.from(index)));
  columns.set('answer.words', concatenated(words));
}

function loadWindows({ windows }: LedgerState, columns: ReadonlyMap<string, Uint8Array>): void {
  const index = column(columns, 'answer.index', Float64Array);
  const words = column(columns, 'answer.words', Int32Array);
  let offset = 0;
  for (let entry = 0; entry < index.length; entry += 3) {
    const end = offset + index[entry + 2] * AnswerWindow.words;
    windows.set(index[entry], AnswerWindow.fromWords(index[entry + 1], words.subarray(offset, end)));
    offset = end;
  }
}

function concatenated(parts: readonly Int32Array[]): Uint8Array {
  const all = new Int32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return bytesOf(all);
}
