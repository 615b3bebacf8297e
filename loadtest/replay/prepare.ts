import { join } from 'node:path';
import { Kind } from '../../ingest/protocol/codes.ts';
import { closeAll, openImportFiles, writeJson, type ImportFiles } from '../region/files.ts';
import { deterministicKey, type ReaderKey } from '../region/keys.ts';
import type { PlannedTap } from '../region/model.ts';
import { gateZone, tillZone, type GateTap, type Student, type TillTap } from './files.ts';

export interface ReplayData {
  readonly students: readonly Student[];
  readonly gate: readonly GateTap[];
  readonly till: readonly TillTap[];
}

/** A reader of the replay and all it will send, in the order of its file. */
export interface ReplayReader {
  readonly key: ReaderKey;
  readonly place: string;
  readonly schoolId: number;
  readonly kinds: string;
  readonly taps: readonly PlannedTap[];
  /** Place in the file of each tap: several share a minute, and the file has their order. */
  readonly places: readonly number[];
}

/** A UID that several pupils hold. */
export interface Collision {
  readonly uid: string;
  readonly pupils: readonly number[];
}

/** Far from the ids of any region: a replay must not rename a school or take over a reader that is really there. */
const idsFrom = 4_000_000_000;
const gateSchool = idsFrom + 1;
const tillSchool = idsFrom + 2;
const tillClass = idsFrom + 1_000;
const tillPupilFirst = idsFrom + 900_001;
const firstReader = idsFrom + 1;

/** One reader per door and direction, one per till; ids follow the names, so that they do not depend on file order. */
export function replayReaders({ gate, till }: ReplayData): ReplayReader[] {
  const gates = grouped(gate, (tap) => `${tap.door} ${tap.direction}`);
  const tills = grouped(till, (tap) => String(tap.till));
  const gateReaders = [...gates].map(([place, taps]) => ({
    place,
    schoolId: gateSchool,
    kinds: taps[0].direction === 'in' ? 'gate-in' : 'gate-out',
    taps: taps.map(({ atMs, uid, direction }): PlannedTap => {
      return [atMs, uid, direction === 'in' ? Kind.gateIn : Kind.gateOut, 0, 0];
    }),
    places: taps.map((tap) => tap.place),
  }));
  const tillReaders = [...tills].map(([place, taps]) => ({
    place: `till ${place}`,
    schoolId: tillSchool,
    kinds: 'buffet',
    taps: taps.map((tap): PlannedTap => [tap.atMs, tap.uid, Kind.buffet, tap.amountKop, tap.till]),
    places: taps.map((tap) => tap.place),
  }));
  return [...gateReaders, ...tillReaders].map((reader, place) => ({
    ...reader,
    key: deterministicKey(firstReader + place, 'replay'),
  }));
}

function grouped<T>(items: readonly T[], nameOf: (item: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = nameOf(item);
    const group = groups.get(name);
    if (group) group.push(item);
    else groups.set(name, [item]);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1));
}

export function collisions(students: readonly Student[]): Collision[] {
  return grouped(students, (student) => student.uid)
    .filter(([, holders]) => holders.length > 1)
    .map(([uid, holders]) => ({ uid, pupils: holders.map((student) => student.studentNo) }));
}

/** Writes an import directory for the real taps. Whoever is on no roster at the gates stays unknown. */
export function writeReplayRegion(data: ReplayData, readers: readonly ReplayReader[], out: string, kop: number): void {
  const files = openImportFiles(out);
  files.districts.row(gateSchool, 'Campus of the gates');
  files.districts.row(tillSchool, 'Campus of the tills');
  files.schools.row(gateSchool, gateSchool, 'Campus of the gates', gateZone);
  files.schools.row(tillSchool, tillSchool, 'Campus of the tills', tillZone);
  writeStudents(files, data.students);
  writeTillPupils(files, data.till, kop);
  for (const { key, schoolId, place, kinds } of readers) {
    files.readers.row(key.readerId, schoolId, place, kinds, key.publicKey);
  }
  closeAll(Object.values(files));
  const keys = readers.map(({ key }) => ({ reader_id: key.readerId, private_key: key.privateKey }));
  writeJson(join(out, 'reader-keys.json'), keys);
}

function writeStudents(files: ImportFiles, students: readonly Student[]): void {
  const classes = [...new Set(students.map((student) => student.classNo))].sort((a, b) => a - b);
  for (const classNo of classes) files.classes.row(idsFrom + classNo, gateSchool, `Class ${classNo}`, 1);
  for (const { studentNo, classNo, uid } of students) {
    files.pupils.row(idsFrom + studentNo, idsFrom + classNo, 'Student', String(studentNo), 0);
    files.cards.row(uid, idsFrom + studentNo, 'active', '');
  }
}

/** The pupils who are made up for the holders of the tills' cards. */
export function tillPupils(till: readonly TillTap[]): Map<string, number> {
  const uids = [...new Set(till.map((tap) => tap.uid))].sort();
  return new Map(uids.map((uid, place) => [uid, tillPupilFirst + place]));
}

function writeTillPupils(files: ImportFiles, till: readonly TillTap[], kop: number): void {
  files.classes.row(tillClass, tillSchool, 'Guests', 1);
  tillPupils(till).forEach((pupilId, uid) => {
    files.pupils.row(pupilId, tillClass, 'Guest', String(pupilId - tillPupilFirst + 1), 0);
    files.cards.row(uid, pupilId, 'active', '');
    if (kop > 0) files.topups.row(pupilId, 'buffet', kop, `replay-${pupilId}`);
  });
}
