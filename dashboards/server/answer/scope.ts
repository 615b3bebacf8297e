import type { Caller, RegistryView, SchoolEntry } from '../types.ts';
import { scopeForbidden, unknown } from './errors.ts';

export interface ScopeAsked {
  readonly districtId: number | undefined;
  readonly schoolId: number | undefined;
  readonly classId: number | undefined;
  readonly pupilId: number | undefined;
}

/** Schools that a caller may see, by number. */
export function schoolsOf({ role, districtId, schoolId, classId }: Caller, all: readonly SchoolEntry[]): SchoolEntry[] {
  const isBound =
    role === 'admin' ||
    role === 'operator' ||
    (role === 'district' ? districtId !== null : schoolId !== null && (role !== 'class' || classId !== null));
  if (!isBound) return [];
  return all
    .filter((school) => districtId === null || school.districtId === districtId)
    .filter((school) => schoolId === null || school.schoolId === schoolId)
    .sort((a, b) => a.schoolId - b.schoolId);
}

/**
 * The schools of a question: what was asked for and the caller may see. Throws SCOPE_FORBIDDEN for anything that is not its
 * own, whether it exists or not; those who see everything are told that it does not exist.
 */
export async function resolveScope(registry: RegistryView, caller: Caller, asked: ScopeAsked): Promise<SchoolEntry[]> {
  const refuse = (what: 'SCHOOL' | 'DISTRICT' | 'CLASS' | 'PUPIL') => {
    return caller.role === 'admin' ? unknown(what) : scopeForbidden();
  };
  let schools = schoolsOf(caller, await registry.schools());
  const narrow = (what: 'SCHOOL' | 'DISTRICT' | 'CLASS' | 'PUPIL', isIn: (school: SchoolEntry) => boolean) => {
    schools = schools.filter(isIn);
    if (schools.length === 0) throw refuse(what);
  };
  const { districtId, schoolId, classId, pupilId } = asked;
  if (caller.role !== 'admin' && schools.length === 0) throw scopeForbidden();
  if (districtId !== undefined) narrow('DISTRICT', (school) => school.districtId === districtId);
  if (schoolId !== undefined) narrow('SCHOOL', (school) => school.schoolId === schoolId);
  if (classId !== undefined) {
    if (caller.classId !== null && caller.classId !== classId) throw refuse('CLASS');
    const ofClass = await registry.classSchool(classId);
    narrow('CLASS', (school) => school.schoolId === ofClass);
  }
  if (pupilId !== undefined) {
    const pupil = await registry.pupil(pupilId);
    const isOfSchools = schools.some((school) => school.schoolId === pupil?.schoolId);
    const isOfClass = caller.classId === null || caller.classId === pupil?.classId;
    if (!isOfSchools || !isOfClass) throw refuse('PUPIL');
  }
  return schools;
}
