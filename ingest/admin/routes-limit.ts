import { z } from 'zod';
import { purseBalanceMaxKop } from '../../workers/ledger/limits.ts';
import { id, purse, purseNumber, reason } from './fields.ts';
import { execute } from './ledger-commands.ts';
import { type Desk, route } from './route.ts';

const limitKop = z.union([z.int().min(0).max(purseBalanceMaxKop), z.null(), z.literal('default')]).meta({
  description: 'kopecks a school day; null: no limit; default: what the rules say',
});
const pupilsSchool = ({ body }: { body: { pupil: number } }, { calendar }: Desk) => calendar.schoolIdsOf([body.pupil]);

/** Both set what is to be, so that a repeat changes nothing. */
export const limitRoutes = [
  route({
    name: 'limit',
    method: 'post',
    path: '/admin/v1/limits',
    summary: "Sets the daily limit of a pupil's purse",
    roles: ['finance', 'cabinet'],
    body: z.strictObject({ pupil: id, purse, limit_kop: limitKop, reason: reason.optional() }),
    response: z.strictObject({ ok: z.literal(true), pupil: id, purse, limit_kop: limitKop }),
    schools: pupilsSchool,
    answer: async ({ body }, { service }) => {
      const { pupil, purse, limit_kop: limit } = body;
      await execute(service, pupil, { type: 'limit', pupilId: pupil, purse: purseNumber(purse), limitKop: limit });
      return { ok: true as const, pupil, purse, limit_kop: limit };
    },
  }),
  route({
    name: 'item',
    method: 'post',
    path: '/admin/v1/items',
    summary: 'Forbids an item of the price list to a pupil, or allows it again',
    roles: ['finance', 'cabinet'],
    body: z.strictObject({ pupil: id, item: id, forbidden: z.boolean(), reason: reason.optional() }),
    response: z.strictObject({ ok: z.literal(true), pupil: id, item: id, forbidden: z.boolean() }),
    schools: pupilsSchool,
    answer: async ({ body: { pupil, item, forbidden } }, { service }) => {
      await execute(service, pupil, { type: 'item', pupilId: pupil, item, forbidden });
      return { ok: true as const, pupil, item, forbidden };
    },
  }),
];
