import type { OraclePupil } from '../oracle/model.ts';
import type { Pupil, SchoolPlan } from './model.ts';

/** A pupil as the oracle has to know it. */
export function knownPupil({ schoolId }: SchoolPlan, pupil: Pupil): OraclePupil {
  const { pupilId, schoolClass, entitled, active, blocked, expires, purses, limitsKop, forbidden } = pupil;
  const { locker, reservation } = pupil;
  const reservations = locker === null || reservation === null ? [] : [{ schoolId, locker, ...reservation }];
  const { shift } = schoolClass;
  return { pupilId, schoolId, shift, entitled, active, blocked, expires, purses, limitsKop, forbidden, reservations };
}
