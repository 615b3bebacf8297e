import { kindNames } from '../../ingest/protocol/codes.ts';
import { type AnswerRow, type Asked, timeOf, type WorldIndex } from './index-of-world.ts';
import { isExpected } from './oracle-attendance.ts';
import type { StudentDay } from './student-days.ts';
import type { Fact } from './world.ts';

const minuteMs = 60_000;

function whoOf({ schoolId, pupil }: StudentDay) {
  return { school_id: schoolId, class_id: pupil.classId, pupil_id: pupil.pupilId };
}

export function notArrived(index: WorldIndex, asked: Asked): AnswerRow[] {
  const missing = index.students(asked).filter((one) => {
    return isExpected(one) && one.firstInMs === null && !one.isExcused && one.bellMs <= asked.nowMs;
  });
  return missing.map((one) => ({
    ...whoOf(one),
    bell_at: timeOf(one.bellMs),
    minutes_past_bell: Math.floor((Math.min(asked.nowMs, one.endMs) - one.bellMs) / minuteMs),
    is_covered: one.status === 'no_tap_covered',
    status: one.status,
  }));
}

export function noExit(index: WorldIndex, asked: Asked): AnswerRow[] {
  const open = index.students(asked).filter((one) => one.noExit);
  return open.map((one) => ({ ...whoOf(one), first_in_at: timeOf(one.firstInMs), end_at: timeOf(one.endMs) }));
}

export function earlyLeavers(index: WorldIndex, asked: Asked): AnswerRow[] {
  const early = index.students(asked).filter((one) => one.leftEarly);
  return early.map((one) => ({
    ...whoOf(one),
    left_at: timeOf(one.lastOutMs),
    end_at: timeOf(one.endMs),
    minutes_early: Math.floor((one.endMs - one.lastOutMs!) / minuteMs),
  }));
}

export function pupilDays(index: WorldIndex, asked: Asked): AnswerRow[] {
  const own = index.students(asked).filter(({ pupil }) => pupil.pupilId === asked.pupil);
  return own.map((one) => ({
    school_day: one.day,
    school_id: one.schoolId,
    class_id: one.pupil.classId,
    status: one.status,
    first_in_at: timeOf(one.firstInMs),
    last_out_at: timeOf(one.lastOutMs),
    bell_at: timeOf(one.bellMs),
    end_at: timeOf(one.endMs),
    late_minutes: one.lateMinutes,
    minutes_inside: one.minutesInside,
    left_early: one.leftEarly,
    no_exit: one.noExit,
    manual: one.manual,
    clock_doubt: one.clockDoubt,
  }));
}

export function pupilTimeline(index: WorldIndex, asked: Asked): AnswerRow[] {
  const own = index.facts(asked).filter(({ pupilId }) => pupilId === asked.pupil);
  return own.map((fact) => ({
    at: timeOf(fact.atMs),
    at_raw: timeOf(fact.rawMs),
    received_at: timeOf(fact.receivedMs),
    school_day: fact.day,
    school_id: fact.schoolId,
    reader_id: fact.readerId,
    kind: kindNames[fact.kind - 1],
    code: fact.code,
    amount_kop: fact.priceKop,
    debited_kop: fact.debitedKop,
    item_id: (fact.kind === 3 || fact.kind === 4) && fact.ref !== 0 ? fact.ref : null,
    clock_quality: fact.quality,
    boot_epoch: fact.epoch,
    seq: fact.seq,
  }));
}

/** Whose newest passage, by its own time, is an entry of today. */
export function insideNow(index: WorldIndex, asked: Asked): AnswerRow[] {
  const newest = new Map<number, Fact>();
  for (const fact of index.world.facts) {
    if (fact.kind > 2 || fact.pupilId === 0 || !fact.wentThrough) continue;
    const before = newest.get(fact.pupilId);
    if (before === undefined || fact.atMs >= before.atMs) newest.set(fact.pupilId, fact);
  }
  const { files, playedDays } = index.world;
  const today = playedDays[playedDays.length - 1];
  const inside = [...newest.values()].filter(({ kind, day, schoolId }) => {
    return kind === 1 && day === today && asked.schools.includes(schoolId);
  });
  return inside
    .map(({ schoolId, pupilId, atMs }) => {
      const { classId } = files.classOfPupil.get(pupilId)!;
      return { school_id: schoolId, class_id: classId, pupil_id: pupilId, since_at: timeOf(atMs) };
    })
    .filter((row) => asked.class === undefined || row.class_id === asked.class);
}
