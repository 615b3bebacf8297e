/** Kinds of section within a journal block. */
export const SectionType = {
  /** `TapRecords`: taps that were decided, refusals and bounces included. */
  taps: 1,
  /** Transfer records: every movement of money that the block's taps and commands made. */
  transfers: 2,
  /** One MessagePack array of command outcomes (registry changes, top-ups, …). */
  commands: 3,
  /** `TapRecords` that were answered 91 or 93: kept with their content, applied to nothing, not sent to ClickHouse. */
  quarantine: 4,
} as const;
export type SectionTypeNumber = (typeof SectionType)[keyof typeof SectionType];

export interface JournalSection {
  readonly type: SectionTypeNumber;
  /** Records in the section. */
  readonly count: number;
  /** The records' bytes; the view starts on a multiple of 8 and is good until the next call of the cursor that gave it. */
  readonly bytes: Uint8Array;
}

/** What one write and one sync made durable together. Taps, commands and quarantined taps each take one position. */
export interface JournalBlock {
  readonly shard: number;
  /** Grows by one from block to block, from 1. */
  readonly blockNumber: number;
  /** Position of the block's first record; the first of a journal is 1. */
  readonly firstPosition: number;
  /** Position of the block's last record. */
  readonly lastPosition: number;
  /** The service's clock when the block was written, ms since 1970 UTC. */
  readonly writtenAtMs: number;
  readonly sections: readonly JournalSection[];
}

/** Reads a journal's blocks in order. */
export interface JournalCursor {
  /** The next whole block, or undefined when there is none (yet): call again later to follow a journal that grows. */
  next(): JournalBlock | undefined;
  /**
   * Forgets what was read ahead. A block that was whole but not synced can be lost in a crash and another written in its
   * place: who reads up to a durable position refreshes each time that position has moved on.
   */
  refresh(): void;
  close(): void;
}
