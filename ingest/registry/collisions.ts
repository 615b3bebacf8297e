import type { Kysely } from 'kysely';
import type { CardRow, RegistryTables } from './schema.ts';
import type { Registry } from './store.ts';

/** Cards, not replaced, of several pupils of one district with one UID. */
export interface SharedUid {
  readonly uid: string;
  readonly districtId: number;
  readonly pupilIds: readonly number[];
}

/** The UIDs that no card can be used by, in the order of districts and UIDs. */
export async function listCollisions(registry: Registry): Promise<SharedUid[]> {
  return await readCollisions(registry.db);
}

export async function readCollisions(db: Kysely<RegistryTables>): Promise<SharedUid[]> {
  const repeated = db
    .selectFrom('card')
    .select(['district_id', 'uid'])
    // Replaced cards are left out below: without their status the index alone answers this.
    .groupBy(['district_id', 'uid'])
    .having((build) => build.fn.countAll(), '>', 1)
    .as('repeated');
  const cards = await db
    .selectFrom(repeated)
    .innerJoin('card', (join) =>
      join.onRef('card.district_id', '=', 'repeated.district_id').onRef('card.uid', '=', 'repeated.uid'),
    )
    .select(['card.district_id', 'card.uid', 'card.pupil_id'])
    .where('card.status', '<>', 'replaced')
    .orderBy('card.district_id')
    .orderBy('card.uid')
    .orderBy('card.pupil_id')
    .execute();
  return shared(cards);
}

/** Groups what stands together, and drops what only replaced cards shared. */
function shared(cards: readonly Pick<CardRow, 'district_id' | 'uid' | 'pupil_id'>[]): SharedUid[] {
  const groups: { uid: string; districtId: number; pupilIds: number[] }[] = [];
  for (const { uid, district_id: districtId, pupil_id: pupilId } of cards) {
    const group = groups.at(-1);
    if (group?.uid === uid && group.districtId === districtId) group.pupilIds.push(pupilId);
    else groups.push({ uid, districtId, pupilIds: [pupilId] });
  }
  return groups.filter(({ pupilIds }) => pupilIds.length > 1);
}
