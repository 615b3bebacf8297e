import { OperatorError } from '../../workers/errors.ts';
import { Fault, idMax, isId } from './fields.ts';
import type { RegistryTransaction } from './store.ts';

/** The value, or wrong use of the option. */
export function check<Value>(option: string, value: Value | Fault): Value {
  if (!(value instanceof Fault)) return value;
  throw new OperatorError(`BAD_${value.code}`, `${option} ${value.reason}`, 'Correct the option and try again', 2);
}

export function checkId(option: string, id: number): number {
  return check(option, isId(id) ? id : new Fault('ID', `must be a whole number from 1 to ${idMax}`));
}

/** The registry says no; nothing was changed. */
export function refused(code: string, message: string, remedy: string): OperatorError {
  return new OperatorError(code, message, remedy, 1);
}

/** Refuses with SCHOOL_UNKNOWN. */
export async function requireSchool(transaction: RegistryTransaction, schoolId: number): Promise<void> {
  const school = await transaction
    .selectFrom('school')
    .select('school_id')
    .where('school_id', '=', schoolId)
    .executeTakeFirst();
  if (school === undefined)
    throw refused('SCHOOL_UNKNOWN', `there is no school ${schoolId}`, 'Import its schools.csv first');
}
