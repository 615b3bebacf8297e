import { groupBy, type WorldIndex } from './index-of-world.ts';
import type { StudentDay } from './student-days.ts';
import type { Fact } from './world.ts';

export interface TruthCheck {
  /** Pupils' days that are told as they were. */
  readonly equal: number;
  /** Pupils' days that are told otherwise, by why. */
  readonly excused: Readonly<Record<string, number>>;
  /** Those of which nobody knows why. */
  readonly unexplained: readonly string[];
}

/** Holds what is told of each pupil's day against where the pupil really was: they differ only where readers could not know. */
export function checkTruth(index: WorldIndex): TruthCheck {
  const { world } = index;
  let equal = 0;
  const excused: Record<string, number> = {};
  const unexplained: string[] = [];
  for (const day of world.playedDays) {
    const students = index.students({ schools: [...world.files.rosters.keys()], day, nowMs: 0 });
    const byPupil = new Map(students.map((one) => [one.pupil.pupilId, one]));
    const entries = groupBy(
      index.facts({ schools: [...world.files.rosters.keys()], day, nowMs: 0 }).filter(({ kind }) => kind <= 2),
      ({ pupilId }) => pupilId,
    );
    for (const { pupil_id: pupilId, presence } of world.files.truth(day)) {
      const told = pupilId === null || presence === null ? undefined : byPupil.get(pupilId);
      if (told === undefined || pupilId === null) continue;
      if (isTold(presence, told)) {
        equal++;
        continue;
      }
      const why = reasonOf(presence, told, entries.get(pupilId) ?? []);
      if (why === null) unexplained.push(`${day} pupil ${pupilId}: ${presence}, told ${told.status}`);
      else excused[why] = (excused[why] ?? 0) + 1;
    }
  }
  return { equal, excused, unexplained };
}

function isTold(presence: string | null, { status }: StudentDay): boolean {
  if (presence === 'absent') return status === 'no_tap_covered' || status === 'excused';
  return presence === status;
}

/** Why readers could not know better; null where they could. */
function reasonOf(presence: string | null, told: StudentDay, own: readonly Fact[]): string | null {
  const { status } = told;
  const isUnseen = status.startsWith('no_tap') || status === 'excused' || status === 'out_only';
  if (presence === 'absent') return status === 'no_tap_uncovered' ? 'gates not alive' : null;
  if (presence === 'without_card') return isUnseen ? 'no card' : null;
  const entries = own.filter(({ kind }) => kind === 1);
  if (isUnseen) return entries.some(({ wentThrough }) => !wentThrough) ? 'refused at the gate' : null;
  if (presence === 'late' && told.isExcused) return 'excused';
  if (entries.some(({ quality }) => quality === 'D')) return 'doubtful clock';
  if (entries.some(({ atMs, rawMs, quality }) => quality === 'A' && atMs === rawMs)) {
    const nearBell = entries.some(({ atMs }) => Math.abs(atMs - told.bellMs) <= 2 * clockWithinMs);
    if (nearBell) return 'clock within 2 s';
  }
  return entries.some(({ wentThrough }) => !wentThrough) ? 'refused at the gate' : deedsOf(entries);
}

/** A reader without connection lets through whom the rules would have refused. */
function deedsOf(entries: readonly Fact[]): string | null {
  return entries.some(({ readerFlags }) => (readerFlags & 3) !== 0) ? 'decided offline' : null;
}

const clockWithinMs = 2_000;
