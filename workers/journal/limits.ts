/** Bounds of the journal. Their relations are asserted below, so that a change of one cannot silently break another. */

/** Version of the block and segment format; a journal of another version is refused. */
export const journalFormatVersion = 1;

/** Bytes of a segment file, preallocated, so that a sync writes data and no metadata. */
export const segmentBytesDefault = 64 * 1024 * 1024;

/** The blocks of a segment start here; the first page holds the segment's header alone. */
export const segmentHeaderBytes = 4096;

/** Bytes of a block's header and of a section's header within it. */
export const blockHeaderBytes = 64;
export const sectionHeaderBytes = 16;

/** A block is what one write and one sync make durable; it must fit into one segment. */
export const blockBytesMax = 4 * 1024 * 1024;

/** Zeros are laid down in writes of this size when a segment is preallocated. */
export const preallocationChunkBytes = 1024 * 1024;

/** Snapshots that are kept; the newest that is whole is used. */
export const snapshotsKept = 2;

if (blockBytesMax + segmentHeaderBytes > segmentBytesDefault / 2) {
  throw new RangeError('a segment must hold at least two of the largest blocks');
}
