import { OperatorError } from '../../workers/errors.ts';
import { Fault, idMax, isId } from './fields.ts';

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
