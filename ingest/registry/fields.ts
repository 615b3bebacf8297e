import { kindBit, kindNames } from '../../workers/ledger/kinds.ts';

/**
 * How people write values in files and on the command line. Each reader answers the value, or a `Fault` that says what is
 * wrong with it without quoting it: a cell in the wrong column may hold a name.
 */
export class Fault {
  readonly code: string;
  readonly reason: string;

  constructor(code: string, reason: string) {
    this.code = code;
    this.reason = reason;
  }
}

export const idMax = 2 ** 32 - 1;
export const textCharactersMax = 200;
const dayMs = 86_400_000;

const notAnId = new Fault('ID', `must be a whole number from 1 to ${idMax}, without sign or leading zeros`);

export function readId(text: string): number | Fault {
  const id = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : 0;
  return isId(id) ? id : notAnId;
}

export function isId(id: number): boolean {
  return Number.isInteger(id) && id >= 1 && id <= idMax;
}

export function isPrintable(text: string): boolean {
  return !/[\u0000-\u001f\u007f]/.test(text);
}

/** Text that fits a line: no control characters, bounded. */
export function readText(text: string): string | Fault {
  if (text.length > textCharactersMax) return new Fault('TEXT', `must not exceed ${textCharactersMax} characters`);
  return isPrintable(text) ? text : new Fault('TEXT', 'must not contain control characters');
}

export function readTitle(text: string): string | Fault {
  return text.trim() === '' ? new Fault('TEXT', 'must not be empty') : readText(text);
}

const zones = new Set(Intl.supportedValuesOf('timeZone'));

/** An IANA zone in its own spelling: other software that is handed the zone minds upper and lower case. */
export function readZone(text: string): string | Fault {
  if (zones.has(text)) return text;
  const fault = new Fault('ZONE', 'must be an IANA time zone such as Europe/Moscow');
  if (!/^[A-Z][\w+-]*(\/[A-Z][\w+-]*)*$/.test(text)) return fault;
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    zones.add(text);
    return text;
  } catch {
    return fault;
  }
}

export function readFlag(text: string): number | Fault {
  const lower = text.toLowerCase();
  if (lower === '1' || lower === 'true' || lower === 'yes') return 1;
  if (lower === '0' || lower === 'false' || lower === 'no') return 0;
  return new Fault('FLAG', 'must be 0, 1, true, false, yes or no');
}

export function readShift(text: string): number | Fault {
  return /^[123]$/.test(text) ? Number(text) : new Fault('SHIFT', 'must be 1, 2 or 3');
}

export function readStatus(text: string): 'active' | 'blocked' | 'replaced' | Fault {
  if (text === 'active' || text === 'blocked' || text === 'replaced') return text;
  return new Fault('STATUS', 'must be active, blocked or replaced');
}

/** The UID as upper-case hex. */
export function readUid(text: string): string | Fault {
  if (/^([0-9A-Fa-f]{8}|[0-9A-Fa-f]{14}|[0-9A-Fa-f]{20})$/.test(text)) return text.toUpperCase();
  return new Fault('UID', 'must be 4, 7 or 10 bytes in hex (8, 14 or 20 digits)');
}

/** A last good day, or null where the text is empty. */
export function readExpires(text: string): string | null | Fault {
  if (text === '') return null;
  if (!isDate(text)) return new Fault('DATE', 'must be empty or a day of the calendar as YYYY-MM-DD');
  return dayOfDate(text) > 0 ? text : new Fault('DATE', 'must be later than 1970-01-01');
}

/** Days since 1970 that the journal and ClickHouse have room for: until 2149. */
export const schoolDayMax = 65_535;

/** A day as YYYY-MM-DD. */
export function readDay(text: string): string | Fault {
  const isDay = isDate(text) && dayOfDate(text) >= 0 && dayOfDate(text) <= schoolDayMax;
  return isDay ? text : new Fault('DATE', 'must be a day of the calendar as YYYY-MM-DD, from 1970 on');
}

/** The same, or null where the text is empty. */
export function readDayOrNone(text: string): string | null | Fault {
  return text === '' ? null : readDay(text);
}

/** A time of day `HH:MM` as minutes; `24:00` is midnight. */
export function readTime(text: string): number | Fault {
  if (!/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/.test(text)) return new Fault('TIME', 'must be a time as HH:MM, up to 24:00');
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
}

/** An id, or null where the text is empty. */
export function readIdOrNone(text: string): number | null | Fault {
  return text === '' ? null : readId(text);
}

export function readCalendarKind(text: string): 'holiday' | 'closed' | 'open' | Fault {
  if (text === 'holiday' || text === 'closed' || text === 'open') return text;
  return new Fault('CALENDAR_KIND', 'must be holiday, closed or open');
}

/** A day of the calendar as YYYY-MM-DD. */
export function isDate(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)) && dateOfDay(dayOfDate(text)) === text;
}

/** Days since 1970 of a real date YYYY-MM-DD. */
export function dayOfDate(date: string): number {
  return Date.parse(date) / dayMs;
}

export function dateOfDay(day: number): string {
  return new Date(day * dayMs).toISOString().slice(0, 10);
}

/** Kinds separated by spaces or commas, as a mask of bits by `kindBit`. */
export function readKinds(text: string): number | Fault {
  const names = text.split(/[ ,]+/).filter((name) => name !== '');
  const kinds = names.map((name) => kindNames.findIndex((known) => known === name) + 1);
  if (names.length > 0 && !kinds.includes(0)) return kinds.reduce((mask, kind) => mask | kindBit(kind), 0);
  return new Fault('KINDS', `must name one or more of ${kindNames.join(', ')}`);
}

export function namesOfKinds(mask: number): string[] {
  return kindNames.filter((_, place) => (mask & kindBit(place + 1)) !== 0);
}

/** Points of small order, the sign bit cleared: under these anybody can forge a signature (a key of zeros is one). */
const weakKeys = new Set([
  '00'.repeat(32),
  '01' + '00'.repeat(31),
  '26E8958FC2B227B045C3F489F2EF98F0D5DFAC05D3C63339B13802886D53FC05',
  'C7176A703D4DD84FBA3C0B760D10670F2A2053FA2C39CCC64EC7FD7792AC037A',
  'EC' + 'FF'.repeat(30) + '7F',
  'ED' + 'FF'.repeat(30) + '7F',
  'EE' + 'FF'.repeat(30) + '7F',
]);

/** An Ed25519 public key as upper-case hex. */
export function readPublicKey(text: string): string | Fault {
  if (!/^[0-9A-Fa-f]{64}$/.test(text)) return new Fault('PUBLIC_KEY', 'must be 64 hex digits (Ed25519, 32 bytes)');
  const key = text.toUpperCase();
  const signless = key.slice(0, 62) + (parseInt(key.slice(62), 16) & 0x7f).toString(16).toUpperCase().padStart(2, '0');
  return weakKeys.has(signless) ? new Fault('PUBLIC_KEY', 'is a weak key that anybody could sign for') : key;
}
