import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { OperatorError } from '../../workers/errors.ts';
import { blockCard, issueCard, replaceCard, unblockCard } from '../registry/commands.ts';
import { setPupil } from '../registry/pupil-commands.ts';
import type { Service } from '../service.ts';
import { id } from './fields.ts';
import { effectPollMs, effectTimeoutMs } from './limits.ts';
import { type Desk, route } from './route.ts';

const uid = z.string().meta({ description: 'UID of the card in read order, 8, 14 or 20 hex digits' });
const cardBody = z.strictObject({
  uid,
  pupil: id.optional().meta({ description: 'where several pupils hold the UID' }),
});
const change = z.int().nullable().meta({ description: 'the feed entry that was made; null: nothing had to change' });
const card = z.strictObject({
  card_id: id,
  uid,
  pupil_id: id,
  district_id: id,
  status: z.enum(['active', 'blocked', 'replaced']),
  expires: z.iso.date().nullable(),
  change,
});

type Stored = Awaited<ReturnType<typeof blockCard>>;

const pupilsSchool = ({ body }: { body: { pupil: number } }, { calendar }: Desk) => calendar.schoolIdsOf([body.pupil]);

/** Changes of the registry that are in force when they are answered: in the shards' journals, and at the gateway. */
export const registryRoutes = [
  route({
    name: 'card-issue',
    method: 'post',
    path: '/admin/v1/cards/issue',
    summary: 'Gives a pupil a card',
    roles: [],
    body: z.strictObject({ uid, pupil: id, expires: z.iso.date().optional() }),
    response: card,
    schools: pupilsSchool,
    answer: ({ body }, { service }) =>
      inForce(service, issueCard(service.registry, { ...body, pupilId: body.pupil }), describeCard),
  }),
  route({
    name: 'card-block',
    method: 'post',
    path: '/admin/v1/cards/block',
    summary: 'Blocks a card until it is unblocked',
    roles: [],
    body: cardBody,
    response: card,
    answer: ({ body: { uid, pupil } }, { service }) =>
      inForce(service, blockCard(service.registry, { uid, pupilId: pupil }), describeCard),
  }),
  route({
    name: 'card-unblock',
    method: 'post',
    path: '/admin/v1/cards/unblock',
    summary: 'Makes a blocked card good again',
    roles: [],
    body: cardBody,
    response: card,
    answer: ({ body: { uid, pupil } }, { service }) =>
      inForce(service, unblockCard(service.registry, { uid, pupilId: pupil }), describeCard),
  }),
  route({
    name: 'card-replace',
    method: 'post',
    path: '/admin/v1/cards/replace',
    summary: 'Ends a card for good, and gives its pupil the next one if one is named',
    roles: [],
    body: cardBody.extend({ new_uid: uid.optional() }),
    response: z.strictObject({ replaced: card, issued: card.nullable() }),
    answer: ({ body }, { service }) =>
      inForce(
        service,
        replaceCard(service.registry, { uid: body.uid, pupilId: body.pupil }, body.new_uid),
        ({ replaced, issued }) => ({
          replaced: describeCard(replaced),
          issued: issued === null ? null : describeCard(issued),
        }),
      ),
  }),
  route({
    name: 'pupil-set',
    method: 'post',
    path: '/admin/v1/pupils',
    summary: 'Says whether a pupil is here, and has free meals; what is absent stays',
    roles: [],
    body: z.strictObject({ pupil: id, active: z.boolean().optional(), entitled: z.boolean().optional() }),
    response: z.strictObject({ pupil_id: id, active: z.boolean(), entitled: z.boolean(), change }),
    schools: pupilsSchool,
    answer: ({ body: { pupil, ...settings } }, { service }) =>
      inForce(service, setPupil(service.registry, pupil, settings), ({ pupilId, active, entitled, change }) => {
        return { pupil_id: pupilId, active, entitled, change };
      }),
  }),
];

function describeCard({ cardId, uid, pupilId, districtId, status, expires, change }: Stored) {
  return { card_id: cardId, uid, pupil_id: pupilId, district_id: districtId, status, expires, change };
}

/** Waits until what was changed, by this request or by one before it, holds wherever taps are decided. */
async function inForce<T, R>(service: Service, work: Promise<T>, describe: (result: T) => R): Promise<R> {
  const result = await work;
  const last = await service.registry.lastChange();
  const deadline = performance.now() + effectTimeoutMs;
  while (service.directory.appliedChange < last) {
    if (performance.now() > deadline) {
      const message = 'the change is kept, and not yet in force everywhere';
      throw new OperatorError('EFFECT_PENDING', message, 'See "tapline status": a shard may be recovering.');
    }
    await sleep(effectPollMs);
  }
  return describe(result);
}
