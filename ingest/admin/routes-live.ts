import { z } from 'zod';
import { Kind, kindBit } from '../../workers/ledger/kinds.ts';
import type { OfflineTotal } from '../../workers/ledger/state/day-totals.ts';
import { dateOf } from '../explain/names.ts';
import { type PupilName, namesOf } from '../live/names.ts';
import { offlineRisk } from '../live/offline-risk.ts';
import { kindsOf, type LiveReader, readersOfSchool } from '../live/readers.ts';
import { readerConditions } from '../status.ts';
import { id, idText, isoTime } from './fields.ts';
import { route } from './route.ts';

const gateKinds = kindBit(Kind.gateIn) | kindBit(Kind.gateOut);
const condition = z.enum(readerConditions);
const time = z.iso.datetime();

const insideSchool = z.strictObject({
  school: id,
  at: time,
  day: z.iso.date().meta({ description: "today, in the school's zone" }),
  inside: z.int(),
  pupils: z.array(
    z.strictObject({
      pupil: id,
      class: id,
      since: time,
      doubtful_clock: z.boolean().meta({ description: 'the time is as doubtful as the clock of its gate' }),
      last_name: z.string().optional(),
      first_name: z.string().optional(),
      class_name: z.string().optional(),
    }),
  ),
  earlier: z.int().meta({ description: 'pupils who went in on an earlier day and were never seen to go out' }),
  gates_away: z
    .array(
      z.strictObject({ reader: id, place: z.string(), condition, since: time.nullable(), queued: z.int().nullable() }),
    )
    .meta({ description: 'gates of the school that are not online: what went through them is not known yet' }),
});
export type InsideSchool = z.infer<typeof insideSchool>;

const risk = z.strictObject({ n: z.int(), kop: z.int(), unverified_n: z.int(), unverified_kop: z.int() });

const offlineSchool = z.strictObject({
  school: id,
  at: time,
  day: z.iso.date(),
  readers: z.array(
    z.strictObject({
      reader: id,
      place: z.string(),
      kinds: z.array(z.string()),
      condition,
      last_seen: time.nullable(),
      beat_at: time.nullable(),
      queued: z.int().nullable().meta({ description: 'taps that it has not sent yet, by its last BEAT' }),
      oldest: time.nullable().meta({ description: 'when the oldest of them was made' }),
      today: risk.meta({ description: 'what it sold offline; unverified: what the rules would have refused' }),
      yesterday: risk,
    }),
  ),
  away: z.int().meta({ description: 'readers that may hold taps which nobody has seen yet' }),
  today: risk,
  yesterday: risk,
});
export type OfflineSchool = z.infer<typeof offlineSchool>;

/** What is asked when it burns, and when the network is gone: answered from memory, without ClickHouse. */
export const liveRoutes = [
  route({
    name: 'live-inside',
    method: 'get',
    path: '/admin/v1/live/inside/{school}',
    summary: 'Who is inside a school now: went in today and has not come out',
    roles: ['operator'],
    parameters: z.strictObject({ school: idText }),
    query: z.strictObject({ names: z.enum(['true', 'false']).optional() }),
    response: insideSchool,
    schools: ({ parameters }) => [parameters.school],
    answer: async ({ parameters: { school }, query }, { service, calendar }) => {
      const at = service.now();
      const today = await calendar.dayOfSchool(school, at);
      const { pool, registry } = service;
      const shards = await Promise.all(pool.hosts.map((host) => host.call({ type: 'inside', schoolId: school })));
      const all = shards.flat();
      const inside = all.filter(({ schoolDay }) => schoolDay >= today);
      inside.sort((a, b) => a.classId - b.classId || a.pupilId - b.pupilId);
      const isNamed = query.names === 'true';
      const names = isNamed
        ? await namesOf(
            registry,
            inside.map(({ pupilId }) => pupilId),
          )
        : undefined;
      return {
        school,
        at: isoTime(at),
        day: dateOf(today),
        inside: inside.length,
        pupils: inside.map(({ pupilId, classId, sinceMs, isDoubtful }) => ({
          pupil: pupilId,
          class: classId,
          since: isoTime(sinceMs),
          doubtful_clock: isDoubtful,
          ...named(names?.get(pupilId)),
        })),
        earlier: all.length - inside.length,
        gates_away: readersOfSchool(service, school)
          .filter((reader) => (reader.kindsMask & gateKinds) !== 0 && reader.condition !== 'online')
          .map(({ readerId, place, condition, lastSeenMs, queuedTaps }) => {
            return { reader: readerId, place, condition, since: timeOf(lastSeenMs), queued: queuedTaps };
          }),
      };
    },
  }),
  route({
    name: 'live-offline',
    method: 'get',
    path: '/admin/v1/live/offline/{school}',
    summary: 'The readers of a school: which are away, what they hold, and what they sold without being able to ask',
    roles: ['finance', 'operator', 'viewer'],
    parameters: z.strictObject({ school: idText }),
    response: offlineSchool,
    schools: ({ parameters }) => [parameters.school],
    answer: async ({ parameters: { school } }, { service, calendar }) => {
      const at = service.now();
      const day = await calendar.dayOfSchool(school, at);
      const [today, yesterday] = await Promise.all([
        offlineRisk(service.pool, school, day),
        offlineRisk(service.pool, school, day - 1),
      ]);
      const readers = readersOfSchool(service, school);
      return {
        school,
        at: isoTime(at),
        day: dateOf(day),
        readers: readers.map((reader) => ({
          ...describe(reader),
          today: riskOf([today[reader.readerId]]),
          yesterday: riskOf([yesterday[reader.readerId]]),
        })),
        away: readers.filter(({ mayHoldTaps }) => mayHoldTaps).length,
        today: riskOf(Object.values(today)),
        yesterday: riskOf(Object.values(yesterday)),
      };
    },
  }),
];

const timeOf = (ms: number | null): string | null => (ms === null ? null : isoTime(ms));

function named(name: PupilName | undefined) {
  if (name === undefined) return {};
  return { last_name: name.lastName, first_name: name.firstName, class_name: name.className };
}

function describe({ readerId, place, kindsMask, condition, lastSeenMs, beatMs, queuedTaps, oldestMs }: LiveReader) {
  return {
    reader: readerId,
    place,
    kinds: kindsOf(kindsMask),
    condition,
    last_seen: timeOf(lastSeenMs),
    beat_at: timeOf(beatMs),
    queued: queuedTaps,
    oldest: timeOf(oldestMs),
  };
}

function riskOf(parts: readonly (OfflineTotal | undefined)[]): z.infer<typeof risk> {
  const sum = { n: 0, kop: 0, unverified_n: 0, unverified_kop: 0 };
  for (const part of parts) {
    if (part === undefined) continue;
    sum.n += part.n;
    sum.kop += part.kop;
    sum.unverified_n += part.forcedN;
    sum.unverified_kop += part.forcedKop;
  }
  return sum;
}
