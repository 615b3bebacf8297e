import { OperatorError } from '../../workers/errors.ts';
import { LocalClock } from '../registry/local-time.ts';
import type { Registry } from '../registry/store.ts';
import { pupilsPerQueryMax } from './limits.ts';

interface PupilSchool {
  readonly schoolId: number;
  readonly timeZone: string;
}

/** Which school a pupil is of, and which day it is there: from the registry, so that what it knows last holds. */
export class SchoolCalendar {
  readonly #registry: Registry;
  /** By zone; there are some 600. */
  readonly #clocks = new Map<string, LocalClock>();

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** The schools of the pupils that are known, by pupil. */
  async schoolsOf(pupilIds: readonly number[]): Promise<Map<number, PupilSchool>> {
    const schools = new Map<number, PupilSchool>();
    const ids = [...new Set(pupilIds)];
    for (let from = 0; from < ids.length; from += pupilsPerQueryMax) {
      const rows = await this.#registry.db
        .selectFrom('pupil')
        .innerJoin('class', 'class.class_id', 'pupil.class_id')
        .innerJoin('school', 'school.school_id', 'class.school_id')
        .select(['pupil.pupil_id', 'school.school_id', 'school.tz'])
        .where('pupil.pupil_id', 'in', ids.slice(from, from + pupilsPerQueryMax))
        .execute();
      for (const { pupil_id: id, school_id: schoolId, tz } of rows) schools.set(id, { schoolId, timeZone: tz });
    }
    return schools;
  }

  /** For `schools` of a route: the pupils' schools; 0, which is none, for a pupil that nobody knows. */
  async schoolIdsOf(pupilIds: readonly number[]): Promise<number[]> {
    const schools = await this.schoolsOf(pupilIds);
    return pupilIds.map((pupilId) => schools.get(pupilId)?.schoolId ?? 0);
  }

  /** The local day at a time, by pupil, as days since 1970; UTC's for a pupil that nobody knows, who will be refused. */
  async daysOf(pupilIds: readonly number[], atMs: number): Promise<(pupilId: number) => number> {
    const schools = await this.schoolsOf(pupilIds);
    return (pupilId) => this.#clockOf(schools.get(pupilId)?.timeZone ?? 'UTC').schoolDay(atMs);
  }

  async hasSchool(schoolId: number): Promise<boolean> {
    return (await this.#zoneOf(schoolId)) !== undefined;
  }

  /** The local day of a school at a time, as days since 1970. Throws SCHOOL_UNKNOWN. */
  async dayOfSchool(schoolId: number, atMs: number): Promise<number> {
    const timeZone = await this.#zoneOf(schoolId);
    if (timeZone !== undefined) return this.#clockOf(timeZone).schoolDay(atMs);
    throw new OperatorError('SCHOOL_UNKNOWN', `there is no school ${schoolId}`, 'Check its number.', 1);
  }

  async #zoneOf(schoolId: number): Promise<string | undefined> {
    const row = await this.#registry.db
      .selectFrom('school')
      .select('tz')
      .where('school_id', '=', schoolId)
      .executeTakeFirst();
    return row?.tz;
  }

  #clockOf(timeZone: string): LocalClock {
    let clock = this.#clocks.get(timeZone);
    if (clock === undefined) this.#clocks.set(timeZone, (clock = new LocalClock(timeZone)));
    return clock;
  }
}
