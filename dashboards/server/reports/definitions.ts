import type { Language } from '../types.ts';

export const reportNames = ['attendance', 'spending', 'entitlements'] as const;
export type ReportName = (typeof reportNames)[number];
export type Words = Readonly<Record<Language, string>>;

/** One table of a report: a named query, and which of its columns are printed. */
export interface Section {
  readonly query: string;
  readonly title: Words;
  /** Of its sheet, where the title is longer than the 31 characters that a sheet's name may have. */
  readonly sheet?: Words;
  /** In this order; id columns stand with their names. */
  readonly columns: readonly string[];
  /** Sums of these columns stand below; a share is of its two sums. */
  readonly sums?: readonly string[];
  readonly share?: { readonly column: string; readonly part: string; readonly whole: string };
  /** Drawn above the table: for each value of `by`, the sum of `column`. */
  readonly chart?: { readonly by: string; readonly column: string };
  /** Whether it is told of: one school, one class of it, or several schools. */
  readonly of: readonly ('schools' | 'school' | 'class')[];
  /** Said to the query beside what the reader asked for. */
  readonly said?: Readonly<Record<string, string>>;
}

export interface ReportDefinition {
  readonly title: Words;
  readonly sections: readonly [Section, ...Section[]];
}

const people = ['expected', 'arrived', 'late', 'out_only', 'excused', 'no_tap_covered', 'no_tap_uncovered'];
const arrivedShare = { column: 'pct', part: 'arrived', whole: 'expected' };
const everywhere = ['schools', 'school', 'class'] as const;
const meals = ['entitled', 'served', 'second_refused', 'unclaimed'];
const itemsMax = '20';

/** What is printed: rows by day first, then by school, class or item. */
export const reports: Readonly<Record<ReportName, ReportDefinition>> = {
  attendance: {
    title: { ru: 'Посещаемость', en: 'Attendance' },
    sections: [
      {
        query: 'attendance_daily',
        title: { ru: 'По дням', en: 'By day' },
        columns: ['school_day', ...people, 'pct', 'coverage'],
        sums: people,
        share: arrivedShare,
        chart: { by: 'school_day', column: 'pct' },
        of: everywhere,
      },
      {
        query: 'attendance_by_school',
        title: { ru: 'По школам', en: 'By school' },
        columns: ['school_name', 'days_open', ...people, 'pct', 'coverage'],
        sums: people,
        share: arrivedShare,
        of: ['schools'],
      },
      {
        query: 'attendance_by_class',
        title: { ru: 'По классам', en: 'By class' },
        columns: ['class_name', ...people, 'pct'],
        sums: people,
        share: arrivedShare,
        of: ['school'],
      },
      {
        query: 'persistent_absence',
        title: { ru: 'Пропустили десятую часть дней и больше', en: 'Missed a tenth of the days or more' },
        sheet: { ru: 'Систематические пропуски', en: 'Persistent absence' },
        columns: ['class_name', 'pupils', 'persistent', 'pct'],
        sums: ['pupils', 'persistent'],
        share: { column: 'pct', part: 'persistent', whole: 'pupils' },
        of: ['school', 'class'],
      },
    ],
  },
  spending: {
    title: { ru: 'Оплата питания и проезда', en: 'Spending' },
    sections: [
      {
        query: 'spend_daily',
        title: { ru: 'По дням', en: 'By day' },
        columns: ['school_day', 'kind', 'purse', 'n', 'kop', 'prev_week_kop', 'eaters'],
        sums: ['n', 'kop'],
        chart: { by: 'school_day', column: 'kop' },
        of: everywhere,
      },
      {
        query: 'school_spend',
        title: { ru: 'По школам', en: 'By school' },
        columns: ['school_name', 'n', 'kop', 'entitled_kop', 'eaters', 'kop_per_eater'],
        sums: ['n', 'kop', 'entitled_kop'],
        of: ['schools', 'school'],
      },
      {
        query: 'top_items',
        title: { ru: 'Что покупали больше всего', en: 'What was sold most' },
        columns: ['kind', 'item_id', 'n', 'kop', 'pct'],
        of: ['schools', 'school'],
        said: { limit: itemsMax },
      },
    ],
  },
  entitlements: {
    title: { ru: 'Льготное питание', en: 'Free meals' },
    sections: [
      {
        query: 'entitlement_daily',
        title: { ru: 'По дням', en: 'By day' },
        columns: ['school_day', 'window', ...meals],
        sums: meals,
        chart: { by: 'school_day', column: 'served' },
        of: everywhere,
      },
      {
        query: 'entitlement_use',
        title: { ru: 'По школам', en: 'By school' },
        columns: ['school_name', 'window', ...meals],
        sums: meals,
        of: ['schools', 'school'],
      },
    ],
  },
};
