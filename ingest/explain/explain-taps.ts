import type { Registry } from '../registry/store.ts';
import { type LiveReader, readReaders, type ReaderFacts } from './reader-facts.ts';
import type { ExplainedTap } from './shard-replay.ts';
import { type Stored, storedOf } from './stored-taps.ts';

/** Where all is asked for that the journal does not know. */
export interface ExplainSources {
  readonly registry: Registry;
  /** Undefined where no ClickHouse is to be asked. */
  readonly clickhouseUrl: string | undefined;
  /** The reader's state in the running service; null where none runs. */
  readonly live: (readerId: number) => Promise<LiveReader | null> | LiveReader | null;
}

/** Everything about a tap. `reader` is as it is now, null if the registry does not know it. */
export type Explained = ExplainedTap &
  Stored & { readonly reader: (ReaderFacts & { readonly live: LiveReader | null }) | null };

/** Adds to taps from the journal what the registry, the running service and ClickHouse know. */
export async function completeTaps(taps: readonly ExplainedTap[], sources: ExplainSources): Promise<Explained[]> {
  const readerIds = [...new Set(taps.map(({ tap }) => tap.reader))];
  const readers = await readReaders(sources.registry, readerIds);
  const live = new Map<number, LiveReader | null>();
  for (const readerId of readerIds) live.set(readerId, await sources.live(readerId));
  const stored = await storedOf(sources.clickhouseUrl, taps);
  return taps.map((tap, index) => {
    const reader = readers.get(tap.tap.reader);
    return { ...tap, ...stored[index], reader: reader ? { ...reader, live: live.get(tap.tap.reader)! } : null };
  });
}
