import { checkId, refused } from './checks.ts';
import { appendChange, holderChange, type HolderClass } from './feed.ts';
import type { PupilRow } from './schema.ts';
import type { Registry, RegistryTransaction } from './store.ts';

/** What is to be; what is absent stays. */
export interface PupilSettings {
  /** False for one who left: the cards stay, the ledger refuses them as those of an inactive holder. */
  readonly active?: boolean | undefined;
  /** Free meals by entitlement. `pupils.csv` states it too: the next import has the last word. */
  readonly entitled?: boolean | undefined;
}

export interface PupilResult {
  readonly pupilId: number;
  readonly active: boolean;
  readonly entitled: boolean;
  /** The feed entry that the command made, or null where nothing had to change. */
  readonly change: number | null;
}

/** Sets what is not in a pupil's class or name. Refused with PUPIL_UNKNOWN. */
export async function setPupil(registry: Registry, pupilId: number, settings: PupilSettings): Promise<PupilResult> {
  checkId('--pupil', pupilId);
  return await registry.transaction(async (transaction) => {
    const { pupil, holderClass } = await requirePupil(transaction, pupilId);
    const { active = pupil.active === 1, entitled = pupil.entitled === 1 } = settings;
    const flags = { active: active ? 1 : 0, entitled: entitled ? 1 : 0 };
    const isSame = pupil.active === flags.active && pupil.entitled === flags.entitled;
    if (isSame) return { pupilId, active, entitled, change: null };
    await transaction.updateTable('pupil').set(flags).where('pupil_id', '=', pupilId).execute();
    const change = await appendChange(transaction, holderChange({ ...pupil, ...flags }, holderClass));
    return { pupilId, active, entitled, change };
  });
}

/** A stored pupil with class and district, or PUPIL_UNKNOWN. */
export async function requirePupil(
  transaction: RegistryTransaction,
  pupilId: number,
): Promise<{ pupil: PupilRow; holderClass: HolderClass; districtId: number }> {
  const row = await transaction
    .selectFrom('pupil')
    .innerJoin('class', 'class.class_id', 'pupil.class_id')
    .innerJoin('school', 'school.school_id', 'class.school_id')
    .selectAll('pupil')
    .select(['class.school_id', 'class.shift', 'school.district_id'])
    .where('pupil_id', '=', pupilId)
    .executeTakeFirst();
  if (row === undefined) throw refused('PUPIL_UNKNOWN', `there is no pupil ${pupilId}`, 'Import pupils.csv first');
  const { school_id, shift, district_id: districtId, ...pupil } = row;
  return { pupil, holderClass: { school_id, shift }, districtId };
}
