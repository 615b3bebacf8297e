import { join } from 'node:path';
import { absenceShare } from './calendar.ts';
import { closeAll, LineFile, openImportFiles, writeJson, type ImportFiles } from './files.ts';
import { deterministicKey } from './keys.ts';
import { layOut } from './layout.ts';
import type { PlannedPurse, RegionOptions, School } from './model.ts';
import { districtName } from './names.ts';
import { SchoolOracle } from './oracle.ts';
import { dayOfPupil } from './pupil-day.ts';
import { tapsOfDay } from './queues.ts';
import { Random } from './random.ts';
import { buildSchool, kindsOf } from './school.ts';
import { addToTotals, decideDay, emptyTotals, readerPlans, strangersOf, trueDayOf, type TrueTap } from './truth.ts';
import { dayMinuteToUtcMs } from './zones.ts';

/** `region.json`: what the directory holds. */
export interface RegionSummary {
  readonly seed: number;
  readonly size: string;
  readonly days: readonly string[];
  /** The zone in which times of day on the command line are meant. */
  readonly tz: string;
  readonly districts: number;
  readonly schools: number;
  readonly classes: number;
  readonly pupils: number;
  readonly readers: number;
  readonly taps: number;
}

/** The files of one day. */
class DayFiles {
  readonly plan: LineFile;
  readonly truth: LineFile;
  readonly totals: ReturnType<typeof emptyTotals>;
  readonly day: string;

  constructor(directory: string, day: string) {
    this.day = day;
    this.plan = new LineFile(join(directory, 'plan', `${day}.ndjson`));
    this.truth = new LineFile(join(directory, 'truth', `${day}.ndjson`));
    this.totals = emptyTotals(day);
  }

  close(directory: string): number {
    closeAll([this.plan, this.truth]);
    writeJson(join(directory, 'truth', `${this.day}.totals.json`), this.totals);
    return this.totals.taps;
  }
}

/** Writes a region: the same options give the same bytes. One school is in memory at a time. */
export function generateRegion(
  options: RegionOptions,
  directory: string,
  progress: (line: string) => void = () => undefined,
): RegionSummary {
  const plans = layOut(options);
  const files = openImportFiles(directory);
  const bells = new LineFile(join(directory, 'bells.csv'));
  bells.row('school_id', 'shift', 'first_bell');
  const days = options.days.map((day) => new DayFiles(directory, day));
  const keys: unknown[] = [];
  const counts = { districts: 0, classes: 0, pupils: 0, readers: 0 };
  let uids = new Set<string>();
  for (const plan of plans) {
    if (plan.districtId > counts.districts) {
      counts.districts = plan.districtId;
      uids = new Set();
      files.districts.row(plan.districtId, districtName(plan.districtId - 1));
    }
    const school = buildSchool(plan, options, uids);
    writeSchool(files, bells, school);
    keys.push(...writeReaders(files, school, options.seed));
    writeDays(days, school, options.seed);
    counts.classes += school.classes.length;
    counts.pupils += school.pupilList.length;
    counts.readers += school.readers.length;
    progress(`school ${plan.schoolId} of ${plans.length}`);
  }
  closeAll([...Object.values(files), bells]);
  const taps = days.reduce((sum, day) => sum + day.close(directory), 0);
  writeJson(join(directory, 'reader-keys.json'), keys);
  const { seed, size } = options;
  const summary = { seed, size, days: options.days, tz: plans[0].timeZone, schools: plans.length, ...counts, taps };
  writeJson(join(directory, 'region.json'), summary);
  return summary;
}

function writeSchool(files: ImportFiles, bells: LineFile, school: School): void {
  files.schools.row(school.schoolId, school.districtId, school.name, school.timeZone);
  for (const shift of [1, 2] as const) {
    const minute = school.bells[shift];
    const text = `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
    if (school.classes.some((schoolClass) => schoolClass.shift === shift)) bells.row(school.schoolId, shift, text);
  }
  for (const { classId, name, shift } of school.classes) files.classes.row(classId, school.schoolId, name, shift);
  for (const pupil of school.pupilList) {
    const { pupilId, schoolClass, lastName, firstName, entitled, uid, blocked, purses } = pupil;
    files.pupils.row(pupilId, schoolClass.classId, lastName, firstName, entitled ? 1 : 0);
    files.cards.row(uid, pupilId, blocked ? 'blocked' : 'active', '');
    for (const [purse, kop] of Object.entries(purses) as [PlannedPurse, number][]) {
      if (kop > 0) files.topups.row(pupilId, purse, kop, `opening-${pupilId}-${purse}`);
    }
  }
}

/** Writes the public halves and gives the private ones back. */
function writeReaders(files: ImportFiles, school: School, seed: number): unknown[] {
  return school.readers.map(({ readerId, role, place }) => {
    const { publicKey, privateKey } = deterministicKey(readerId, 'region', seed);
    files.readers.row(readerId, school.schoolId, place, kindsOf(role), publicKey);
    return { reader_id: readerId, private_key: privateKey, public_key: publicKey };
  });
}

function writeDays(days: readonly DayFiles[], school: School, seed: number): void {
  const oracle = new SchoolOracle(school);
  for (const files of days) writeDay(files, school, oracle, seed);
}

function writeDay(files: DayFiles, school: School, oracle: SchoolOracle, seed: number): void {
  const random = new Random(seed, 'day', files.day, school.schoolId);
  const absence = absenceShare(files.day);
  const pupilDays = school.pupilList.map((pupil) => dayOfPupil(random, school, pupil, absence));
  const wishes = pupilDays.flatMap((pupilDay) => pupilDay.wishes);
  const taps = tapsOfDay(random, school, files.day, wishes);
  const decided = decideDay(taps, oracle);
  const byPupil = new Map<number, TrueTap[]>();
  taps.forEach(({ pupil }, place) => {
    if (pupil === null) return;
    const own = byPupil.get(pupil.pupilId);
    if (own) own.push(decided[place]);
    else byPupil.set(pupil.pupilId, [decided[place]]);
  });
  for (const plan of readerPlans(school, taps)) files.plan.json(plan);
  const midnightMs = dayMinuteToUtcMs(files.day, 0, school.timeZone);
  const truths = school.pupilList.map((pupil, place) =>
    trueDayOf(school, pupil, pupilDays[place], { taps: byPupil.get(pupil.pupilId) ?? [], midnightMs, oracle }),
  );
  for (const truth of [...truths, ...strangersOf(school, taps, decided)]) {
    files.truth.json(truth);
    addToTotals(files.totals, truth);
  }
}
