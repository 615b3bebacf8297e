/** One who is expected at school on a day. Times in ms since 1970 UTC. */
export interface ExpectedPupil {
  readonly pupilId: number;
  readonly classId: number;
  /** 1 to 3. */
  readonly shift: number;
  readonly doorsAtMs: number;
  readonly bellAtMs: number;
  readonly endAtMs: number;
  readonly entitled: boolean;
  readonly excused: boolean;
}

export const rosterColumns =
  'school_id, school_day, pupil_id, class_id, shift, doors_at, bell_at, end_at, entitled, excused, revision';

/** Where each column lies in a row of RowBinary. */
const at = {
  schoolId: 0,
  schoolDay: 4,
  pupilId: 6,
  classId: 10,
  shift: 14,
  doorsAt: 15,
  bellAt: 23,
  endAt: 31,
  entitled: 39,
  excused: 40,
  revision: 41,
} as const;
export const rosterRowBytes = 49;

/** A school's day as rows of RowBinary under revision 0. Pupils in ascending order, so that rosters can be held together. */
export function encodeRoster(schoolId: number, schoolDay: number, pupils: readonly ExpectedPupil[]): Buffer {
  const rows = Buffer.alloc(pupils.length * rosterRowBytes);
  pupils.forEach((pupil, place) => {
    const row = place * rosterRowBytes;
    rows.writeUInt32LE(schoolId, row + at.schoolId);
    rows.writeUInt16LE(schoolDay, row + at.schoolDay);
    rows.writeUInt32LE(pupil.pupilId, row + at.pupilId);
    rows.writeUInt32LE(pupil.classId, row + at.classId);
    rows.writeUInt8(pupil.shift, row + at.shift);
    writeInteger64(rows, pupil.doorsAtMs, row + at.doorsAt);
    writeInteger64(rows, pupil.bellAtMs, row + at.bellAt);
    writeInteger64(rows, pupil.endAtMs, row + at.endAt);
    rows.writeUInt8(pupil.entitled ? 1 : 0, row + at.entitled);
    rows.writeUInt8(pupil.excused ? 1 : 0, row + at.excused);
  });
  return rows;
}

/** Puts all rows under one revision. */
export function setRevision(rows: Buffer, revision: number): void {
  for (let row = 0; row < rows.length; row += rosterRowBytes) writeInteger64(rows, revision, row + at.revision);
}

export function pupilIdsOf(rows: Buffer): number[] {
  const count = rows.length / rosterRowBytes;
  return Array.from({ length: count }, (_, place) => rows.readUInt32LE(place * rosterRowBytes + at.pupilId));
}

/** The same rows with other excuses. */
export function withExcuses(rows: Buffer, excused: ReadonlySet<number>): Buffer {
  const copy = Buffer.from(rows);
  pupilIdsOf(copy).forEach((pupilId, place) => {
    copy.writeUInt8(excused.has(pupilId) ? 1 : 0, place * rosterRowBytes + at.excused);
  });
  return copy;
}

/** The end of the last lesson of all, ms since 1970; undefined where nobody is expected. */
export function lastEndMs(rows: Buffer): number | undefined {
  let last: number | undefined;
  for (let row = 0; row < rows.length; row += rosterRowBytes) {
    const endMs = Number(rows.readBigInt64LE(row + at.endAt));
    if (last === undefined || endMs > last) last = endMs;
  }
  return last;
}

function writeInteger64(rows: Buffer, value: number, offset: number): void {
  rows.writeBigInt64LE(BigInt(value), offset);
}
