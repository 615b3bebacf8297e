import { OperatorError } from '../../workers/errors.ts';
import { errorCodeRow } from './codes.ts';
import { decodeMessage, MessageType } from './messages.ts';
import type { Message, Taps } from './message-types.ts';

/** A frame that decodes: its type's number and name, then its fields; bytes as upper-case hex. */
export interface GoodFrame {
  readonly ok: true;
  readonly type: number;
  readonly name: string;
  readonly [field: string]: unknown;
}

/** A frame that does not: the ERR it would get and the byte to blame, null where the frame ends too early. */
export interface BadFrame {
  readonly ok: false;
  readonly error: {
    readonly code: number;
    readonly name: string;
    readonly offset: number | null;
    readonly message: string;
  };
  readonly byte: string | null;
}

export type FrameDescription = GoodFrame | BadFrame;

/** Reads hex text: digits in pairs, spaces between and `0x` in front allowed. Throws an `OperatorError` (exit 2). */
export function parseHex(text: string): Uint8Array {
  const digits = text.replace(/\s+/g, '').replace(/^0x/i, '');
  const wrong = /[^0-9a-f]/i.exec(digits);
  if (wrong === null && digits.length % 2 === 0 && digits.length > 0) return Buffer.from(digits, 'hex');
  const message =
    wrong !== null
      ? `'${wrong[0]}' at digit ${wrong.index} is no hex digit`
      : digits.length === 0
        ? 'there are no hex digits'
        : `${digits.length} hex digits make no whole bytes`;
  throw new OperatorError('FRAME_HEX', message, 'Give the frame as pairs of hex digits, for example 93 03 01 01', 2);
}

/** Decodes one frame of any type, as bytes or hex text, for people and `--json`. */
export function describeFrame(frame: string | Uint8Array): FrameDescription {
  const bytes = typeof frame === 'string' ? parseHex(frame) : frame;
  const decoded = decodeMessage(bytes);
  if (decoded.ok) return describeMessage(decoded.message);
  const { code, offset, message } = decoded;
  const byte = offset !== null && offset < bytes.length ? `0x${bytes[offset].toString(16).padStart(2, '0')}` : null;
  return { ok: false, error: { code, name: errorCodeRow(code)?.name ?? '', offset, message }, byte };
}

/** What `tapline frame HEX` prints: the fields, or what is wrong and a hex dump that points at the byte. */
export function renderFrame(frame: string | Uint8Array): string {
  const bytes = typeof frame === 'string' ? parseHex(frame) : frame;
  const described = describeFrame(bytes);
  if (!described.ok) return renderFault(bytes, described);
  const { type, name } = described;
  const lines = Object.entries(described)
    .filter(([field]) => !['ok', 'type', 'name'].includes(field))
    .map(([field, value]) => renderField(field, value));
  return [`${name} (type ${type}, ${bytes.length} bytes)`, ...lines].join('\n');
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('hex').toUpperCase();
}

function describeMessage(message: Message): GoodFrame {
  const { type, ...fields } = message;
  const plain = message.type === 'taps' ? { ...fields, taps: describeTaps(message) } : fields;
  const shown: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(plain)) shown[field] = value instanceof Uint8Array ? hex(value) : value;
  return { ok: true, type: MessageType[type], name: type.toUpperCase(), ...shown };
}

/** Each tap with the seq and the reader time that follow from its frame. */
function describeTaps({ firstSeq, baseMs, taps }: Taps) {
  return taps.map(({ uid, ...tap }, place) => ({
    seq: firstSeq + place,
    atMs: baseMs + tap.deltaMs,
    uid: hex(uid),
    ...tap,
  }));
}

function renderField(field: string, value: unknown): string {
  if (!Array.isArray(value)) return `  ${field}: ${renderValue(field, value)}`;
  return [`  ${field}: ${value.length}`, ...value.map((element) => `    ${renderElement(element)}`)].join('\n');
}

function renderElement(element: unknown): string {
  if (element === null || typeof element !== 'object') return String(element);
  return Object.entries(element)
    .filter(([, value]) => value !== null)
    .map(([field, value]) => `${field} ${renderValue(field, value)}`)
    .join('  ');
}

/** Points in time get their ISO form too; spans and times out of a `Date`'s range do not. */
function renderValue(field: string, value: unknown): string {
  const isTime = ['clockMs', 'baseMs', 'atMs', 'oldestMs', 'serverMs'].includes(field);
  if (!isTime || typeof value !== 'number' || Math.abs(value) > 8.64e15) return String(value);
  return `${value} (${new Date(value).toISOString()})`;
}

const dumpBytesPerLine = 16;

/** Two hex lines at most around the byte, with a caret below it. */
function renderFault(bytes: Uint8Array, { error }: BadFrame): string {
  const offset = error.offset ?? 0;
  const from = Math.max(0, Math.floor(offset / dumpBytesPerLine) - 1) * dumpBytesPerLine;
  const dump: string[] = [];
  for (let start = from; start <= offset; start += dumpBytesPerLine) dump.push(dumpLine(bytes, start));
  const column = offset % dumpBytesPerLine;
  dump.push(' '.repeat(10 + 3 * column) + '^^');
  return [`ERR ${error.code} ${error.name} at byte ${offset}: ${error.message}`, ...dump].join('\n');
}

function dumpLine(bytes: Uint8Array, start: number): string {
  const row = bytes.subarray(start, start + dumpBytesPerLine);
  const pairs = Array.from(row, (byte) => byte.toString(16).padStart(2, '0'));
  return `${String(start).padStart(8)}  ${pairs.join(' ')}`.trimEnd();
}
