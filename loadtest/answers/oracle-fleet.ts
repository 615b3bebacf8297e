import { kindNames } from '../../ingest/protocol/codes.ts';
import { flag } from '../oracle/model.ts';
import { type AnswerRow, type Asked, count, groupBy, sum, timeOf, type WorldIndex } from './index-of-world.ts';
import { coverageOf } from './oracle-attendance.ts';
import { type Fact, isLate, isRefusal } from './world.ts';

const minuteMs = 60_000;
const onlineWithinMs = 90_000;
const silentAfterMs = 10 * minuteMs;

export function coverage(index: WorldIndex, asked: Asked): AnswerRow[] {
  return index.schoolDays(asked).map((one) => ({
    school_id: one.schoolId,
    school_day: one.day,
    readers: one.coverage.readers,
    alive_minutes: Math.floor(one.coverage.aliveMs / minuteMs),
    due_minutes: Math.floor(one.coverage.dueMs / minuteMs),
    coverage: coverageOf([one]),
  }));
}

/** Nobody of a played region waits for anything in the evening. */
export function fleetHealth(index: WorldIndex, asked: Asked): AnswerRow[] {
  const { files, signs } = index.world;
  const newest = new Map<number, { atMs: number; driftMs: number }>();
  for (const { reader, at_ms: atMs, drift_ms: driftMs } of signs) {
    if (atMs >= (newest.get(reader)?.atMs ?? -Infinity)) newest.set(reader, { atMs, driftMs });
  }
  const { nowMs } = asked;
  const own = files.readers.filter(({ schoolId }) => asked.schools.includes(schoolId));
  return own.map(({ readerId, schoolId, place }) => {
    const seen = newest.get(readerId);
    const unseenMs = nowMs - (seen?.atMs ?? 0);
    const state = unseenMs < onlineWithinMs ? 'online' : unseenMs > silentAfterMs ? 'silent' : 'late';
    return {
      ...{ reader_id: readerId, school_id: schoolId, place, state: seen === undefined ? 'never_seen' : state },
      last_seen: timeOf(seen?.atMs ?? null),
      // As little as a negative nothing is a number of its own.
      drift_ms: seen === undefined ? null : 0 - seen.driftMs,
      gaps: seen === undefined ? null : 0,
    };
  });
}

export function readerTimeline(index: WorldIndex, asked: Asked): AnswerRow[] {
  const { files, signs } = index.world;
  const { schoolId } = files.readers.find(({ readerId }) => readerId === asked.reader)!;
  const { timeZone } = files.schools.get(schoolId)!;
  const [fromMs, toMs] = [0, 1_440].map((minute) => files.instantMs(asked.day!, minute, timeZone));
  const minutes = new Map<number, { taps: number; driftMs: number | null }>();
  const at = (ms: number): { taps: number; driftMs: number | null } => {
    const minute = Math.floor(ms / minuteMs) * minuteMs;
    let found = minutes.get(minute);
    if (found === undefined) minutes.set(minute, (found = { taps: 0, driftMs: null }));
    return found;
  };
  for (const { reader, at_ms: atMs, drift_ms: driftMs } of signs) {
    if (reader === asked.reader && atMs >= fromMs && atMs < toMs) at(atMs).driftMs = 0 - driftMs;
  }
  const own = index.facts({ ...asked, schools: [schoolId] }).filter(({ readerId }) => readerId === asked.reader);
  for (const { atMs } of own) at(atMs).taps++;
  return [...minutes].map(([minute, { taps, driftMs }]) => {
    return {
      minute_at: timeOf(minute),
      taps,
      drift_ms: driftMs,
      gaps: driftMs === null ? null : 0,
      school_id: schoolId,
    };
  });
}

const edgesSeconds = [0, 1, 5, 30, 60, 300, 900, 3_600, 21_600, 86_400];

export function lateArrivals(index: WorldIndex, asked: Asked): AnswerRow[] {
  const lags = index.facts(asked).map(({ receivedMs, atMs }) => (receivedMs - atMs) / 1000);
  return edgesSeconds.map((from, place) => {
    const to = edgesSeconds.at(place + 1) ?? null;
    const isOfStep = (lag: number): boolean => (place === 0 || lag >= from) && (to === null || lag < to);
    return { lag_from_s: from, lag_to_s: place + 1 === edgesSeconds.length ? null : to, n: count(lags, isOfStep) };
  });
}

/** By the minutes in which taps came in, of days of the first school's zone. */
export function tapRate(index: WorldIndex, asked: Asked): AnswerRow[] {
  const { files, facts } = index.world;
  const { timeZone } = files.schools.get(asked.schools[0])!;
  const fromMs = files.instantMs(asked.from!, 0, timeZone);
  const toMs = files.instantMs(asked.to!, 1_440, timeZone);
  const days = Math.round((Date.parse(asked.to!) - Date.parse(asked.from!)) / 86_400_000);
  const minutes = days < 2 ? 1 : days < 28 ? 15 : 120;
  const stepMs = minutes * minuteMs;
  const came = facts.filter(({ schoolId, receivedMs }) => {
    return receivedMs >= fromMs && receivedMs < toMs && asked.schools.includes(schoolId);
  });
  const groups = groupBy(came, ({ receivedMs, kind }) => `${Math.floor(receivedMs / stepMs)} ${kind}`);
  return [...groups].map(([key, own]) => {
    const [step, kind] = key.split(' ').map(Number);
    return { minute_at: timeOf(step * stepMs), kind: kindNames[kind - 1], ...rates(own), minutes };
  });
}

function rates(own: readonly Fact[]) {
  const isOffline = ({ readerFlags }: Fact): boolean => (readerFlags & (flag.letThrough | flag.refused)) !== 0;
  return { n: own.length, refused: count(own, isRefusal), offline: count(own, isOffline), late: count(own, isLate) };
}

/** Passages of known cards through each gate. */
export function gateFlow(index: WorldIndex, asked: Asked): AnswerRow[] {
  const taps = index.facts(asked).filter(({ kind, code, readerId }) => {
    return kind <= 2 && code !== 71 && (asked.reader === undefined || asked.reader === readerId);
  });
  return [...groupBy(taps, ({ day, readerId }) => `${day} ${readerId}`)].map(([key, own]) => {
    const [day, reader] = key.split(' ');
    const passed = own.filter(({ pupilId, wentThrough }) => pupilId !== 0 && wentThrough);
    const [entries, exits] = [1, 2].map((direction) => count(passed, ({ kind }) => kind === direction));
    return {
      ...{ school_day: day, reader_id: Number(reader), school_id: own[0].schoolId, entries, exits },
      inside_change: entries - exits,
      strangers: count(own, ({ pupilId }) => pupilId === 0),
      pupils_least: Math.min(11, new Set(passed.map(({ pupilId }) => pupilId)).size),
    };
  });
}

/** What must be published of each open school day in the end; a closed one without sales changes nothing. */
export function published(index: WorldIndex, asked: Asked): AnswerRow[] {
  const open = index.schoolDays(asked).filter(({ isClosed }) => !isClosed);
  return open.map((one) => {
    const own = { schools: [one.schoolId], day: one.day, nowMs: asked.nowMs };
    const students = one.students.filter(({ status }) => status !== 'excused' && status !== 'closed');
    return {
      ...{ school_day: one.day, school_id: one.schoolId, after_expected: students.length },
      after_arrived: count(students, ({ status }) => status === 'on_time' || status === 'late'),
      after_late: count(students, ({ status }) => status === 'late'),
      after_spend_kop: sum(index.movements(own), ({ sign, kop }) => sign * kop),
    };
  });
}

/** Sales and rides of a school's day, served or refused, in three accounts that agree, and the money that they moved. */
export function reconciled(index: WorldIndex, asked: Asked): AnswerRow[] {
  const sales = index.facts(asked).filter(({ kind, code, wentThrough }) => {
    return (kind === 3 || kind === 4 || kind === 7) && code !== 71 && (wentThrough || code >= 40);
  });
  return [...groupBy(sales, ({ day, schoolId }) => `${day} ${schoolId}`)].map(([key, own]) => {
    const [day, school] = key.split(' ');
    const n = { journal_n: own.length, ledger_n: own.length, clickhouse_n: own.length };
    const kop = sum(
      index.movements({ ...asked, from: day, to: day, schools: [Number(school)] }),
      (one) => one.sign * one.kop,
    );
    const kops = { journal_kop: kop, ledger_kop: kop, clickhouse_kop: kop };
    return { school_day: day, school_id: Number(school), ...n, ...kops, difference_n: 0, difference_kop: 0 };
  });
}
