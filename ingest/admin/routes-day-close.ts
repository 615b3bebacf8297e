import { z } from 'zod';
import { OperatorError } from '../../workers/errors.ts';
import { bookedDay, bookedOperators, closeBookedDay } from '../day-close/booked.ts';
import { dayCloseDocument, documentOf } from '../day-close/document.ts';
import { operatorNames, operatorOf, sellsFor, takingsAccount } from '../day-close/operators.ts';
import { dateText, schoolDayOf } from '../day-close/school-day.ts';
import { dateOf } from '../explain/names.ts';
import { readersOfSchool } from '../live/readers.ts';
import type { Service } from '../service.ts';
import { id, idText } from './fields.ts';
import { type Desk, route } from './route.ts';

const operator = z.enum(operatorNames);

export const dayCloseRoutes = [
  route({
    name: 'day-close-look',
    method: 'get',
    path: '/admin/v1/day-close/{operator}/{school}/{day}',
    summary: "An operator's school day as it stands, and what came after its close",
    roles: ['finance', 'operator'],
    parameters: z.strictObject({ operator, school: idText, day: dateText }),
    response: dayCloseDocument,
    schools: ({ parameters }) => [parameters.school],
    answer: async ({ parameters: { operator, school, day } }, { service, calendar }) => {
      await calendar.dayOfSchool(school, service.now());
      return await look(service, takingsAccount(operator, school), schoolDayOf(day));
    },
  }),
  route({
    name: 'day-close-list',
    method: 'get',
    path: '/admin/v1/day-close',
    summary: 'The day of every operator that has anything booked for it',
    roles: ['finance'],
    query: z.strictObject({ day: dateText }),
    response: z.strictObject({ day: z.iso.date(), operators: z.array(dayCloseDocument) }),
    answer: async ({ query: { day } }, { service }) => {
      const schoolDay = schoolDayOf(day);
      const operators = [];
      for (const account of await bookedOperators(service.pool, schoolDay)) {
        operators.push(await look(service, account, schoolDay));
      }
      return { day, operators };
    },
  }),
  route({
    name: 'day-close',
    method: 'post',
    path: '/admin/v1/day-close',
    summary: 'Closes the day of an operator: what comes later is shown as after its close. A repeat changes nothing.',
    roles: ['finance', 'operator'],
    body: z.strictObject({
      operator,
      school: id,
      day: dateText,
      force: z.boolean().optional().meta({ description: 'also a day that is still going on' }),
    }),
    response: dayCloseDocument.extend({ ok: z.literal(true), repeated: z.boolean() }),
    schools: ({ body }) => [body.school],
    answer: async ({ body: { operator, school, day, force = false } }, { service, calendar }) => {
      const schoolDay = schoolDayOf(day);
      await checkOver({ service, calendar }, school, schoolDay, force);
      const account = takingsAccount(operator, school);
      const { isRepeat } = await closeBookedDay(service.pool, account, schoolDay, service.now());
      return { ok: true as const, repeated: isRepeat, ...(await look(service, account, schoolDay)) };
    },
    audit: {
      outcome: ({ repeated, closed_at, takings_kop }) => ({ repeated, closed_at, takings_kop }),
    },
  }),
];

async function look(service: Service, account: number, schoolDay: number) {
  return documentOf(await bookedDay(service.pool, account, schoolDay), readersPending(service, account));
}

/** Throws SCHOOL_UNKNOWN, DAY_NOT_BEGUN, and DAY_NOT_OVER unless it is forced. */
async function checkOver(
  { service, calendar }: Pick<Desk, 'service' | 'calendar'>,
  schoolId: number,
  schoolDay: number,
  isForced: boolean,
): Promise<void> {
  const today = await calendar.dayOfSchool(schoolId, service.now());
  if (schoolDay < today || (schoolDay === today && isForced)) return;
  const day = dateOf(schoolDay);
  const where = `at school ${schoolId}`;
  // Not even by force: the day book keeps the newest days, and one far ahead would push out those that are wanted.
  if (schoolDay > today)
    throw new OperatorError('DAY_NOT_BEGUN', `${day} is yet to come ${where}`, 'Check the day.', 1);
  throw new OperatorError('DAY_NOT_OVER', `${day} is still going on ${where}`, 'Wait for midnight, or use force.', 1);
}

function readersPending(service: Service, account: number): number {
  const { operator, schoolId } = operatorOf(account)!;
  return readersOfSchool(service, schoolId).filter(
    ({ kindsMask, mayHoldTaps }) => mayHoldTaps && sellsFor(operator, kindsMask),
  ).length;
}
