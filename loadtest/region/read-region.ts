import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import type { OraclePupil, OraclePurse, Reservation } from '../oracle/model.ts';
import { rulesOf, type RulesFile, type SchoolRules } from '../oracle/rules.ts';
import type { PlannedCommand } from './commands.ts';
import type { PlannedTap, ReaderPlan } from './model.ts';
import type { TrueDay } from './truth.ts';

type Row = Readonly<Record<string, string>>;

export interface ReadSchool {
  readonly districtId: number;
  readonly timeZone: string;
  readonly rules: SchoolRules;
}

/** A region as its files tell it, and nothing else: what a judge of a service has to go by. */
export class ReadRegion {
  readonly directory: string;
  readonly schools: ReadonlyMap<number, ReadSchool>;
  readonly #byCard = new Map<string, OraclePupil>();

  constructor(directory: string) {
    this.directory = directory;
    const rules = JSON.parse(readFileSync(join(directory, 'rules.json'), 'utf8')) as RulesFile;
    const schools = this.#rows('schools').map((row): [number, ReadSchool] => {
      const [schoolId, districtId] = [Number(row['school_id']), Number(row['district_id'])];
      return [schoolId, { districtId, timeZone: row['tz'], rules: rulesOf(rules, districtId, schoolId) }];
    });
    this.schools = new Map(schools);
    for (const [uid, pupil] of this.#pupils()) this.#byCard.set(this.#cardKey(pupil.schoolId, uid), pupil);
  }

  /** The pupil who holds a card in the district of a reader's school; null for a stranger. */
  holder(schoolId: number, uid: string): OraclePupil | null {
    return this.#byCard.get(this.#cardKey(schoolId, uid)) ?? null;
  }

  plans(day: string): ReaderPlan[] {
    return this.#lines(join('plan', `${day}.ndjson`)) as ReaderPlan[];
  }

  truth(day: string): TrueDay[] {
    return this.#lines(join('truth', `${day}.ndjson`)) as TrueDay[];
  }

  #cardKey(schoolId: number, uid: string): string {
    return `${this.schools.get(schoolId)?.districtId} ${uid}`;
  }

  *#pupils(): Generator<[uid: string, pupil: OraclePupil]> {
    const classes = new Map(this.#rows('classes').map((row) => [row['class_id'], row]));
    const cards = new Map(this.#rows('cards').map((row) => [row['pupil_id'], row]));
    const purses = grouped(this.#rows('topups'));
    const lockers = grouped(this.#rows('lockers'));
    const commands = this.#commands();
    for (const row of this.#rows('pupils')) {
      const id = row['pupil_id'];
      const { card_uid: uid, status, expires } = cards.get(id)!;
      const own = commands.get(id) ?? [];
      const opening: Record<OraclePurse, number> = { meal: 0, buffet: 0, transport: 0 };
      for (const { purse, kop } of purses.get(id) ?? []) opening[purse as OraclePurse] += Number(kop);
      yield [
        uid,
        {
          pupilId: Number(id),
          schoolId: Number(classes.get(row['class_id'])!['school_id']),
          shift: Number(classes.get(row['class_id'])!['shift']),
          entitled: row['entitled'] === '1',
          active: !own.some((command) => valueOf(command, '--active') === 'no'),
          blocked: status === 'blocked',
          expires: expires === '' ? null : expires,
          purses: opening,
          limitsKop: limitsOf(own),
          forbidden: own.filter((command) => command.includes('--forbid')).map((one) => Number(valueOf(one, '--item'))),
          reservations: (lockers.get(id) ?? []).map(reservationOf),
        },
      ];
    }
  }

  #commands(): Map<string, (readonly string[])[]> {
    const byPupil = new Map<string, (readonly string[])[]>();
    for (const { args } of this.#lines('commands.ndjson') as PlannedCommand[]) {
      const id = valueOf(args, '--pupil') ?? '';
      byPupil.set(id, [...(byPupil.get(id) ?? []), args]);
    }
    return byPupil;
  }

  #rows(name: string): Row[] {
    const table: Row[] = parse<Row>(readFileSync(join(this.directory, `${name}.csv`)), { columns: true });
    return table;
  }

  #lines(name: string): unknown[] {
    const lines = readFileSync(join(this.directory, name), 'utf8').split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as unknown);
  }
}

function grouped(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const group = groups.get(row['pupil_id']);
    if (group) group.push(row);
    else groups.set(row['pupil_id'], [row]);
  }
  return groups;
}

function valueOf(args: readonly string[], option: string): string | undefined {
  const place = args.indexOf(option);
  return place < 0 ? undefined : args[place + 1];
}

function limitsOf(commands: readonly (readonly string[])[]): OraclePupil['limitsKop'] {
  const limits = commands.filter((args) => args.includes('--purse'));
  return Object.fromEntries(
    limits.map((args): [string, number | null] => {
      const kop = valueOf(args, '--kop');
      return [valueOf(args, '--purse') ?? '', kop === 'none' ? null : Number(kop)];
    }),
  );
}

function reservationOf(row: Row): Reservation {
  const { school_id: school, locker, from, to } = row;
  return { schoolId: Number(school), locker: Number(locker), fromMs: Date.parse(from), toMs: Date.parse(to) };
}

/** Where a planned tap stands: `DAY READER:n`. */
export function tapKey(day: string, readerId: number, n: number): string {
  return `${day} ${readerId}:${n}`;
}

/** All planned taps of a day by their key, with the school of their reader. */
export function plannedByKey(
  day: string,
  plans: readonly ReaderPlan[],
): Map<string, { schoolId: number; tap: PlannedTap }> {
  const entries = plans.flatMap(({ reader_id: readerId, school_id: schoolId, taps }) =>
    taps.map((tap, place) => [tapKey(day, readerId, place + 1), { schoolId, tap }] as const),
  );
  return new Map(entries);
}
