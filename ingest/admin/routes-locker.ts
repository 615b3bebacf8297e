import { z } from 'zod';
import { OperatorError } from '../../workers/errors.ts';
import { id, idText, isoTime, time } from './fields.ts';
import { execute } from './ledger-commands.ts';
import { reservationsListedMax, reservationsPerRequestMax } from './limits.ts';
import { LockerPlan, type Reserved, reservationsOf } from './locker-plan.ts';
import { refusalError } from './refusals.ts';
import { type Context, type Desk, route } from './route.ts';

/** `school` is the pupil's unless told. */
const slot = z.strictObject({ pupil: id, school: id.optional(), locker: id, from: time });
const wish = slot.extend({ to: time });
export type LockerWish = z.infer<typeof wish>;

const reservation = z.strictObject({ pupil: id, school: id, locker: id, from: z.iso.datetime(), to: z.iso.datetime() });
export type Reservation = z.infer<typeof reservation>;

/** One reservation's result, in the order of the request. */
const wishResult = wish.extend({
  ok: z.boolean(),
  repeated: z.boolean(),
  refusal: z.string().nullable(),
  message: z.string().optional(),
  remedy: z.string().optional(),
});
export type LockerResult = z.infer<typeof wishResult>;

export const lockerRoutes = [
  route({
    name: 'locker-reserve',
    method: 'post',
    path: '/admin/v1/lockers/reservations',
    summary:
      'Reserves lockers for pupils, from a time up to another; the same pupil, locker and beginning renews. ' +
      'Each stands for itself: some may be refused while others are made.',
    roles: ['operator', 'cabinet'],
    body: z.strictObject({ reservations: z.array(wish).min(1).max(reservationsPerRequestMax) }),
    response: z.strictObject({ results: z.array(wishResult) }),
    schools: ({ body }, desk) => schoolsOf(body.reservations, desk),
    answer: async ({ body }, context) => ({ results: await reserve(context, body.reservations) }),
    audit: {
      request: ({ body: { reservations } }) =>
        reservations.length === 1 ? reservations[0] : { reservations: reservations.length },
      outcome: ({ results }) => (results.length === 1 ? results[0] : counted(results)),
      ok: ({ results }) => results.every(({ ok }) => ok),
    },
  }),
  route({
    name: 'locker-cancel',
    method: 'post',
    path: '/admin/v1/lockers/cancellations',
    summary: 'Takes a reservation back',
    roles: ['operator', 'cabinet'],
    body: slot,
    response: z.strictObject({ ok: z.literal(true), repeated: z.boolean() }),
    schools: ({ body }, desk) => schoolsOf([body], desk),
    answer: async ({ body }, context) => {
      const from = Date.parse(body.from);
      const [slotOf] = await placed(context, [body]);
      const { isRepeat } = await context.lockerTurns.run(() =>
        execute(context.service, body.pupil, { type: 'locker', ...slotOf, from, to: from }),
      );
      return { ok: true as const, repeated: isRepeat };
    },
  }),
  route({
    name: 'locker-list',
    method: 'get',
    path: '/admin/v1/lockers',
    summary: 'The reservations of a school, by locker and time',
    roles: ['operator'],
    query: z.strictObject({ school: idText, locker: idText.optional() }),
    response: z.strictObject({
      school: id,
      reservations: z.array(reservation),
      left_off: z.int().meta({ description: `reservations beyond the first ${reservationsListedMax}` }),
    }),
    schools: ({ query }) => [query.school],
    answer: async ({ query }, { service }) => {
      const all = await reservationsOf(service, query.school, query.locker);
      const reservations = all.slice(0, reservationsListedMax).map(describe);
      return { school: query.school, reservations, left_off: all.length - reservations.length };
    },
  }),
];

function describe({ pupilId, schoolId, locker, from, to }: Reserved): Reservation {
  return { pupil: pupilId, school: schoolId, locker, from: isoTime(from), to: isoTime(to) };
}

function counted(results: readonly LockerResult[]) {
  const refused = results.filter(({ ok }) => !ok).length;
  return { done: results.length - refused, refused };
}

type Slot = z.infer<typeof slot>;

/** The school of the locker and that of the pupil. */
async function schoolsOf(slots: readonly Slot[], { calendar }: Desk): Promise<number[]> {
  const own = await calendar.schoolIdsOf(slots.map(({ pupil }) => pupil));
  return [...own, ...slots.flatMap(({ school }) => school ?? [])];
}

/** With the pupil's school where none is named; 0 for a pupil that nobody knows, whom the ledger refuses. */
async function placed({ calendar }: Context, slots: readonly Slot[]) {
  const own = await calendar.schoolIdsOf(slots.map(({ pupil }) => pupil));
  return slots.map(({ pupil, school, locker }, place) => {
    return { pupilId: pupil, schoolId: school ?? own[place], locker };
  });
}

/** One request at a time: between the look at all shards and the writing nobody else may reserve. */
async function reserve(context: Context, wishes: readonly LockerWish[]): Promise<LockerResult[]> {
  const places = await placed(context, wishes);
  return await context.lockerTurns.run(async () => {
    const plan = new LockerPlan(context.service);
    const results: LockerResult[] = [];
    for (const [index, one] of wishes.entries()) {
      const wanted = { ...places[index], from: Date.parse(one.from), to: Date.parse(one.to) };
      results.push(await reserveOne(context, plan, one, wanted));
    }
    return results;
  });
}

async function reserveOne(
  { service, calendar }: Context,
  plan: LockerPlan,
  asked: LockerWish,
  wanted: Reserved,
): Promise<LockerResult> {
  try {
    if (wanted.to <= wanted.from) throw refusalError('RESERVATION_INVALID');
    if (asked.school !== undefined && !(await calendar.hasSchool(asked.school))) {
      throw new OperatorError('SCHOOL_UNKNOWN', `there is no school ${asked.school}`, 'Check the school id.', 1);
    }
    await plan.check(wanted);
    const { isRepeat } = await execute(service, wanted.pupilId, { type: 'locker', ...wanted });
    await plan.note(wanted);
    return { ...asked, school: wanted.schoolId, ok: true, repeated: isRepeat, refusal: null };
  } catch (error) {
    if (!(error instanceof OperatorError) || error.exitStatus !== 1) throw error;
    const { code, message, remedy } = error;
    return { ...asked, ok: false, repeated: false, refusal: code, message, remedy };
  }
}
