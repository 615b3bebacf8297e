import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { OperatorError } from '../../workers/errors.ts';
import { readCursor } from '../notices/cursor.ts';
import { stalledMsMax, subscribersMax } from '../notices/limits.ts';
import { notice } from '../notices/notice.ts';
import { passOn, type Subscriber } from '../notices/outbox.ts';
import type { Service } from '../service.ts';
import type { EventStream } from './event-stream.ts';
import { streamRoute } from './route.ts';

const subscribers = new Set<EventStream>();

export const noticeRoutes = [
  streamRoute({
    name: 'notices',
    method: 'get',
    path: '/admin/v1/notices',
    summary:
      'What parents and schools are to be told, as server-sent events: `notice`, and `cursor` where there was none. ' +
      'At least once, in the order of each shard; to go on, give the id of the last event as `from` or `Last-Event-ID`.',
    roles: ['cabinet'],
    query: z.strictObject({
      from: z
        .string()
        .max(4_096)
        .optional()
        .meta({ description: 'a cursor such as 0:123,1:456; now: only what is new; absent: from the beginning' }),
      follow: z
        .enum(['true', 'false'])
        .optional()
        .meta({ description: 'false: ends when everything that there is was delivered' }),
    }),
    event: notice,
    open: (stream, { query }, { service }) => {
      if (subscribers.size >= subscribersMax) {
        const what = `${subscribersMax} subscribers are connected already`;
        throw new OperatorError('NOTICES_BUSY', what, 'Try again in a moment, or pass notices on from one of them.');
      }
      const { pool, data } = service;
      // A client that comes back by itself still asks with the `from` of its beginning.
      const cursor = stream.lastEventId === '' ? (query.from ?? '') : stream.lastEventId;
      const from = readCursor(cursor, [...pool.durablePositions]);
      subscribers.add(stream);
      stream.onClose(() => subscribers.delete(stream));
      const isFollowing = query.follow !== 'false';
      const options = { journalDirectory: data.journal, durablePositions: pool.durablePositions, from, isFollowing };
      // Not awaited: the request is answered, the stream goes on.
      void passOn(options, subscriberOf(stream, service))
        .catch((error: unknown) => service.log.error({ err: error }, 'notices could not be read'))
        .finally(() => stream.close());
    },
  }),
];

/** Writes to the stream; what a slow client has not taken yet is at most one slice of notices. */
function subscriberOf(stream: EventStream, service: Service): Subscriber {
  return {
    notice: (one) => stream.send('notice', one, one.cursor),
    cursor: (cursor) => stream.send('cursor', { cursor }, cursor),
    hasRoom: async () => {
      const isDrained = await drainedInTime(stream);
      if (!isDrained) stream.cut();
      return isDrained && !stream.isOver && service.isReady;
    },
  };
}

async function drainedInTime(stream: EventStream): Promise<boolean> {
  const timeout = new AbortController();
  const isStalled = sleep(stalledMsMax, false, { signal: timeout.signal }).catch(() => false);
  const isDrained = await Promise.race([stream.drained().then(() => true), isStalled]);
  timeout.abort();
  return isDrained;
}
