import type { Fault } from './fields.ts';

/** What an import did. `ok` is true when no row of any file was refused; collisions do not count against it. */
export interface ImportReport {
  readonly files: readonly FileReport[];
  readonly ok: boolean;
}

/** A file with a refused row changed nothing: then `added`, `changed` and `unchanged` are 0. */
export interface FileReport {
  readonly file: string;
  /** Data rows read, refused ones included. */
  rows: number;
  added: number;
  changed: number;
  unchanged: number;
  /** The first `refusedRowsListedMax`, one entry a row. */
  readonly refused: RefusedRow[];
  refusedCount: number;
  /** The first `collisionsListedMax`; of `cards.csv` only. */
  readonly collisions: Collision[];
  collisionCount: number;
}

export interface RefusedRow {
  readonly line: number;
  /** Null where the row as a whole is wrong. */
  readonly column: string | null;
  readonly code: string;
  readonly reason: string;
}

/** A stored row whose UID several pupils of one district hold: none of them can use it. */
export interface Collision {
  readonly line: number;
  readonly uid: string;
  readonly districtId: number;
  readonly pupilIds: readonly number[];
  readonly reason: string;
}

export const refusedRowsListedMax = 1_000;
export const collisionsListedMax = 1_000;

export function newFileReport(file: string): FileReport {
  return {
    file,
    rows: 0,
    added: 0,
    changed: 0,
    unchanged: 0,
    refused: [],
    refusedCount: 0,
    collisions: [],
    collisionCount: 0,
  };
}

export function refuse(report: FileReport, line: number, column: string | null, { code, reason }: Fault): void {
  report.refusedCount++;
  if (report.refused.length < refusedRowsListedMax) report.refused.push({ line, column, code, reason });
}

export function addCollision(report: FileReport, collision: Collision): void {
  report.collisionCount++;
  if (report.collisions.length < collisionsListedMax) report.collisions.push(collision);
}
