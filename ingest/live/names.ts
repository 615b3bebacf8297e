import type { Registry } from '../registry/store.ts';
import { namesPerQueryMax } from './limits.ts';

export interface PupilName {
  readonly lastName: string;
  readonly firstName: string;
  readonly className: string;
}

/** Names of pupils, for the one answer that was asked for: never for a log, a journal or a label. */
export async function namesOf(registry: Registry, pupilIds: readonly number[]): Promise<Map<number, PupilName>> {
  const names = new Map<number, PupilName>();
  for (let from = 0; from < pupilIds.length; from += namesPerQueryMax) {
    const rows = await registry.db
      .selectFrom('pupil')
      .innerJoin('class', 'class.class_id', 'pupil.class_id')
      .select(['pupil.pupil_id', 'pupil.last_name', 'pupil.first_name', 'class.name'])
      .where('pupil.pupil_id', 'in', pupilIds.slice(from, from + namesPerQueryMax))
      .execute();
    for (const { pupil_id: id, last_name: lastName, first_name: firstName, name: className } of rows) {
      names.set(id, { lastName, firstName, className });
    }
  }
  return names;
}
