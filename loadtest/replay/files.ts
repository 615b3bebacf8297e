import { existsSync, readFileSync, statSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { OperatorError, usageError } from '../errors.ts';
import { limits } from '../limits.ts';
import { localTextToUtcMs } from '../region/zones.ts';

/** The campus of the gates lies at UTC+8, which is Irkutsk's time; that of the tills in central Europe. */
export const gateZone = 'Asia/Irkutsk';
export const tillZone = 'Europe/Berlin';
/** Food was sold by weight; prices are not in the data. */
const kopecksPerGram = 25;

export interface Student {
  readonly studentNo: number;
  readonly classNo: number;
  readonly uid: string;
}

export interface GateTap {
  readonly atMs: number;
  readonly uid: string;
  readonly door: string;
  readonly direction: 'in' | 'out';
  /** Place in the file. */
  readonly place: number;
}

export interface TillTap {
  readonly atMs: number;
  readonly uid: string;
  readonly till: number;
  readonly amountKop: number;
  /** Place in the file. */
  readonly place: number;
}

/** Reads a CSV file with a header, each row by its columns; a row that `convert` cannot read stops the replay. */
function rows<T>(
  path: string,
  columns: readonly string[],
  convert: (row: Record<string, string>, place: number) => T | null,
): T[] {
  if (!existsSync(path)) throw usageError('FILE_MISSING', `${path} does not exist`, 'Give the path of a data file');
  if (statSync(path).size > limits.inputFileBytesMax) {
    throw usageError('FILE_TOO_LARGE', `${path} exceeds ${limits.inputFileBytesMax} bytes`, 'Split it');
  }
  const table: Record<string, string>[] = parse(readFileSync(path), { columns: true, bom: true });
  const missing = columns.filter((column) => table.length > 0 && !(column in table[0]));
  if (missing.length > 0) {
    throw usageError('COLUMN_MISSING', `${path} lacks ${missing.join(', ')}`, `It needs ${columns.join(', ')}`);
  }
  return table.map((row, place) => {
    const converted = convert(row, place);
    if (converted !== null) return converted;
    throw new OperatorError('ROW_UNREADABLE', `${path} line ${place + 2} cannot be read`, 'Mend the line', 2);
  });
}

function isUid(text: string): boolean {
  return /^([0-9A-F]{8}|[0-9A-F]{14}|[0-9A-F]{20})$/.test(text);
}

export function readStudents(path: string): Student[] {
  return rows(path, ['student_no', 'class_no', 'card_uid'], (row) => {
    const student = { studentNo: Number(row['student_no']), classNo: Number(row['class_no']), uid: row['card_uid'] };
    return student.studentNo > 0 && student.classNo > 0 && isUid(student.uid) ? student : null;
  });
}

export function readGateTaps(path: string): GateTap[] {
  return rows(path, ['captured_at_local', 'card_uid', 'door', 'direction'], (row, place) => {
    const { door, direction, card_uid: uid } = row;
    const atMs = localTextToUtcMs(row['captured_at_local'], gateZone);
    if ((direction !== 'in' && direction !== 'out') || Number.isNaN(atMs) || !isUid(uid) || door === '') return null;
    return { atMs, uid, door, direction, place };
  });
}

export function readTillTaps(path: string): TillTap[] {
  return rows(path, ['captured_at_local', 'card_uid', 'till', 'weight_g'], (row, place) => {
    const atMs = localTextToUtcMs(row['captured_at_local'], tillZone);
    const tap = { atMs, uid: row['card_uid'], till: Number(row['till']), place };
    const amountKop = Number(row['weight_g']) * kopecksPerGram;
    const readable = !Number.isNaN(atMs) && isUid(tap.uid) && tap.till > 0 && Number.isSafeInteger(amountKop);
    return readable && amountKop >= 0 ? { ...tap, amountKop } : null;
  });
}
