import type { Language } from '../types.ts';
import { isHidden } from '../disclosure/hide.ts';
import type { ReportTable } from './build.ts';
import { columnTitle } from './words.ts';

const width = 515;
const height = 110;
const left = 46;
const bottom = 16;
const labelsMax = 16;
const ink = '#5b6470';
const fill = '#2f6db5';

interface Bar {
  readonly label: string;
  readonly value: number | null;
}

/** Columns over the days of a table, as SVG; undefined where there is nothing to draw, or something may not be. */
export function chartOf({ section, answer }: ReportTable, language: Language): string | undefined {
  const { chart } = section;
  if (chart === undefined || answer.rows.length < 2) return undefined;
  const names = Object.keys(answer.columns);
  const [by, of] = [names.indexOf(chart.by), names.indexOf(chart.column)];
  const sums = new Map<string, number | null>();
  for (const row of answer.rows) {
    const [key, cell] = [row[by] as string, row[of]];
    if (isHidden(cell)) return undefined;
    const before = sums.get(key) ?? null;
    sums.set(key, cell === null ? before : (before ?? 0) + Number(cell));
  }
  const { kind } = answer.columns[chart.column];
  const scale = kind === 'kop' ? 100 : 1;
  const bars = [...sums].map(([day, value]) => ({
    label: dayLabel(day),
    value: value === null ? null : value / scale,
  }));
  const max = kind === 'percent' ? 100 : Math.max(...bars.map(({ value }) => value ?? 0));
  return max <= 0 ? undefined : draw(bars, niceAbove(max), { language, title: columnTitle(chart.column, language) });
}

/** `2026-11-24` as 24.11. */
function dayLabel(day: string): string {
  return day.slice(5).split('-').reverse().join('.');
}

function draw(bars: readonly Bar[], max: number, { language, title }: { language: Language; title: string }): string {
  const inner = { width: width - left, height: height - bottom - 14 };
  const step = inner.width / bars.length;
  const y = (value: number) => (14 + inner.height * (1 - value / max)).toFixed(1);
  const format = new Intl.NumberFormat(language === 'ru' ? 'ru-RU' : 'en-GB', { maximumFractionDigits: 1 });
  const lines = [0, max / 2, max].map((value) => {
    const text = format.format(value).replaceAll('\u202f', '\u00a0');
    return `<line x1="${left}" x2="${width}" y1="${y(value)}" y2="${y(value)}" stroke="#d5dae0" stroke-width="0.5"/>
      <text x="${left - 4}" y="${Number(y(value)) + 2.5}" font-size="7" text-anchor="end" fill="${ink}">${text}</text>`;
  });
  const every = Math.ceil(bars.length / labelsMax);
  const columns = bars.map(({ label, value }, index) => {
    const x = left + index * step;
    const shown = Math.max(0, value ?? 0);
    const bar = `<rect x="${(x + step * 0.15).toFixed(1)}" y="${y(shown)}" width="${(step * 0.7).toFixed(1)}"
      height="${(Number(y(0)) - Number(y(shown))).toFixed(1)}" fill="${fill}"/>`;
    const below = `<text x="${(x + step / 2).toFixed(1)}" y="${height - 5}" font-size="7" text-anchor="middle" fill="${ink}">${label}</text>`;
    return `${value === null ? '' : bar}${index % every === 0 ? below : ''}`;
  });
  const head = `<text x="0" y="7" font-size="7" fill="${ink}">${title}</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="Roboto">
    ${head}${lines.join('')}${columns.join('')}</svg>`;
}

/** The next round number that halves to a round one. */
function niceAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 3, 4, 5, 6, 8, 10].map((factor) => factor * power).find((nice) => nice >= value) ?? 10 * power;
}
