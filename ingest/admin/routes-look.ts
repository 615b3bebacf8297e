import { z } from 'zod';
import { statusOf } from '../status.ts';
import { route } from './route.ts';

/** What the command line asks of a running service for `status` and `verify`. */
export const lookRoutes = [
  route({
    name: 'status',
    method: 'get',
    path: '/admin/v1/status',
    summary: 'Readiness, shards, sink, readers and admission: what `tapline status` shows',
    roles: ['finance', 'operator', 'viewer'],
    response: z.looseObject({ ready: z.boolean() }),
    schools: () => [],
    answer: (_, { service }) => statusOf(service),
  }),
  route({
    name: 'totals',
    method: 'get',
    path: '/admin/v1/totals',
    summary: 'By shard: its position, and all balances, as [account, kopecks]',
    roles: [],
    response: z.array(
      z.strictObject({
        position: z.int(),
        sumKop: z.int(),
        pupils: z.int(),
        cards: z.int(),
        balances: z.array(z.tuple([z.int(), z.int()])),
      }),
    ),
    answer: (_, { service }) => Promise.all(service.pool.hosts.map((host) => host.call({ type: 'totals' }))),
  }),
  route({
    name: 'checkpoint',
    method: 'post',
    path: '/admin/v1/checkpoint',
    summary: 'Brings the notes that `verify` reads up to date, and says how far each shard is durable',
    roles: [],
    response: z.strictObject({ positions: z.array(z.int()) }),
    answer: (_, { service }) => service.checkpoint(),
  }),
];
