import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FileDeriveCursorStore } from '../../../analytics/derive/derive-cursor.ts';
import { ClickHouseDeriveStore } from '../../../analytics/derive/derive-store.ts';
import { Deriver } from '../../../analytics/derive/deriver.ts';
import { deriveLimits } from '../../../analytics/derive/limits.ts';
import type { ClickHouseClient } from '../../../analytics/clickhouse/client.ts';
import { firstDayKept, tapDaysKept } from '../../../analytics/schema/retention.ts';
import type { Ask } from '../../../analytics/verify/derived/read-inputs.ts';
import { OperatorError } from '../../../workers/errors.ts';
import { openJournalCursor } from '../../../workers/journal/cursor.ts';

const pollMs = 200;
/** How long the derivation may make no progress. */
const idleTimeoutMs = 120_000;

/** How far each shard's journal is derived, as the service notes it. */
export async function derivedPositions(ask: Ask, dataPath: string, shards: number): Promise<number[]> {
  const cursors = new FileDeriveCursorStore(await cursorDirectory(ask, dataPath));
  return Array.from({ length: shards }, (_, shard) => cursors.load(shard));
}

async function cursorDirectory(ask: Ask, dataPath: string): Promise<string> {
  const [{ id }] = await ask<{ id: string }>(
    'SELECT toString(id) AS id FROM installation ORDER BY created_at, id LIMIT 1',
  );
  return path.join(dataPath, 'sink', id);
}

/** Waits until the running service has derived everything up to these positions. False if it makes no progress. */
export async function untilDerived(ask: Ask, dataPath: string, positions: readonly number[]): Promise<boolean> {
  let best = -1;
  let changedAtMs = Date.now();
  for (;;) {
    const derived = await derivedPositions(ask, dataPath, positions.length);
    if (positions.every((position, shard) => derived[shard] >= position)) return true;
    const sum = derived.reduce((total, position) => total + position, 0);
    if (sum !== best) [best, changedAtMs] = [sum, Date.now()];
    if (Date.now() - changedAtMs >= idleTimeoutMs) return false;
    await sleep(pollMs);
  }
}

/**
 * Where no service runs: derives what it had not derived yet, up to these positions and as of `nowMs`. Gives the number
 * of school days. Throws DERIVE_FAILED.
 */
export async function deriveAlone(of: {
  readonly ask: Ask;
  readonly dataPath: string;
  readonly journalDirectory: string;
  readonly client: ClickHouseClient;
  readonly clickhouseUrl: string;
  readonly positions: readonly number[];
  readonly nowMs: number;
}): Promise<number> {
  const { positions, nowMs } = of;
  const firstTapDay = firstDayKept(await tapDaysKept(of.client));
  const store = new ClickHouseDeriveStore(
    of.clickhouseUrl,
    deriveLimits.statementTimeoutMs,
    new AbortController().signal,
  );
  const deriver = new Deriver({
    shardCount: positions.length,
    store,
    cursors: new FileDeriveCursorStore(await cursorDirectory(of.ask, of.dataPath)),
    openCursor: (shard, afterPosition) => openJournalCursor(of.journalDirectory, shard, afterPosition),
    now: () => nowMs,
    firstTapDay: () => firstTapDay,
    limits: { todayDelayMs: 0, pastDelayMs: 0 },
  });
  deriver.markDirty(await store.outOfDate(0, nowMs));
  positions.forEach((position, shard) => deriver.stored(shard, position));
  deriver.start();
  try {
    return await untilIdle(deriver);
  } finally {
    await deriver.stop();
  }
}

async function untilIdle(deriver: Deriver): Promise<number> {
  let changedAtMs = Date.now();
  let best = -1;
  for (;;) {
    const { backlogKeys, isScanning, derivedKeys, lastError } = deriver.status();
    if (backlogKeys === 0 && !isScanning) return derivedKeys;
    if (derivedKeys !== best) [best, changedAtMs] = [derivedKeys, Date.now()];
    if (Date.now() - changedAtMs >= idleTimeoutMs) {
      const remedy = 'See whether ClickHouse has room, and verify again.';
      throw new OperatorError(
        'DERIVE_FAILED',
        `school days could not be derived: ${lastError ?? 'no progress'}`,
        remedy,
      );
    }
    await sleep(pollMs);
  }
}
