import type { RegistryView, SchoolEntry } from '../../dashboards/server/types.ts';
import type { Registry } from '../registry/store.ts';
import { idsPerQueryMax, registryAgeMs } from './limits.ts';

interface KnownClass {
  readonly classId: number;
  readonly schoolId: number;
  readonly name: string;
  readonly shift: number;
}

interface Known {
  readonly districts: readonly { readonly districtId: number; readonly name: string }[];
  readonly schools: readonly SchoolEntry[];
  readonly classes: ReadonlyMap<number, KnownClass>;
  readonly bySchool: ReadonlyMap<number, readonly KnownClass[]>;
  readonly rulesVersion: number;
}

/** The registry as the API reads it. Schools and classes are remembered for a moment; pupils are asked for each time. */
export class RegistryReader implements RegistryView {
  readonly #registry: Registry;
  #known: Promise<Known> | undefined;
  #readAtMs = -Infinity;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  async districts() {
    return (await this.#read()).districts;
  }

  async schools() {
    return (await this.#read()).schools;
  }

  async classes(schoolId: number) {
    return (await this.#read()).bySchool.get(schoolId) ?? [];
  }

  async classSchool(classId: number) {
    return (await this.#read()).classes.get(classId)?.schoolId;
  }

  async classNames(ids: readonly number[]) {
    const { classes } = await this.#read();
    return new Map(ids.flatMap((id): [number, string][] => (classes.has(id) ? [[id, classes.get(id)!.name]] : [])));
  }

  async pupilNames(ids: readonly number[]) {
    const names = new Map<number, { lastName: string; firstName: string }>();
    for (let from = 0; from < ids.length; from += idsPerQueryMax) {
      const rows = await this.#registry.db
        .selectFrom('pupil')
        .select(['pupil_id', 'last_name', 'first_name'])
        .where('pupil_id', 'in', ids.slice(from, from + idsPerQueryMax))
        .execute();
      for (const row of rows) names.set(row.pupil_id, { lastName: row.last_name, firstName: row.first_name });
    }
    return names;
  }

  async pupil(id: number) {
    const row = await this.#registry.db
      .selectFrom('pupil')
      .innerJoin('class', 'class.class_id', 'pupil.class_id')
      .select(['class.class_id', 'class.school_id'])
      .where('pupil_id', '=', id)
      .executeTakeFirst();
    return row && { classId: row.class_id, schoolId: row.school_id };
  }

  async rulesVersion() {
    return (await this.#read()).rulesVersion;
  }

  #read(): Promise<Known> {
    const nowMs = performance.now();
    if (this.#known === undefined || nowMs - this.#readAtMs > registryAgeMs) {
      this.#readAtMs = nowMs;
      this.#known = this.#load().catch((error: unknown) => {
        this.#known = undefined;
        throw error;
      });
    }
    return this.#known;
  }

  async #load(): Promise<Known> {
    const { db } = this.#registry;
    const districts = await db.selectFrom('district').selectAll().orderBy('district_id').execute();
    const schools = await db.selectFrom('school').selectAll().orderBy('school_id').execute();
    const rows = await db.selectFrom('class').selectAll().orderBy('class_id').execute();
    const rules = await db
      .selectFrom('rules')
      .select((build) => build.fn.max('version').as('version'))
      .executeTakeFirst();
    const classes = rows.map((row): KnownClass => {
      return { classId: row.class_id, schoolId: row.school_id, name: row.name, shift: row.shift };
    });
    return {
      districts: districts.map((row) => ({ districtId: row.district_id, name: row.name })),
      schools: schools.map((row) => {
        return { schoolId: row.school_id, districtId: row.district_id, name: row.name, timeZone: row.tz };
      }),
      classes: new Map(classes.map((one) => [one.classId, one])),
      bySchool: bySchool(classes),
      // Version 1 are the defaults, which have no row.
      rulesVersion: rules?.version ?? 1,
    };
  }
}

function bySchool(classes: readonly KnownClass[]): Map<number, KnownClass[]> {
  const grouped = new Map<number, KnownClass[]>();
  for (const one of classes) {
    const ofSchool = grouped.get(one.schoolId);
    if (ofSchool === undefined) grouped.set(one.schoolId, [one]);
    else ofSchool.push(one);
  }
  return grouped;
}
