import type { Column } from '../../../analytics/queries/columns.ts';
import { isHidden } from '../disclosure/hide.ts';
import type { Answer, Language, ShownCell } from '../types.ts';

/** What people read in place of a hidden cell. */
export const hiddenText = { small: '‹10', beside: '…' } as const;

/** A cell as JSON has it. */
export function plainCell(cell: ShownCell): string | number | boolean | null {
  return isHidden(cell) ? hiddenText[cell.hidden] : cell;
}

/** Wall time of a moment, `YYYY-MM-DD HH:MM:SS`: in the schools' zone, or in UTC where they have several. */
export function wallTime(iso: string, timeZone: string | null): string {
  const zone = timeZone ?? 'UTC';
  let format = wallFormats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
    wallFormats.set(zone, format);
  }
  return format.format(Date.parse(iso));
}

/** One for each zone: making one takes longer than using it. */
const wallFormats = new Map<string, Intl.DateTimeFormat>();

export const flagTexts: Record<Language, Record<'true' | 'false', string>> = {
  ru: { true: 'да', false: 'нет' },
  en: { true: 'yes', false: 'no' },
};

/** Columns with their names, in order. */
export function columnsOf({ columns }: Answer): { readonly name: string; readonly column: Column }[] {
  return Object.entries(columns).map(([name, column]) => ({ name, column }));
}

/** The days that a file is of, for its name: its last parameters that are days. */
export function fileNameOf({ head }: Answer, extension: string): string {
  const days = ['day', 'from', 'to'].flatMap((name) => head.parameters[name] ?? []);
  return `${[head.query, ...days].join('_')}.${extension}`;
}
