import type { NamedQuery, Subject } from '../../../analytics/queries/define.ts';
import type { DashboardRole } from '../types.ts';

const subjects: Record<DashboardRole, readonly Subject[]> = {
  admin: ['attendance', 'money', 'fleet', 'trust', 'pupil'],
  district: ['attendance', 'money', 'fleet', 'trust', 'pupil'],
  school: ['attendance', 'money', 'fleet', 'trust', 'pupil'],
  class: ['attendance', 'pupil'],
  canteen: ['money'],
  operator: ['fleet', 'trust'],
};

/** Whether a role may ask a query at all, whatever its scope. */
export function mayAsk(role: DashboardRole, { subject, parameters, disclosure }: NamedQuery): boolean {
  if (!subjects[role].includes(subject)) return false;
  const isOfPupils = disclosure.about === 'pupils';
  switch (role) {
    case 'district':
      // Groups, and one pupil for a reason: never a list of pupils.
      return !isOfPupils || subject === 'pupil';
    case 'class':
      return subject === 'pupil' || 'class' in parameters.shape;
    case 'canteen':
    case 'operator':
      return !isOfPupils;
    case 'admin':
    case 'school':
      return true;
  }
}

/** Whether pupils are named to a role, in answers that it may have. */
export function mayReadPupilNames(role: DashboardRole): boolean {
  return role !== 'canteen' && role !== 'operator';
}

/** Whether a role sees groups only, and none that is small. */
export function seesGroupsOnly(role: DashboardRole): boolean {
  return role === 'district';
}
