import type { Column } from '../../../analytics/queries/columns.ts';
import { hiddenText, wallTime } from '../formats/cells.ts';
import { headerText } from '../formats/headers.ts';
import { isHidden } from '../disclosure/hide.ts';
import type { Language, ShownCell } from '../types.ts';
import { reports } from './definitions.ts';
import { coverageMinPct, type Report } from './build.ts';

export interface Fact {
  readonly label: string;
  readonly value: string;
}

const locales: Record<Language, string> = { ru: 'ru-RU', en: 'en-GB' };

const facts = {
  ru: {
    ...{ period: 'Период', district: 'Район', school: 'Школа', class: 'Класс', kind: 'Вид', asOf: 'Данные на' },
    ...{ coverage: 'Покрытие', rules: 'Версия правил', revision: 'Ревизия данных', all: 'все', none: 'нет данных' },
    ...{ total: 'Всего', page: 'стр.', of: 'из', zone: 'местное время', rows: 'Нет строк: за эти дни ничего не было.' },
    low: 'Часть времени турникеты молчали: кто не отмечен тогда, не считается отсутствующим.',
    hidden: '‹10 — меньше десяти человек; … — скрыто рядом, чтобы первое нельзя было вычислить вычитанием.',
  },
  en: {
    ...{ period: 'Period', district: 'District', school: 'School', class: 'Class', kind: 'Kind', asOf: 'Data as of' },
    ...{ coverage: 'Coverage', rules: 'Rules version', revision: 'Data revision', all: 'all', none: 'no data' },
    ...{
      total: 'Total',
      page: 'page',
      of: 'of',
      zone: 'local time',
      rows: 'No rows: there was nothing on these days.',
    },
    low: 'Gates were silent for some of the time: who was not seen then is not counted as absent.',
    hidden: '‹10: under ten people; …: hidden beside it, so that the first cannot be found by subtraction.',
  },
} as const;

/** Words of the page in a language. */
export function wordsOf(language: Language) {
  return facts[language];
}

const values: Readonly<Record<string, Record<Language, string>>> = {
  meal: { ru: 'питание', en: 'meals' },
  buffet: { ru: 'буфет', en: 'buffet' },
  fare: { ru: 'проезд', en: 'fares' },
  transport: { ru: 'проезд', en: 'transport' },
  services: { ru: 'услуги', en: 'services' },
  entitlement: { ru: 'льгота', en: 'entitlement' },
};

/** The report's title and what stands below it: period, filters, data-as-of, coverage, rules. */
export function headOf(
  { name, head, scope }: Report,
  language: Language,
): { title: string; facts: Fact[]; notes: string[] } {
  const words = facts[language];
  const { from, to } = head.parameters;
  const filters =
    name === 'attendance' ? (['district', 'school', 'class'] as const) : (['district', 'school'] as const);
  const named = filters.map((of) => ({ label: words[of], value: scope[of] }));
  const coverage = head.coveragePct === null ? words.none : `${decimal(head.coveragePct, language)}\u00a0%`;
  const asOf = head.asOf === null ? words.none : momentText(head.asOf, head.timeZone, language);
  const isLow = head.coveragePct !== null && head.coveragePct < coverageMinPct;
  return {
    title: reports[name].title[language],
    facts: [
      { label: words.period, value: `${dayText(String(from), language)} – ${dayText(String(to), language)}` },
      ...named.map(({ label, value }) => ({ label, value: value ?? words.all })),
      { label: words.asOf, value: asOf },
      { label: words.coverage, value: coverage },
      { label: words.rules, value: String(head.rulesVersion) },
      { label: words.revision, value: head.revision },
    ],
    notes: [...(isLow ? [words.low] : []), ...(head.hiddenGroups > 0 ? [words.hidden] : [])],
  };
}

/** The text above a printed column: money is printed in roubles. */
export function columnTitle(name: string, language: Language): string {
  return headerText(name, language).replace(/, (?:коп\.|kopecks)$/, ', ₽');
}

/** A cell as people read it; numbers of a column have equal digits behind the mark. */
export function cellText(cell: ShownCell, { kind }: Column, language: Language): string {
  if (cell === null) return '–';
  if (isHidden(cell)) return hiddenText[cell.hidden];
  if (typeof cell === 'boolean') return cell ? '✓' : '–';
  if (typeof cell === 'string') return kind === 'day' ? dayText(cell, language) : (values[cell]?.[language] ?? cell);
  if (kind === 'kop') return roubles(cell, language);
  if (kind === 'percent') return decimal(cell, language);
  return kind === 'id' ? String(cell) : plain(new Intl.NumberFormat(locales[language]).format(cell));
}

/** Roubles and kopecks without the sign: it stands above the column. */
export function roubles(kop: number, language: Language): string {
  const digits = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  return plain(new Intl.NumberFormat(locales[language], digits).format(kop / 100));
}

function decimal(value: number, language: Language): string {
  const digits = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
  return plain(new Intl.NumberFormat(locales[language], digits).format(value));
}

/** A school day with its weekday. */
export function dayText(day: string, language: Language): string {
  const options = { weekday: 'short', day: '2-digit', month: '2-digit', year: 'numeric', timeZone: 'UTC' } as const;
  return plain(new Intl.DateTimeFormat(locales[language], options).format(Date.parse(day)));
}

/** A moment by the schools' clock, which is named. */
function momentText(iso: string, timeZone: string | null, language: Language): string {
  const [day, time] = wallTime(iso, timeZone).split(' ');
  return `${dayText(day, language)}, ${time} (${timeZone ?? 'UTC'})`;
}

/** The font has no narrow no-break space. */
function plain(text: string): string {
  return text.replaceAll('\u202f', '\u00a0');
}
