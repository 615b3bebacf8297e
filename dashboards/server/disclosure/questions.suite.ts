import { namedQueries } from '../../../analytics/queries/catalogue.ts';
import type { NamedQuery } from '../../../analytics/queries/define.ts';
import type { AnswerDesk, Prepared } from '../answer/desk.ts';
import { mayAsk } from '../answer/roles.ts';
import type { Answer } from '../types.ts';
import { classIds, dayTexts, ofDistrict, schoolOfClass, schools } from './small-district.suite.ts';

const [, first] = dayTexts;
/** Single days, and days together: not all of either, because there are many questions. */
const singleDays = [dayTexts[0], first, dayTexts[3]];
const ranges = [...singleDays.map((day) => [day, day]), [first, dayTexts[3]], [dayTexts[0], dayTexts[4]]];
const districtSchools = schools.filter(({ districtId }) => districtId === 1).map(({ schoolId }) => schoolId);

/** Everything that a district can ask of its groups: each query with each filter and each of the days. */
export function* questions(): Generator<{ readonly query: NamedQuery; readonly said: Record<string, string> }> {
  for (const query of namedQueries) {
    if (!mayAsk('district', query) || query.disclosure.about === 'pupils') continue;
    const { shape } = query.parameters;
    const times = 'from' in shape ? ranges.map(([from, to]) => ({ from, to })) : singleDays.map((day) => ({ day }));
    for (const said of filters(query))
      for (const time of 'from' in shape || 'day' in shape ? times : [{}]) yield { query, said: { ...said, ...time } };
  }
}

function filters({ parameters }: NamedQuery): Record<string, string>[] {
  const { shape } = parameters;
  const readers = [10, 30, 31, 40].map((reader) => ({ reader: String(reader) }));
  const needsReader =
    parameters.safeParse({ day: first }).error?.issues.some(({ path }) => path[0] === 'reader') ?? false;
  if (needsReader) return readers;
  const all: Record<string, string>[] = [{}, ...districtSchools.map((schoolId) => ({ school: String(schoolId) }))];
  const ofDistrict = classIds.filter((classId) => districtSchools.includes(schoolOfClass(classId)));
  if ('class' in shape) all.push(...ofDistrict.map((classId) => ({ class: String(classId) })));
  if ('kind' in shape) all.push({ kind: 'meal' }, { kind: 'buffet', school: '2' });
  if ('limit' in shape) all.push({ limit: '1' }, { limit: '3' });
  if ('reader' in shape) all.push(...readers);
  return all;
}

export interface Told {
  readonly prepared: Prepared;
  readonly answer: Answer;
}

export async function ask(desk: AnswerDesk, query: NamedQuery, said: Record<string, string>): Promise<Told> {
  const prepared = await desk.prepare(query, ofDistrict, said);
  return { prepared, answer: await desk.answer(prepared) };
}

/** Some at a time: a desk is asked by many as well. */
export async function askAll(
  desk: AnswerDesk,
  asked: Iterable<{ readonly query: NamedQuery; readonly said: Record<string, string> }>,
): Promise<Told[]> {
  const all = [...asked];
  const told = new Array<Told>(all.length);
  let next = 0;
  const work = async () => {
    for (let at = next++; at < all.length; at = next++) told[at] = await ask(desk, all[at].query, all[at].said);
  };
  await Promise.all(Array.from({ length: 6 }, work));
  return told;
}
