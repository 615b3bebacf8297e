import type { Answer, Language } from '../types.ts';
import { wallTime } from './cells.ts';

/** Without commas: a line of a CSV head begins with #, and no quote before it. */
type HeadKey =
  'query' | 'as_of' | 'coverage_pct' | 'rules_version' | 'revision' | 'time_zone' | 'hidden_groups' | 'row_count';

const labels: Record<Language, Record<HeadKey, string>> = {
  ru: {
    query: 'Запрос',
    as_of: 'Данные на',
    coverage_pct: 'Покрытие в %',
    rules_version: 'Версия правил',
    revision: 'Ревизия данных',
    time_zone: 'Часовой пояс',
    hidden_groups: 'Скрытых групп (меньше 10 человек)',
    row_count: 'Строк',
  },
  en: {
    query: 'Query',
    as_of: 'Data as of',
    coverage_pct: 'Coverage in %',
    rules_version: 'Rules version',
    revision: 'Data revision',
    time_zone: 'Time zone',
    hidden_groups: 'Groups not shown (under 10)',
    row_count: 'Rows',
  },
};

const filters: Record<Language, Readonly<Record<string, string>>> = {
  ru: {
    district: 'Район',
    school: 'Школа',
    class: 'Класс',
    day: 'День',
    from: 'С',
    to: 'По',
    kind: 'Вид',
    pupil: 'Ученик',
    reader: 'Считыватель',
    limit: 'Строк не больше',
  },
  en: {
    district: 'District',
    school: 'School',
    class: 'Class',
    day: 'Day',
    from: 'From',
    to: 'To',
    kind: 'Kind',
    pupil: 'Pupil',
    reader: 'Reader',
    limit: 'Rows at most',
  },
};

export interface HeadLine {
  readonly label: string;
  readonly value: string | number | null;
}

/** What stands above the figures of a file: what was asked, how fresh and how whole it is. */
export function headLines({ head, rows }: Answer, language: Language): HeadLine[] {
  const label = labels[language];
  const asked = Object.entries(head.parameters).map(([name, value]) => ({
    label: filters[language][name] ?? name,
    value,
  }));
  const zone = head.timeZone ?? 'UTC';
  return [
    { label: label.query, value: head.query },
    ...asked,
    { label: label.as_of, value: head.asOf === null ? null : wallTime(head.asOf, head.timeZone) },
    { label: label.time_zone, value: zone },
    { label: label.coverage_pct, value: head.coveragePct },
    { label: label.rules_version, value: head.rulesVersion },
    { label: label.revision, value: head.revision },
    { label: label.hidden_groups, value: head.hiddenGroups },
    { label: label.row_count, value: rows.length },
  ];
}
