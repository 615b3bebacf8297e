/** What a row tells: the reader is there, its connection began, its connection ended. */
export const BeatEvent = { beat: 1, connected: 2, closed: 3 } as const;
export type BeatEvent = (typeof BeatEvent)[keyof typeof BeatEvent];

/** A row of `reader_beat`; times in ms since 1970 UTC. */
export interface ReaderBeat {
  readonly atMs: number;
  readonly readerId: number;
  readonly schoolId: number;
  readonly event: BeatEvent;
  /** Taps that the reader had not sent yet, by its last BEAT. */
  readonly queued: number;
  /** When the oldest of them was made. */
  readonly oldestMs: number | null;
  /** Our clock less the reader's. */
  readonly driftMs: number;
  /** Gaps in its numbering since the service began. */
  readonly gaps: number;
  readonly rulesVersion: number;
  /** At most 127 bytes. */
  readonly firmware: string;
}

export const beatColumns =
  'at, reader_id, school_id, event, queued, oldest_at, drift_ms, gaps, rules_version, firmware' as const;

/** All but the firmware's bytes, with a time for `oldest_at`. */
const fixedBytes = 8 + 4 + 4 + 1 + 4 + 9 + 8 + 4 + 4 + 1;

/** The rows as RowBinary in the order of `beatColumns`. */
export function encodeBeats(rows: readonly ReaderBeat[]): Uint8Array {
  const bytesMax = rows.reduce((sum, { firmware }) => sum + fixedBytes + 3 * firmware.length, 0);
  const bytes = Buffer.allocUnsafe(bytesMax);
  let end = 0;
  for (const row of rows) end = writeBeat(bytes, end, row);
  return bytes.subarray(0, end);
}

function writeBeat(bytes: Buffer, start: number, row: ReaderBeat): number {
  let at = writeInt64(bytes, start, row.atMs);
  at = bytes.writeUInt32LE(row.readerId, at);
  at = bytes.writeUInt32LE(row.schoolId, at);
  at = bytes.writeUInt8(row.event, at);
  at = bytes.writeUInt32LE(row.queued, at);
  at = bytes.writeUInt8(row.oldestMs === null ? 1 : 0, at);
  if (row.oldestMs !== null) at = writeInt64(bytes, at, row.oldestMs);
  at = writeInt64(bytes, at, row.driftMs);
  at = bytes.writeUInt32LE(row.gaps, at);
  at = bytes.writeUInt32LE(row.rulesVersion, at);
  const length = bytes.write(row.firmware, at + 1, 'utf8');
  // A longer one would need a second byte for its length.
  if (length > 127) throw new RangeError('a firmware of more than 127 bytes');
  bytes.writeUInt8(length, at);
  return at + 1 + length;
}

function writeInt64(bytes: Buffer, at: number, value: number): number {
  return bytes.writeBigInt64LE(BigInt(Math.trunc(value)), at);
}
