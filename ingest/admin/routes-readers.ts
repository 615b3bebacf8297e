import { z } from 'zod';
import { readerConditions, readerList } from '../status.ts';
import { id, idText } from './fields.ts';
import { route } from './route.ts';

const time = z.iso.datetime();

const reader = z.strictObject({
  reader: id,
  school: id,
  place: z.string(),
  state: z.enum(readerConditions),
  last_seen: time.nullable().meta({ description: 'null: not since the service began' }),
  queued: z.int().nullable().meta({ description: 'taps that it has not sent yet, by its last BEAT' }),
  oldest: time.nullable().meta({ description: 'when the oldest of them was made' }),
  drift_ms: z
    .int()
    .nullable()
    .meta({ description: "the service's clock less the reader's, at its last HELLO or BEAT" }),
  gaps: z.int().meta({ description: 'gaps in its numbering since the service began' }),
  firmware: z.string().nullable(),
  rules_version: z.int().nullable().meta({ description: 'of the rules that it carries; 0: none' }),
});
export type ReaderOfList = z.infer<typeof reader>;

/** What `tapline status --readers` asks. */
export const readerRoutes = [
  route({
    name: 'readers',
    method: 'get',
    path: '/admin/v1/readers',
    summary: 'Every reader as it is now, revoked ones included: state, queue, clock, firmware; or those of one school',
    roles: ['operator', 'viewer'],
    query: z.strictObject({ school: idText.optional() }),
    response: z.array(reader),
    // Whoever is bound to a school has to name it: no school has the number 0.
    schools: ({ query }) => [query.school ?? 0],
    answer: ({ query }, { service }) => readerList(service, query.school),
  }),
];
