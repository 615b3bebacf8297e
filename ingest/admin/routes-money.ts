import { z } from 'zod';
import { OperatorError } from '../../workers/errors.ts';
import { accountId, Owner } from '../../workers/journal/transfer-record.ts';
import type { MoneyCommand } from '../../workers/ledger/command-types.ts';
import { id, key, kop, purse, purseName, purseNumber, reason, signedKop, tapIdentity } from './fields.ts';
import { type Executed, executeKeyed, findTap, movedBy } from './ledger-commands.ts';
import { type Context, type Desk, route } from './route.ts';

/** What is answered to a command that moved money; `balance_kop` is the purse's afterwards (a move: the giving one's). */
const movement = z.strictObject({
  ok: z.literal(true),
  repeated: z.boolean(),
  pupil: id,
  purse: purse.nullable().meta({ description: 'null: no purse of the pupil, but the entitlement fund' }),
  kop: z.int(),
  balance_kop: z.int(),
  transfer: z.int(),
});
export type Movement = z.infer<typeof movement>;

type Money<T extends MoneyCommand['type']> = Extract<MoneyCommand, { type: T }>;

const pupilsSchool = ({ body }: { body: { pupil: number } }, { calendar }: Desk) => calendar.schoolIdsOf([body.pupil]);

export const moneyRoutes = [
  route({
    name: 'refund',
    method: 'post',
    path: '/admin/v1/refunds',
    summary: 'Gives money of a purse back to the payer',
    roles: ['finance'],
    body: z.strictObject({ pupil: id, purse, kop, key, reason: reason.optional() }),
    response: movement,
    schools: pupilsSchool,
    answer: async ({ body }, context) =>
      await move(context, { type: 'refund', ...(await keyed(context, body)), kop: body.kop }),
  }),
  route({
    name: 'move',
    method: 'post',
    path: '/admin/v1/moves',
    summary: "Moves money between two purses of a pupil; the balance is the giving one's",
    roles: ['finance', 'cabinet'],
    body: z.strictObject({ pupil: id, from: purse, to: purse, kop, key, reason: reason.optional() }),
    response: movement,
    schools: pupilsSchool,
    answer: async ({ body }, context) => {
      const common = await keyed(context, { ...body, purse: body.from });
      return await move(context, { type: 'move', ...common, kop: body.kop, toPurse: purseNumber(body.to) });
    },
  }),
  route({
    name: 'adjust',
    method: 'post',
    path: '/admin/v1/adjustments',
    summary: 'Corrects a purse: above zero gives, below takes. The reason is kept in the audit.',
    roles: ['finance'],
    body: z.strictObject({
      pupil: id,
      purse,
      kop: signedKop,
      key,
      reason,
      against: z
        .string()
        .regex(/^(canteen|carrier):[1-9]\d{0,9}$/, 'expected canteen:SCHOOL or carrier:SCHOOL')
        .optional()
        .meta({ description: "the other side: an operator's takings; without it the adjustments account" }),
    }),
    response: movement,
    schools: async (input, desk) => [...(await pupilsSchool(input, desk)), ...operatorsSchool(input.body.against)],
    answer: async ({ body }, context) => {
      const against = await otherSide(context, body.against);
      return await move(context, { type: 'adjust', ...(await keyed(context, body)), kop: body.kop, against });
    },
  }),
  route({
    name: 'reverse',
    method: 'post',
    path: '/admin/v1/reversals',
    summary: 'Takes back what one tap moved, once',
    roles: ['finance', 'operator'],
    body: z.strictObject({ tap: tapIdentity, key: key.optional(), reason: reason.optional() }),
    response: movement.extend({ tap: tapIdentity }),
    schools: async ({ body }, { taps }) => [(await findTap(taps, body.tap)).facts.schoolId],
    answer: async ({ body }, context) => ({ ...(await reverse(context, body)), tap: body.tap }),
  }),
];

async function keyed({ service, calendar }: Context, body: { pupil: number; purse: Purse; key: string }) {
  const at = service.now();
  const schoolDay = (await calendar.daysOf([body.pupil], at))(body.pupil);
  return { key: body.key, pupilId: body.pupil, purse: purseNumber(body.purse), at, schoolDay };
}
type Purse = z.infer<typeof purse>;

async function move(context: Context, command: Money<'refund' | 'move' | 'adjust'>): Promise<Movement> {
  const shard = context.service.pool.shardOf(command.pupilId);
  return movementOf(await executeKeyed(context, shard, command));
}

async function reverse(context: Context, { tap, key = '' }: { tap: string; key?: string | undefined }) {
  const { service, calendar, taps } = context;
  const { shard, facts } = await findTap(taps, tap);
  const at = service.now();
  const schoolDay = (await calendar.daysOf([facts.pupilId], at))(facts.pupilId);
  return movementOf(await executeKeyed(context, shard, { type: 'reverse', key, tap: facts, at, schoolDay }));
}

function movementOf(executed: Executed): Movement {
  const { pupilId, purse, kop, balanceKop, transferId } = movedBy(executed);
  return {
    ok: true,
    repeated: executed.isRepeat,
    pupil: pupilId,
    purse: purseName(purse),
    kop,
    balance_kop: balanceKop,
    transfer: transferId,
  };
}

function operatorsSchool(against: string | undefined): number[] {
  return against === undefined ? [] : [Number(against.split(':')[1])];
}

/** The account that an adjustment is booked against. Throws SCHOOL_UNKNOWN. */
async function otherSide({ calendar }: Context, against: string | undefined): Promise<number> {
  if (against === undefined) return accountId(Owner.adjustments, 0);
  const [kind, school] = against.split(':');
  if (await calendar.hasSchool(Number(school))) {
    return accountId(kind === 'canteen' ? Owner.canteen : Owner.carrier, Number(school));
  }
  throw new OperatorError('SCHOOL_UNKNOWN', `there is no school ${school}`, 'Check the number after the colon.', 1);
}
