import type { ClickHouseClient } from '../../../analytics/clickhouse/client.ts';
import type { NamedQuery } from '../../../analytics/queries/define.ts';
import { boundParameters } from '../../../analytics/queries/parameters.ts';
import { type Asked, runQuery } from '../../../analytics/queries/run.ts';
import type { Filled } from './fill.ts';
import { dayOf } from './school-days.ts';

/** How much of the calendar a case asks for. A year asks for more where history is longer. */
export type Window = 'now' | 'day' | '28 days' | 'year';
export type Scope = 'region' | 'school';

/** A named query as a screen asks it. */
export interface Question {
  readonly name: string;
  readonly window: Window;
  readonly scope: Scope;
  readonly query: NamedQuery;
  readonly asked: Asked;
}

/** Whom and when the questions are about. */
export interface Subjects {
  readonly schools: readonly number[];
  /** The one school, with a pupil, a class and a gate of its. */
  readonly school: number;
  readonly classId: number;
  readonly pupil: number;
  readonly reader: number;
}

const windowDays = { '28 days': 28, year: 365 } as const;
const singles = (subjects: Subjects): Readonly<Record<string, unknown>> => ({
  pupil: subjects.pupil,
  reader: subjects.reader,
  kind: 'buffet',
  limit: 20,
});
/** Left away by screens that do not narrow down, where a query allows it. */
const narrowing = ['class', 'kind', 'reader'];
/** Rows of single pupils, and what a minute has, are never asked for a whole region or a year. */
const windowsOf: Readonly<Record<string, readonly Window[]>> = { tap_rate: ['day'], persistent_absentees: ['28 days'] };

/** Every named query that ClickHouse answers, for the region and for one school, for each window that it has. */
export function questionsOf(
  queries: readonly NamedQuery[],
  subjects: Subjects,
  { lastDay }: Pick<Filled, 'lastDay'>,
  nowMs: number,
): Question[] {
  return queries
    .filter(({ sql }) => sql !== '')
    .flatMap((query) => {
      const names = Object.keys(query.parameters.shape);
      const isOfOne = names.includes('pupil') || query.name === 'reader_timeline';
      const scopes: Scope[] = isOfOne ? ['school'] : ['region', 'school'];
      const windows = windowsOf[query.name] ?? defaultWindows(names);
      return scopes.flatMap((scope) =>
        windows.map((window): Question => {
          const parameters = query.parameters.parse(saidFor(query, window, subjects, lastDay)) as object;
          const schools = scope === 'region' ? subjects.schools : [subjects.school];
          return {
            name: query.name,
            window,
            scope,
            query,
            asked: { parameters: parameters as Record<string, unknown>, schools, nowMs },
          };
        }),
      );
    });
}

function defaultWindows(names: readonly string[]): readonly Window[] {
  if (names.includes('from')) return ['day', '28 days', 'year'];
  return names.includes('day') ? ['day'] : ['now'];
}

function saidFor(query: NamedQuery, window: Window, subjects: Subjects, lastDay: number): Record<string, unknown> {
  const days = window === '28 days' || window === 'year' ? windowDays[window] : 1;
  const all: Record<string, unknown> = {
    ...singles(subjects),
    day: dayOf(lastDay),
    from: dayOf(lastDay - days + 1),
    to: dayOf(lastDay),
  };
  const shape = query.parameters.shape as Record<string, { safeParse(value: unknown): { success: boolean } }>;
  const isNeeded = (name: string) => !narrowing.includes(name) || !shape[name].safeParse(undefined).success;
  const needed = Object.keys(shape).filter((name) => name in all && isNeeded(name));
  return Object.fromEntries(needed.map((name) => [name, all[name]]));
}

export function askQuestion(client: ClickHouseClient, { query, asked }: Question): ReturnType<typeof runQuery> {
  return runQuery(client, query, asked);
}

/** Rows that the engine reads for the answer: what it costs, whatever else the machine does. */
export async function rowsRead(client: ClickHouseClient, { query, asked }: Question): Promise<number> {
  const { parameters, schools, nowMs } = asked;
  const { summary } = await client.command({
    query: `${query.sql}\nFORMAT Null`,
    query_params: { ...boundParameters(parameters), schools: [...schools], now: new Date(nowMs) },
    clickhouse_settings: { wait_end_of_query: 1 },
  });
  return Number(summary?.read_rows ?? 0);
}

/** The largest school, with somebody of its middle class. */
export async function chooseSubjects(client: ClickHouseClient): Promise<Subjects> {
  const ask = async <T>(query: string) =>
    (await (await client.query({ query, format: 'JSONEachRow' })).json<T>()) as [T, ...T[]];
  const schools = await ask<{ id: number }>('SELECT school_id AS id FROM school ORDER BY id');
  const [{ school, pupil, class_id: classId }] = await ask<{ school: number; pupil: number; class_id: number }>(
    `SELECT school_id AS school, argMax(pupil_id, n) AS pupil, argMax(class, n) AS class_id
     FROM (SELECT school_id, pupil_id, any(class_id) AS class, count() AS n FROM tap
       WHERE pupil_id != 0 AND school_day > (SELECT max(school_day) FROM tap) - 28 GROUP BY school_id, pupil_id)
     GROUP BY school_id ORDER BY count() DESC, school LIMIT 1`,
  );
  const [{ reader }] = await ask<{ reader: number }>(
    `SELECT min(reader_id) AS reader FROM reader WHERE school_id = ${school} AND bitAnd(kinds_mask, 2) != 0`,
  );
  return { schools: schools.map(({ id }) => id), school, classId, pupil, reader };
}
