import { LRUCache } from 'lru-cache';
import type { ClickHouseClient } from '../../../analytics/clickhouse/client.ts';
import { hiddenGroups, type HiddenGroups, type HidingOptions, type Rosters } from './hidden-groups.ts';
import { disclosureLimits } from './limits.ts';

/** Days, both included, of some schools; `revision` changes when one of them is derived anew. */
export interface RostersAsked {
  readonly schools: readonly number[];
  readonly from: string;
  readonly to: string;
  readonly revision: string;
}

// With the last roster of each school before the first day, for a first day that has none.
const sql = `
SELECT school_id, toString(school_day), groupArray((class_id, pupils))
FROM (
  SELECT school_id, school_day, class_id, count() AS pupils FROM v_student_day
  WHERE school_id IN {schools:Array(UInt32)} AND (school_day BETWEEN {from:Date} AND {to:Date}
    OR (school_id, school_day) IN (
      SELECT school_id, max(d.school_day) FROM v_school_day AS d
      WHERE school_id IN {schools:Array(UInt32)} AND d.school_day < {from:Date} AND d.expected + d.excused + d.closed > 0
      GROUP BY school_id))
  GROUP BY school_id, school_day, class_id)
GROUP BY school_id, school_day ORDER BY school_id, school_day`;

type RosterRow = readonly [schoolId: number, day: string, classes: readonly (readonly [number, number])[]];

/** Knows the sizes of classes as the derived days have them, and what they hide. */
export class RosterReader {
  readonly #client: () => ClickHouseClient;
  readonly #hiding: HidingOptions | undefined;
  readonly #known = new LRUCache<string, Promise<HiddenGroups>>({
    max: disclosureLimits.rostersMax,
    ttl: disclosureLimits.rostersAgeMs,
  });

  constructor(client: () => ClickHouseClient, hiding?: HidingOptions) {
    this.#client = client;
    this.#hiding = hiding;
  }

  /** What is hidden on any of these days; kept while none of them is derived anew. */
  async hiddenOf(asked: RostersAsked): Promise<HiddenGroups> {
    const key = JSON.stringify(asked);
    const known = this.#known.get(key) ?? this.#ask(asked).then((of) => hiddenGroups(of, asked.from, this.#hiding));
    this.#known.set(key, known);
    try {
      return await known;
    } catch (error) {
      this.#known.delete(key);
      throw error;
    }
  }

  /** Rosters of these days and the last one before them; a school without any is not in it. */
  async #ask({ schools, from, to }: RostersAsked): Promise<Rosters> {
    const answer = await this.#client().query({
      query: sql,
      query_params: { schools: [...schools], from, to },
      format: 'JSONCompactEachRow',
      clickhouse_settings: {
        readonly: '2',
        output_format_json_quote_64bit_integers: 0,
        output_format_json_named_tuples_as_objects: 0,
      },
    });
    const rosters = new Map<number, Map<string, Map<number, number>>>();
    for (const [schoolId, day, classes] of await answer.json<RosterRow>()) {
      const days = rosters.get(schoolId) ?? new Map<string, Map<number, number>>();
      rosters.set(schoolId, days.set(day, new Map(classes)));
    }
    return rosters;
  }
}
