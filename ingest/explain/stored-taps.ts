import { errorLine, openClickHouse } from '../../analytics/clickhouse/client.ts';
import { OperatorError } from '../../workers/errors.ts';
import type { ExplainedTap } from './shard-replay.ts';
import { explainedPerQueryMax, storedTimeoutMs } from './limits.ts';

/** Whether ClickHouse has a tap; null if nobody could say, and why. */
export interface Stored {
  readonly stored: boolean | null;
  readonly stored_reason: string | null;
}

/** Asks ClickHouse at `url`, if there is one, for each of these taps. Never throws: to explain a tap the journal will do. */
export async function storedOf(url: string | undefined, taps: readonly ExplainedTap[]): Promise<Stored[]> {
  if (url === undefined || url === '') return taps.map(() => unknown('no service runs, so ClickHouse was not asked'));
  try {
    const found = await findStored(url, taps);
    return taps.map((tap) => {
      if (found.has(placeOf(tap))) return { stored: true, stored_reason: null };
      const why = tap.decision.quarantined ? 'quarantined taps stay in the journal' : 'the sink has not come so far';
      return { stored: false, stored_reason: why };
    });
  } catch (error) {
    const why = error instanceof OperatorError ? error.message : errorLine(error);
    return taps.map(() => unknown(`ClickHouse does not answer: ${why}`));
  }
}

function unknown(why: string): Stored {
  return { stored: null, stored_reason: why };
}

async function findStored(url: string, taps: readonly ExplainedTap[]): Promise<ReadonlySet<string>> {
  const client = openClickHouse(url, { requestTimeoutMs: storedTimeoutMs });
  try {
    const found = new Set<string>();
    for (let from = 0; from < taps.length; from += explainedPerQueryMax) {
      const places = taps.slice(from, from + explainedPerQueryMax).map((tap) => `(${placeOf(tap)})`);
      const query = `SELECT concat(shard, ',', position) AS place FROM tap WHERE (shard, position) IN (${places.join()})`;
      const result = await client.query({ query, format: 'JSONEachRow' });
      for (const { place } of await result.json<{ place: string }>()) found.add(place);
    }
    return found;
  } finally {
    await client.close();
  }
}

function placeOf({ journal: { shard, position } }: ExplainedTap): string {
  return `${shard},${position}`;
}
