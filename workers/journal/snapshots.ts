import { crc32 } from 'node:zlib';
import { OperatorError } from '../errors.ts';
import { snapshotsKept } from './limits.ts';
import type { JournalPlace } from './recovery.ts';
import type { Storage } from './storage.ts';

/** Named columns of bytes and a small JSON part: what a shard's state is saved as. */
export interface SnapshotContents {
  readonly meta: unknown;
  readonly columns: ReadonlyMap<string, Uint8Array>;
}

export interface Snapshot extends SnapshotContents {
  readonly place: JournalPlace;
}

const magic = 'TAPLSNAP';
const formatVersion = 1;
/** magic 8, version u32, directory bytes u32, checksum u32 over those 16 bytes and the directory, 12 reserved. */
const fixedBytes = 32;
const checksumOffset = 16;

interface Directory {
  readonly place: JournalPlace;
  readonly meta: unknown;
  readonly columns: { name: string; bytes: number; checksum: number }[];
}

export function snapshotName(position: number): string {
  return `snapshot-${String(position).padStart(16, '0')}.snapshot`;
}

/** Positions of the snapshots in a folder, newest first. */
export function snapshotPositions(storage: Storage): number[] {
  return storage
    .list()
    .map((name) => /^snapshot-(\d{16})\.snapshot$/.exec(name))
    .filter((match) => match !== null)
    .map((match) => Number(match[1]))
    .sort((left, right) => right - left);
}

/** A snapshot as pieces to be written one after the other. */
export function encodeSnapshot(snapshot: Snapshot): Uint8Array[] {
  const columns = [...snapshot.columns].map(([name, bytes]) => ({ name, bytes: bytes.length, checksum: crc32(bytes) }));
  const directory: Directory = { place: snapshot.place, meta: snapshot.meta, columns };
  const header = new TextEncoder().encode(JSON.stringify(directory));
  const fixed = new Uint8Array(fixedBytes);
  new TextEncoder().encodeInto(magic, fixed);
  const view = new DataView(fixed.buffer);
  view.setUint32(8, formatVersion, true);
  view.setUint32(12, header.length, true);
  view.setUint32(checksumOffset, crc32(header, crc32(fixed.subarray(0, checksumOffset))), true);
  return [fixed, header, ...snapshot.columns.values()];
}

/** Writes a snapshot beside the journal: whole or not at all; then drops the oldest. */
export function writeSnapshot(storage: Storage, snapshot: Snapshot): void {
  const name = snapshotName(snapshot.place.chain.firstPosition - 1);
  const file = storage.create('snapshot.tmp');
  try {
    let offset = 0;
    for (const piece of encodeSnapshot(snapshot)) {
      file.write(piece, offset);
      offset += piece.length;
    }
    file.sync();
  } finally {
    file.close();
  }
  storage.rename('snapshot.tmp', name);
  storage.syncDirectory();
  for (const position of snapshotPositions(storage).slice(snapshotsKept)) storage.remove(snapshotName(position));
}

/**
 * The newest snapshot that is whole, of those up to a position; or undefined. A damaged one is passed over: the journal
 * makes up for it.
 */
export function readNewestSnapshot(storage: Storage, positionMax = Infinity): Snapshot | undefined {
  for (const position of snapshotPositions(storage)) {
    if (position > positionMax) continue;
    const snapshot = readSnapshot(storage, snapshotName(position));
    if (snapshot !== undefined) return snapshot;
  }
  return undefined;
}

function readSnapshot(storage: Storage, name: string): Snapshot | undefined {
  const file = storage.open(name);
  try {
    const fixed = new Uint8Array(fixedBytes);
    if (file.read(fixed, 0) < fixedBytes || new TextDecoder().decode(fixed.subarray(0, 8)) !== magic) return undefined;
    const view = new DataView(fixed.buffer);
    const header = new Uint8Array(Math.min(view.getUint32(12, true), file.size()));
    file.read(header, fixedBytes);
    const checksum = crc32(header, crc32(fixed.subarray(0, checksumOffset)));
    if (checksum !== view.getUint32(checksumOffset, true)) return undefined;
    refuseOtherVersion(view.getUint32(8, true));
    const directory = JSON.parse(new TextDecoder().decode(header)) as Directory;
    const columns = new Map<string, Uint8Array>();
    let offset = fixedBytes + header.length;
    for (const column of directory.columns) {
      const bytes = new Uint8Array(column.bytes);
      if (file.read(bytes, offset) < column.bytes || crc32(bytes) !== column.checksum) return undefined;
      columns.set(column.name, bytes);
      offset += column.bytes;
    }
    return { place: directory.place, meta: directory.meta, columns };
  } finally {
    file.close();
  }
}

function refuseOtherVersion(version: number): void {
  if (version === formatVersion) return;
  throw new OperatorError(
    'SNAPSHOT_VERSION',
    `the snapshot is of format ${version}, this program reads ${formatVersion}`,
    'Use the program that wrote it, or remove the snapshot: the journal is read from its start instead.',
  );
}
