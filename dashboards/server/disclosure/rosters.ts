import { LRUCache } from 'lru-cache';
import type { ClickHouseClient } from '../../../analytics/clickhouse/client.ts';
import { hiddenGroups, type HiddenGroups, type HidingOptions, type Roster, type Rosters } from './hidden-groups.ts';
import { disclosureLimits } from './limits.ts';

/** Days, both included, of some schools; `revision` changes when one of them is derived anew. */
export interface RostersAsked {
  readonly schools: readonly number[];
  readonly from: string;
  readonly to: string;
  readonly revision: string;
}

/** Changes when a day of one of the schools is derived anew: each school's revisions only grow. */
const revisionsSql = `
SELECT toString(school_day), toString(sum(h.revision)) FROM v_derive_head AS h
WHERE school_id IN {schools:Array(UInt32)} AND school_day BETWEEN {from:Date} AND {to:Date} GROUP BY school_day`;

const rostersOf = (days: string) => `
SELECT school_id, toString(school_day), arraySort(groupArray((class_id, pupils)))
FROM (
  SELECT school_id, school_day, class_id, count() AS pupils FROM v_student_day
  WHERE school_id IN {schools:Array(UInt32)} AND ${days}
  GROUP BY school_id, school_day, class_id)
GROUP BY school_id, school_day`;

const ofDaysSql = rostersOf('school_day IN {days:Array(Date)}');

/** The last roster of each school before the first day, for a first day that has none. */
const lastBeforeSql = rostersOf(`(school_id, school_day) IN (
    SELECT school_id, max(d.school_day) FROM v_school_day AS d
    WHERE school_id IN {schools:Array(UInt32)} AND d.school_day < {from:Date} AND d.expected + d.excused + d.closed > 0
    GROUP BY school_id)`);

type RosterRow = readonly [schoolId: number, day: string, classes: readonly (readonly [number, number])[]];

/** Rosters of a day, as of a revision of it. */
interface KnownDay {
  readonly revision: string;
  readonly bySchool: ReadonlyMap<number, Roster>;
}

/** Knows the sizes of classes as the derived days have them, and what they hide. */
export class RosterReader {
  readonly #client: () => ClickHouseClient;
  readonly #hiding: HidingOptions | undefined;
  readonly #known = new LRUCache<string, Promise<HiddenGroups>>({
    max: disclosureLimits.rostersMax,
    ttl: disclosureLimits.rostersAgeMs,
  });
  /** Days of a district, read again only when they were derived again: of a year that is most often today alone. */
  readonly #days = new LRUCache<string, KnownDay>({ max: disclosureLimits.rosterDaysMax });

  constructor(client: () => ClickHouseClient, hiding?: HidingOptions) {
    this.#client = client;
    this.#hiding = hiding;
  }

  /** What is hidden on any of these days; kept while none of them is derived anew. */
  async hiddenOf(asked: RostersAsked): Promise<HiddenGroups> {
    const key = JSON.stringify(asked);
    let known = this.#known.get(key);
    if (known === undefined) {
      known = this.#ask(asked).then((of) => hiddenGroups(of, asked.from, this.#hiding));
      // Only now: its age counts from when it was read, however often it is asked for.
      this.#known.set(key, known);
    }
    try {
      return await known;
    } catch (error) {
      this.#known.delete(key);
      throw error;
    }
  }

  /** Rosters of these days and the last one before them; a school without any is not in it. */
  async #ask(asked: RostersAsked): Promise<Rosters> {
    const { schools, from } = asked;
    const [days, before] = await Promise.all([
      this.#daysOf(asked),
      this.#rows<RosterRow>(lastBeforeSql, { schools, from }),
    ]);
    const rosters = new Map<number, Map<string, Roster>>();
    const add = (schoolId: number, day: string, roster: Roster) => {
      const ofSchool = rosters.get(schoolId) ?? new Map<string, Roster>();
      rosters.set(schoolId, ofSchool.set(day, roster));
    };
    for (const [schoolId, day, classes] of before) add(schoolId, day, new Map(classes));
    for (const [day, { bySchool }] of days) for (const [schoolId, roster] of bySchool) add(schoolId, day, roster);
    return rosters;
  }

  /** Revisions are read before rosters: a day that is derived in between is read once more the next time. */
  async #daysOf({ schools, from, to }: RostersAsked): Promise<Map<string, KnownDay>> {
    const revisions = new Map(await this.#rows<[string, string]>(revisionsSql, { schools, from, to }));
    const keyOf = (day: string) => `${day}:${schools.join()}`;
    const found = new Map<string, KnownDay>();
    for (const [day, revision] of revisions) {
      const known = this.#days.get(keyOf(day));
      if (known?.revision === revision) found.set(day, known);
    }
    const missing = [...revisions.keys()].filter((day) => !found.has(day));
    for (const [day, bySchool] of await this.#read(schools, missing)) {
      const known = { revision: revisions.get(day)!, bySchool };
      this.#days.set(keyOf(day), known);
      found.set(day, known);
    }
    return found;
  }

  /** Rosters that are the same day after day are there once: they are counted once, too. */
  async #read(schools: readonly number[], days: readonly string[]): Promise<Map<string, Map<number, Roster>>> {
    const byDay = new Map(days.map((day) => [day, new Map<number, Roster>()]));
    if (days.length === 0) return byDay;
    const same = new Map<string, Roster>();
    for (const [schoolId, day, classes] of await this.#rows<RosterRow>(ofDaysSql, { schools, days })) {
      const text = classes.join(';');
      const roster = same.get(text) ?? new Map(classes);
      same.set(text, roster);
      byDay.get(day)?.set(schoolId, roster);
    }
    return byDay;
  }

  async #rows<T>(query: string, parameters: Record<string, unknown>): Promise<T[]> {
    const answer = await this.#client().query({
      query,
      query_params: parameters,
      format: 'JSONCompactEachRow',
      clickhouse_settings: {
        readonly: '2',
        output_format_json_quote_64bit_integers: 0,
        output_format_json_named_tuples_as_objects: 0,
      },
    });
    return await answer.json<T>();
  }
}
