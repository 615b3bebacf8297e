import { OperatorError } from '../../workers/errors.ts';
import { recordBytesOf, recordId, type BatchPart } from './batch.ts';
import type { RowStore } from './store.ts';

/**
 * Puts one part into ClickHouse exactly once.
 *
 * A part is rows of one table and one month in one insert block, so ClickHouse stores it whole or not at all. (One
 * insert of several months becomes several parts; a crash between them leaves some.) Its boundaries and its token are
 * durable before the first attempt, so an attempt after any crash is the same attempt.
 *
 * `fresh`: this token was never sent, so a reply that says "inserted" is the truth, and that is the usual way.
 *
 * In doubt (a lost reply, an error, a restart with a pending batch) the table is asked first, by the rows' own numbers:
 *   - all there: done. This holds without any deduplication, so a window that was passed, or lost with its file, does
 *     no harm.
 *   - none there: insert again under the same token. The question alone would not do: the first attempt may still be
 *     running behind a lost connection and finish after it. The token decides that race inside ClickHouse.
 *     Afterwards the table is asked again: the note of the token and the part are two files, so a kill or a power cut
 *     may leave the note without the part, and then the repeat is dropped in silence with nothing stored. Then, and
 *     only then, the rows go out under the next token. An earlier attempt that still runs cannot add to them: its own
 *     token is noted already.
 *   - some there, none twice: not ours (a block is whole or absent), but what a lost cursor leaves behind, when batches
 *     are cut anew. With `mayFill` only the missing rows are sent; else it is an error that names the range.
 *     On a cluster each server takes its rows of an insert whole or not at all: then, too, the missing rows are sent, under
 *     the same token. A server that has its rows gets none, and one that lacks them gets what it was to get at first.
 *   - any twice: an error that names the range; nothing is ever sent on top.
 */
export async function deliverPart(
  store: RowStore,
  part: BatchPart,
  options: { fresh: boolean; mayFill: boolean },
): Promise<void> {
  if (options.fresh) return store.insert(part, part.token);
  for (let round = 0; round < tokenRoundsMax; round++) {
    const missing = await missingRows(store, part, options.mayFill);
    if (missing === undefined) return;
    // Round 0 repeats the first token; from round 1 on the tokens before are known to be eaten. Replicas keep tokens and
    // parts together, so there the rows are only not visible yet: ask again later.
    if (round > 0 && (await store.isReplicated())) throw new Error(`this replica does not show ${nameOf(part)} yet`);
    await store.insert(missing, round === 0 ? missing.token : `${missing.token}:${round}`);
  }
  if ((await missingRows(store, part, options.mayFill)) !== undefined) throw tokensEaten(part);
}

const tokenRoundsMax = 4;

/** The part to send, or undefined when nothing is missing. */
async function missingRows(store: RowStore, part: BatchPart, mayFill: boolean): Promise<BatchPart | undefined> {
  const stored = await store.countStored(part);
  if (stored.rows !== stored.different || stored.rows > part.rows) throw storedTwice(part, stored.rows);
  if (stored.rows === part.rows) return undefined;
  if (stored.rows === 0) return part;
  if (mayFill) return withoutStored(part, await store.storedIds(part));
  if (!(await store.isSharded())) throw storedPartly(part, stored.rows);
  return { ...withoutStored(part, await store.storedIds(part)), token: part.token };
}

/** The rows that are not stored, in their order, under a token that says which. */
function withoutStored(part: BatchPart, stored: Set<number>): BatchPart {
  const size = recordBytesOf(part.table);
  const rows: Uint8Array[] = [];
  const ids: number[] = [];
  for (let row = 0; row < part.rows; row++) {
    const id = recordId(part.table, part.bytes, row);
    if (stored.has(id)) continue;
    rows.push(part.bytes.subarray(row * size, (row + 1) * size));
    ids.push(id);
  }
  const token = `${part.token}:fill:${ids.length}:${ids[0]}-${ids.at(-1)}`;
  return { ...part, bytes: Buffer.concat(rows), rows: ids.length, token };
}

function nameOf(part: BatchPart): string {
  const number = part.table === 'tap' ? 'positions' : 'transfer ids';
  return `${part.rows} rows of table ${part.table}, shard ${part.shard}, ${number} ${part.firstId} to ${part.lastId}`;
}

function storedTwice(part: BatchPart, rows: number): OperatorError {
  return new OperatorError(
    'SINK_STORED_TWICE',
    `ClickHouse holds ${rows} rows where there should be ${nameOf(part)}`,
    'Nothing was added; find out who else writes there, remove the surplus, and restart',
  );
}

function storedPartly(part: BatchPart, rows: number): OperatorError {
  return new OperatorError(
    'SINK_STORED_PARTLY',
    `ClickHouse holds only ${rows} of ${nameOf(part)}, though they were one insert`,
    "Nothing was added; delete the shard's cursor to have the missing rows filled in, and restart",
  );
}

function tokensEaten(part: BatchPart): OperatorError {
  return new OperatorError(
    'SINK_INSERT_IGNORED',
    `ClickHouse says "inserted" and does not hold ${nameOf(part)}`,
    'Look for row policies or a TTL on the table',
  );
}
