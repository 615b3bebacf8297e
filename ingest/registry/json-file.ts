import { isUtf8 } from 'node:buffer';
import { readFile, stat } from 'node:fs/promises';
import { Fault } from './fields.ts';

/** Why a file is no JSON; line and column count from 1 and are null where nothing is known of them. */
export interface JsonFault {
  readonly line: number | null;
  readonly column: number | null;
  readonly fault: Fault;
}

/** Reads a JSON file of a bounded size, UTF-8 with or without a byte order mark. */
export async function readJsonFile(path: string, bytesMax: number): Promise<{ value: unknown } | JsonFault> {
  const nowhere = { line: null, column: null };
  const { size } = await stat(path);
  if (size > bytesMax) return { ...nowhere, fault: new Fault('SIZE', `must not exceed ${bytesMax} bytes`) };
  const bytes = await readFile(path);
  if (!isUtf8(bytes)) return { ...nowhere, fault: new Fault('ENCODING', 'must be UTF-8') };
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  const message = syntaxError(text);
  if (message === null) return { value: JSON.parse(text) as unknown };
  const before = text.slice(0, faultOffset(text, message)).split('\n');
  return { line: before.length, column: before[before.length - 1].length + 1, fault: new Fault('JSON', 'is not JSON') };
}

/** The engine's message, which may quote the text and is not to be shown; null for JSON. */
function syntaxError(text: string): string | null {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    if (error instanceof SyntaxError) return error.message;
    throw error;
  }
}

/** Where the text stops being JSON. */
function faultOffset(text: string, message: string): number {
  const position = /at position (\d+)/.exec(message);
  if (position !== null) return Number(position[1]);
  if (!isUnexpected(message)) return text.length;
  // The engine tells the place of this one fault only by quoting what is around it: every text up to the place is merely
  // incomplete, every longer one is faulty.
  let [good, bad] = [0, text.length];
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (isUnexpected(syntaxError(text.slice(0, middle)))) bad = middle;
    else good = middle;
  }
  return good;
}

function isUnexpected(message: string | null): boolean {
  return message !== null && message.startsWith('Unexpected token');
}
