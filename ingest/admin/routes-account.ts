import { z } from 'zod';
import { TransferCause } from '../../workers/journal/transfer-record.ts';
import { purseNames } from '../../workers/ledger/kinds.ts';
import type { Transfer } from '../../workers/ledger/transfers.ts';
import type { AccountState } from '../../workers/pool/messages.ts';
import { accountName } from '../explain/names.ts';
import { id, idText, isoTime, purse, purseName } from './fields.ts';
import { refusalError } from './refusals.ts';
import { route } from './route.ts';

const sums = z.strictObject(Object.fromEntries(purseNames.map((name) => [name, z.int()])) as Record<Purse, z.ZodInt>);
type Purse = (typeof purseNames)[number];
const limit = z.union([z.int(), z.null(), z.literal('default')]);
const kopOrNone = z.int().nullable();

const movement = z.strictObject({
  transfer: z.int(),
  at: z.iso.datetime(),
  cause: z.string(),
  purse: purse.nullable(),
  kop: z.int(),
  debit: z.string().meta({ description: 'the account that gave, such as pupil:17:meal or canteen:3' }),
  credit: z.string(),
  reverses: z.int().nullable().meta({ description: 'the transfer that this one takes back' }),
});

const account = z.strictObject({
  pupil: id,
  school: id,
  class: id,
  shift: z.int(),
  active: z.boolean(),
  entitled: z.boolean(),
  purses_kop: sums,
  debt_kop: z
    .int()
    .meta({ description: 'what unpaid rides left the transport purse below zero; no ride until it is paid' }),
  day: z.iso.date().meta({ description: "the school day of spent_kop and entitlements_taken, in the school's zone" }),
  spent_kop: sums.meta({ description: 'what taps took that day' }),
  limits_kop: z
    .strictObject(Object.fromEntries(purseNames.map((name) => [name, limit])) as Record<Purse, typeof limit>)
    .meta({
      description: 'daily limits; null: none; default: what the rules say',
    }),
  rules_limits_kop: z
    .strictObject(Object.fromEntries(purseNames.map((name) => [name, kopOrNone])) as Record<Purse, typeof kopOrNone>)
    .meta({ description: "daily limits by the rules of the pupil's school; null: none" }),
  entitlements_taken: z.array(z.int()).meta({ description: 'meal windows of that day' }),
  forbidden_items: z.array(z.int()),
  reservations: z.array(z.strictObject({ school: id, locker: id, from: z.iso.datetime(), to: z.iso.datetime() })),
  movements: z.array(movement).meta({ description: 'the last ones, the newest first; older ones are in ClickHouse' }),
  position: z.int(),
});
export type Account = z.infer<typeof account>;

export const accountRoutes = [
  route({
    name: 'account',
    method: 'get',
    path: '/admin/v1/account/{pupil}',
    summary: 'What a pupil has and may, as the ledger has it now',
    roles: ['finance', 'operator', 'cabinet'],
    parameters: z.strictObject({ pupil: idText }),
    response: account,
    schools: ({ parameters }, { calendar }) => calendar.schoolIdsOf([parameters.pupil]),
    answer: async ({ parameters: { pupil } }, { service, calendar }) => {
      const schoolDay = (await calendar.daysOf([pupil], service.now()))(pupil);
      const host = service.pool.hosts[service.pool.shardOf(pupil)];
      const state = await host.call({ type: 'account', pupilId: pupil, schoolDay });
      if (state === null) throw refusalError('PUPIL_UNKNOWN');
      return describe(state, schoolDay);
    },
  }),
];

function describe(state: AccountState, schoolDay: number): Account {
  const own = new Map(state.limits);
  const limitOf = (number: number) => (own.has(number) ? own.get(number)! : ('default' as const));
  return {
    pupil: state.pupilId,
    school: state.schoolId,
    class: state.classId,
    shift: state.shift,
    active: state.active,
    entitled: state.entitled,
    purses_kop: state.balancesKop,
    debt_kop: Math.max(0, -state.balancesKop.transport),
    day: isoTime(schoolDay * 86_400_000).slice(0, 10),
    spent_kop: state.spentKop,
    limits_kop: { meal: limitOf(1), buffet: limitOf(2), transport: limitOf(3), services: limitOf(4) },
    rules_limits_kop: state.rulesLimitsKop,
    entitlements_taken: state.entitlementsTaken,
    forbidden_items: state.forbiddenItems,
    reservations: state.reservations.map(({ schoolId, locker, from, to }) => {
      return { school: schoolId, locker, from: isoTime(from), to: isoTime(to) };
    }),
    movements: state.movements.map(describeMovement),
    position: state.position,
  };
}

function describeMovement({ transferId, at, cause, purse, kop, debitAccount, creditAccount, reverses }: Transfer) {
  return {
    transfer: transferId,
    at: isoTime(at),
    cause: Object.entries(TransferCause).find(([, number]) => number === cause)?.[0] ?? String(cause),
    purse: purseName(purse),
    kop,
    debit: accountName(debitAccount),
    credit: accountName(creditAccount),
    reverses: reverses === 0 ? null : reverses,
  };
}
