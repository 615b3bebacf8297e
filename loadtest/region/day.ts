import { join } from 'node:path';
import type { Oracle } from '../oracle/oracle.ts';
import { absenceShare } from './calendar.ts';
import { defaults } from './defaults.ts';
import { closeAll, LineFile, writeJson } from './files.ts';
import type { School } from './model.ts';
import { dayOfPupil, type PupilDay } from './pupil-day.ts';
import { tapsOfDay } from './queues.ts';
import { Random } from './random.ts';
import { addToTotals, emptyTotals } from './totals.ts';
import { decideDay, numbered, passerBy, readerPlans, trueDayOf, type DecidedTap, type TrueTap } from './truth.ts';
import { dayMinuteToUtcMs } from './zones.ts';

/** The plan and the truth of one day, written school by school. */
export class DayWriter {
  readonly #plan: LineFile;
  readonly #truth: LineFile;
  readonly #totals: ReturnType<typeof emptyTotals>;
  readonly #day: string;
  readonly #directory: string;
  /** Visits from the school before: decided by its oracle, tapped at this one's gate. */
  #visits: readonly DecidedTap[] = [];

  constructor(directory: string, day: string) {
    this.#directory = directory;
    this.#day = day;
    this.#plan = new LineFile(join(directory, 'plan', `${day}.ndjson`));
    this.#truth = new LineFile(join(directory, 'truth', `${day}.ndjson`));
    this.#totals = emptyTotals(day);
  }

  /**
   * Plans and decides the day of the next school. `oracle` knows what the days before left behind. Gives the ids of the
   * pupils who are excused.
   */
  write(school: School, oracle: Oracle, seed: number): number[] {
    const random = new Random(seed, 'day', this.#day, school.schoolId);
    const absence = absenceShare(this.#day);
    const pupilDays = school.pupilList.map((pupil) => dayOfPupil(random, school, pupil, absence));
    const wishes = pupilDays.flatMap((pupilDay) => pupilDay.wishes);
    const made = decideDay(tapsOfDay(random, school, this.#day, wishes), school.timeZone, school, oracle);
    const isHere = ({ tap }: DecidedTap): boolean => tap.schoolId === school.schoolId;
    const decided = [...made.filter(isHere), ...this.#visits].sort(byTime);
    this.#visits = made.filter((one) => !isHere(one));
    const plans = readerPlans(
      school,
      decided.map(({ tap }) => tap),
    );
    for (const plan of plans) this.#plan.json(plan);
    const excused = excusedPupils(new Random(seed, 'excuses', this.#day, school.schoolId), school, pupilDays);
    this.#tell(school, decided, (own) => {
      const midnightMs = dayMinuteToUtcMs(this.#day, 0, school.timeZone);
      return school.pupilList.map((pupil, place) =>
        trueDayOf(school, pupil, pupilDays[place], {
          taps: own.get(pupil.pupilId) ?? [],
          midnightMs,
          oracle,
          excused: excused.has(pupil.pupilId),
        }),
      );
    });
    return [...excused];
  }

  /** Gives the number of taps. */
  close(): number {
    closeAll([this.#plan, this.#truth]);
    writeJson(join(this.#directory, 'truth', `${this.#day}.totals.json`), this.#totals);
    return this.#totals.taps;
  }

  /** Writes the truth: of the school's own pupils, then of whoever else came by. */
  #tell(
    school: School,
    decided: readonly DecidedTap[],
    ownDays: (own: ReadonlyMap<number, TrueTap[]>) => readonly ReturnType<typeof trueDayOf>[],
  ): void {
    const isOwn = new Set(school.pupilList.map(({ pupilId }) => pupilId));
    const byPupil = new Map<number, TrueTap[]>();
    const passersBy: ReturnType<typeof passerBy>[] = [];
    numbered(decided).forEach((truth, place) => {
      const { tap } = decided[place];
      const id = tap.pupil?.pupilId;
      if (id === undefined || !isOwn.has(id)) passersBy.push(passerBy(school, tap, truth));
      else byPupil.set(id, [...(byPupil.get(id) ?? []), truth]);
    });
    for (const truth of [...ownDays(byPupil), ...passersBy]) {
      this.#truth.json(truth);
      addToTotals(this.#totals, truth);
    }
  }
}

/** Drawn by themselves, so that they change nothing else of the day. */
function excusedPupils(random: Random, school: School, pupilDays: readonly PupilDay[]): Set<number> {
  const { absenceExcused, presenceExcused } = defaults;
  const shareOf = ({ presence }: PupilDay): number => (presence === 'absent' ? absenceExcused : presenceExcused);
  const excused = school.pupilList.filter((_, place) => random.chance(shareOf(pupilDays[place])));
  return new Set(excused.map(({ pupilId }) => pupilId));
}

function byTime({ tap: a }: DecidedTap, { tap: b }: DecidedTap): number {
  return a.atMs - b.atMs || a.readerId - b.readerId;
}
