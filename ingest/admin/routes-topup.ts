import { z } from 'zod';
import type { CommandAnswer, TopUp } from '../../workers/ledger/command-types.ts';
import { id, key, kop, purse, purseNumber } from './fields.ts';
import { topupsPerRequestMax } from './limits.ts';
import { refusals } from './refusals.ts';
import { type Context, route } from './route.ts';

const topup = z.strictObject({ pupil: id, purse, kop, key });
export type TopUpRequest = z.infer<typeof topup>;

/** One top-up's result, in the order of the request; `message` and `remedy` say what a refusal means. */
const topupResult = topup.extend({
  ok: z.boolean(),
  repeated: z.boolean(),
  balance_kop: z.int().nullable(),
  refusal: z.string().nullable(),
  message: z.string().optional(),
  remedy: z.string().optional(),
});
export type TopUpResult = z.infer<typeof topupResult>;

const results = z.strictObject({ results: z.array(topupResult) });

export const topupRoutes = [
  route({
    name: 'topup',
    method: 'post',
    path: '/admin/v1/topups',
    summary: 'Puts money into purses. Each top-up stands for itself: some may be refused while others are done.',
    roles: ['finance', 'cabinet'],
    body: z.strictObject({ topups: z.array(topup).min(1).max(topupsPerRequestMax) }),
    response: results,
    schools: ({ body }, { calendar }) => calendar.schoolIdsOf(body.topups.map(({ pupil }) => pupil)),
    answer: async ({ body }, context) => ({ results: await topUp(context, body.topups) }),
    audit: {
      request: ({ body: { topups } }) => (topups.length === 1 ? topups[0] : summed(topups)),
      outcome: (answer) => (answer.results.length === 1 ? answer.results[0] : counted(answer.results)),
      ok: (answer) => answer.results.every(({ ok }) => ok),
    },
  }),
];

function summed(topups: readonly TopUpRequest[]) {
  return { topups: topups.length, sum_kop: topups.reduce((sum, one) => sum + one.kop, 0) };
}

function counted(all: readonly TopUpResult[]) {
  const done = all.filter(({ ok, repeated }) => ok && !repeated);
  const repeated = all.filter((one) => one.repeated).length;
  return { done: done.length, done_kop: summed(done).sum_kop, repeated, refused: all.length - done.length - repeated };
}

async function topUp({ service, calendar, keys }: Context, topups: readonly TopUpRequest[]): Promise<TopUpResult[]> {
  const { pool } = service;
  const at = service.now();
  const dayOf = await calendar.daysOf(
    topups.map(({ pupil }) => pupil),
    at,
  );
  const commands = topups.map(({ pupil, purse, kop, key }): TopUp => {
    return { type: 'topup', key, pupilId: pupil, purse: purseNumber(purse), kop, at, schoolDay: dayOf(pupil) };
  });
  const keyed = topups.map(({ pupil, key: one }) => ({ key: one, shard: pool.shardOf(pupil) }));
  return await keys.run(keyed, async (isTaken) => {
    const all = topups.map((one) => resultOf(one, { ok: false, refusal: 'KEY_CONFLICT' }));
    const executeIn = async (shard: number) => {
      const places = keyed.flatMap((one, place) => (one.shard === shard && !isTaken[place] ? [place] : []));
      for (let from = 0; from < places.length; from += service.commandsPerBatch) {
        const part = places.slice(from, from + service.commandsPerBatch);
        const batch = part.map((place) => commands[place]);
        const answers = await pool.execute(shard, batch, at);
        part.forEach((place, index) => (all[place] = resultOf(topups[place], answers[index])));
      }
    };
    await Promise.all(pool.hosts.map(({ shard }) => executeIn(shard)));
    return all;
  });
}

function resultOf(request: TopUpRequest, answer: CommandAnswer): TopUpResult {
  if (!answer.ok) {
    const { refusal } = answer;
    return { ...request, ok: false, repeated: false, balance_kop: null, refusal, ...refusals[refusal] };
  }
  const balanceKop = answer.outcome.type === 'moved' ? answer.outcome.balanceKop : null;
  return { ...request, ok: true, repeated: answer.isRepeat, balance_kop: balanceKop, refusal: null };
}
