import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { ReadRegion } from '../region/read-region.ts';
import { dayMinuteToUtcMs } from '../region/zones.ts';

type Row = Readonly<Record<string, string>>;
const minuteMs = 60_000;
/** How long after the bell gates are watched. */
const watchedMs = 30 * minuteMs;

export interface Bells {
  readonly doors: number;
  readonly first: number;
  readonly last: number;
}

/** Instants of one shift's day. */
export interface ShiftDay {
  readonly doorsMs: number;
  readonly bellMs: number;
  readonly endMs: number;
}

/** A pupil as the import files have it. */
export interface RosterPupil {
  readonly pupilId: number;
  readonly classId: number;
  readonly schoolId: number;
  readonly shift: number;
  readonly entitled: boolean;
}

export interface ReaderFile {
  readonly readerId: number;
  readonly schoolId: number;
  readonly place: string;
  readonly kinds: readonly string[];
}

/** What an import directory says of schools' days, beside what the rules' oracle needs. */
export class RegionFiles extends ReadRegion {
  /** By school and shift. */
  readonly bells = new Map<string, Bells>();
  /** Pupils who are at school, by school. */
  readonly rosters = new Map<number, RosterPupil[]>();
  readonly classOfPupil = new Map<number, RosterPupil>();
  readonly readers: readonly ReaderFile[];
  readonly #excused = new Set<string>();
  readonly #closed = new Set<string>();

  constructor(directory: string) {
    super(directory);
    for (const row of this.#csv('bells')) {
      const [doors, first, last] = [row['doors'], row['first'], row['last']].map(minutesOf);
      this.bells.set(`${row['school_id']} ${row['shift']}`, { doors, first, last });
    }
    for (const row of this.#csv('absences')) this.#excused.add(`${row['pupil_id']} ${row['from']}`);
    for (const row of this.#csv('calendar')) this.#closed.add(`${row['district_id']} ${row['from']}`);
    this.readers = this.#csv('readers').map((row) => ({
      readerId: Number(row['reader_id']),
      schoolId: Number(row['school_id']),
      place: row['place'],
      kinds: row['kinds'].split(' '),
    }));
    this.#readRosters();
  }

  instantMs(day: string, minute: number, timeZone: string): number {
    return dayMinuteToUtcMs(day, minute, timeZone);
  }

  isExcused(pupilId: number, day: string): boolean {
    return this.#excused.has(`${pupilId} ${day}`);
  }

  /** Saturdays, Sundays and what the calendar names. */
  isClosed(schoolId: number, day: string): boolean {
    const weekday = new Date(`${day}T00:00:00Z`).getUTCDay();
    return weekday === 0 || weekday === 6 || this.#closed.has(`${this.schools.get(schoolId)!.districtId} ${day}`);
  }

  /** Shifts without a line have the hours that the import's page names. */
  shiftDay(schoolId: number, shift: number, day: string): ShiftDay {
    const usual: Bells = shift === 1 ? { doors: 420, first: 510, last: 840 } : { doors: 810, first: 840, last: 1_170 };
    const { doors, first, last } = this.bells.get(`${schoolId} ${shift}`) ?? usual;
    const { timeZone } = this.schools.get(schoolId)!;
    const at = (minute: number): number => this.instantMs(day, minute, timeZone);
    return { doorsMs: at(doors), bellMs: at(first), endMs: at(last) };
  }

  firstDoorsMs(day: string): number {
    return Math.min(...[...this.bells.keys()].map((key) => this.#shiftOf(key, day).doorsMs));
  }

  /** For each shift, when the last school's gates are not watched any more. */
  lastWatchedMs(day: string): number[] {
    const ends = new Map<string, number>();
    for (const key of this.bells.keys()) {
      const shift = key.split(' ')[1];
      ends.set(shift, Math.max(ends.get(shift) ?? 0, this.#shiftOf(key, day).bellMs + watchedMs));
    }
    return [...ends.values()].sort((a, b) => a - b);
  }

  #shiftOf(key: string, day: string): ShiftDay {
    const [schoolId, shift] = key.split(' ').map(Number);
    return this.shiftDay(schoolId, shift, day);
  }

  #readRosters(): void {
    const left = new Set<number>();
    const commands = readFileSync(join(this.directory, 'commands.ndjson'), 'utf8').split('\n');
    for (const line of commands.filter((text) => text !== '')) {
      const { args } = JSON.parse(line) as { args: string[] };
      if (args[args.indexOf('--active') + 1] === 'no') left.add(Number(args[args.indexOf('--pupil') + 1]));
    }
    const classes = new Map(this.#csv('classes').map((row) => [row['class_id'], row]));
    for (const row of this.#csv('pupils')) {
      const of = classes.get(row['class_id'])!;
      const [pupilId, classId, schoolId] = [row['pupil_id'], row['class_id'], of['school_id']].map(Number);
      const pupil = { pupilId, classId, schoolId, shift: Number(of['shift']), entitled: row['entitled'] === '1' };
      this.classOfPupil.set(pupilId, pupil);
      if (left.has(pupilId)) continue;
      const roster = this.rosters.get(schoolId);
      if (roster === undefined) this.rosters.set(schoolId, [pupil]);
      else roster.push(pupil);
    }
  }

  #csv(name: string): Row[] {
    const table: Row[] = parse<Row>(readFileSync(join(this.directory, `${name}.csv`)), { columns: true });
    return table;
  }
}

function minutesOf(text: string): number {
  const [hours, minutes] = text.split(':').map(Number);
  return hours * 60 + minutes;
}
