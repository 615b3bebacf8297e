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
  /** Of `rules.json`, unless it was refused: the version that is in force. */
  version?: number;
}

/** What is wrong and where: a row of a CSV file by line and column, a value of `rules.json` by path. */
export interface RefusedRow {
  /** Null where only the path is known, or the file as a whole is wrong. */
  readonly line: number | null;
  /** Null where the row as a whole is wrong. Of a file that is no JSON: the column on the line, from 1. */
  readonly column: string | null;
  /** Such as `schools.101.meal.windows[1].to`; empty for the document itself. */
  readonly path?: string;
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

export function refuse(report: FileReport, line: number | null, column: string | null, { code, reason }: Fault): void {
  addRefused(report, { line, column, code, reason });
}

/** Refuses a value of a document. */
export function refuseAt(report: FileReport, path: string, { code, reason }: Fault): void {
  addRefused(report, { line: null, column: null, path, code, reason });
}

function addRefused(report: FileReport, refused: RefusedRow): void {
  report.refusedCount++;
  if (report.refused.length < refusedRowsListedMax) report.refused.push(refused);
}

export function addCollision(report: FileReport, collision: Collision): void {
  report.collisionCount++;
  if (report.collisions.length < collisionsListedMax) report.collisions.push(collision);
}
