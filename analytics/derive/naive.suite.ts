/** What is derived of plain rows, computed anew in the plainest way: nothing is shared with the SQL. */

export interface TapRow {
  shard: number;
  position: number;
  atMs: number;
  schoolId: number;
  schoolDay: number;
  pupilId: number;
  classId: number;
  kind: number;
  code: number;
  readerFlags: number;
  flags: number;
  quality: 'A' | 'B' | 'D';
  localMinute: number;
  ref: number;
  amountKop: number;
  basis: number;
}

export interface TransferRow {
  transferId: number;
  shard: number;
  causePosition: number;
  schoolId: number;
  schoolDay: number;
  pupilId: number;
  cause: number;
  purse: number;
  kop: number;
  reverses: number;
  toCarrier: boolean;
}

export interface RosterRow {
  schoolId: number;
  schoolDay: number;
  pupilId: number;
  classId: number;
  shift: number;
  doorsMs: number;
  bellMs: number;
  endMs: number;
  entitled: number;
  excused: number;
  revision: number;
}

export interface World {
  taps: TapRow[];
  transfers: TransferRow[];
  roster: RosterRow[];
  /** `school:day` of closed days. */
  closed: Set<string>;
  /** Beats of a school's gates by reader; a reader without beats has an empty list. */
  gates: { schoolId: number; readerId: number; beatsMs: number[] }[];
}

const minuteMs = 60_000;

function through(tap: TapRow): boolean {
  if (tap.code === 71) return false;
  if (tap.readerFlags & 1) return true;
  if (tap.readerFlags & 2) return false;
  if (tap.code >= 10 && tap.code < 40) return true;
  return tap.kind === 2 && tap.code >= 40 && tap.code <= 45;
}

/** The newest freeze of a school day. */
export function rosterOf(world: World, schoolId: number, day: number): RosterRow[] {
  const rows = world.roster.filter((row) => row.schoolId === schoolId && row.schoolDay === day);
  const newest = Math.max(...rows.map((row) => row.revision));
  return rows.filter((row) => row.revision === newest);
}

function passagesOf(world: World, schoolId: number, day: number): Map<number, TapRow[]> {
  const byPupil = new Map<number, TapRow[]>();
  for (const tap of world.taps) {
    if (tap.schoolId !== schoolId || tap.schoolDay !== day || tap.kind > 2 || tap.pupilId === 0) continue;
    if (through(tap)) byPupil.set(tap.pupilId, [...(byPupil.get(tap.pupilId) ?? []), tap]);
  }
  for (const taps of byPupil.values()) {
    taps.sort((a, b) => a.atMs - b.atMs || a.kind - b.kind || Number(a.quality === 'D') - Number(b.quality === 'D'));
  }
  return byPupil;
}

/** Every second of the window is alive or not; beats and bells are at whole seconds. */
function coverageOf(world: World, schoolId: number, doorsMs: number, bellMs: number, asOfMs: number) {
  const gates = world.gates.filter((gate) => gate.schoolId === schoolId);
  const toMs = Math.max(doorsMs, Math.min(bellMs + 30 * minuteMs, asOfMs));
  let aliveMs = 0;
  for (const { beatsMs } of gates) {
    const near = beatsMs.filter((beat) => beat > doorsMs - 90_000 && beat < toMs);
    const alive = new Set(near.flatMap((beat) => Array.from({ length: 90 }, (_, second) => beat + second * 1_000)));
    for (let at = doorsMs; at < toMs; at += 1_000) if (alive.has(at)) aliveMs += 1_000;
  }
  return { readers: gates.length, alive_ms: aliveMs, due_ms: gates.length * (toMs - doorsMs) };
}

export function naiveCoverage(world: World, schoolId: number, day: number, asOfMs: number) {
  const windows = new Map(
    rosterOf(world, schoolId, day).map(({ doorsMs, bellMs }) => [`${doorsMs}:${bellMs}`, { doorsMs, bellMs }]),
  );
  return [...windows.values()]
    .sort((a, b) => a.doorsMs - b.doorsMs)
    .map(({ doorsMs, bellMs }) => ({ doors_ms: doorsMs, ...coverageOf(world, schoolId, doorsMs, bellMs, asOfMs) }));
}

export function naiveStudents(world: World, schoolId: number, day: number, asOfMs: number) {
  const passages = passagesOf(world, schoolId, day);
  const covered = new Map<number, boolean>();
  for (const window of naiveCoverage(world, schoolId, day, asOfMs)) {
    covered.set(window.doors_ms, window.due_ms > 0 && window.alive_ms / window.due_ms >= 0.95);
  }
  const closed = world.closed.has(`${schoolId}:${day}`);
  return rosterOf(world, schoolId, day)
    .sort((a, b) => a.pupilId - b.pupilId)
    .map((pupil) => studentDay(pupil, passages.get(pupil.pupilId) ?? [], { closed, covered, asOfMs }));
}

function studentDay(
  pupil: RosterRow,
  taps: TapRow[],
  { closed, covered, asOfMs }: { closed: boolean; covered: Map<number, boolean>; asOfMs: number },
) {
  const firstIn = taps.find((tap) => tap.kind === 1);
  const lastOut = taps.filter((tap) => tap.kind === 2).at(-1);
  const newest = taps.at(-1);
  let insideMs = 0;
  let sinceMs: number | undefined;
  for (const tap of taps) {
    if (tap.kind === 1) sinceMs ??= tap.atMs;
    else if (sinceMs !== undefined) {
      insideMs += tap.atMs - sinceMs;
      sinceMs = undefined;
    }
  }
  // Whoever did not leave stays to the end of lessons; what is after the last tap counts only if the end is.
  if (sinceMs !== undefined && newest !== undefined) {
    insideMs += Math.max(newest.atMs, Math.min(pupil.endMs, asOfMs)) - sinceMs;
  }
  const afterBellMs = firstIn === undefined ? 0 : firstIn.atMs - pupil.bellMs;
  let status: string;
  if (closed) status = 'closed';
  else if (firstIn !== undefined) {
    status = afterBellMs > 0 && firstIn.quality !== 'D' && !pupil.excused ? 'late' : 'on_time';
  } else if (lastOut !== undefined) status = 'out_only';
  else if (pupil.excused) status = 'excused';
  else status = covered.get(pupil.doorsMs) ? 'no_tap_covered' : 'no_tap_uncovered';
  const isLeft = newest?.kind === 2 && newest.quality !== 'D' && newest.atMs < pupil.endMs - 15 * minuteMs;
  return {
    pupil_id: pupil.pupilId,
    class_id: pupil.classId,
    bell_ms: pupil.bellMs,
    end_ms: pupil.endMs,
    excused: pupil.excused,
    first_ms: firstIn?.atMs ?? null,
    last_ms: lastOut?.atMs ?? null,
    minutes_inside: Math.floor(insideMs / minuteMs),
    status,
    late_minutes: status === 'late' ? Math.ceil(afterBellMs / minuteMs) : 0,
    left_early: !closed && isLeft ? 1 : 0,
    no_exit: !closed && newest?.kind === 1 && asOfMs >= pupil.endMs ? 1 : 0,
    manual: taps.some((tap) => tap.code === 14 || tap.flags & 256) ? 1 : 0,
    clock_doubt: taps.some((tap) => tap.quality === 'D') ? 1 : 0,
  };
}

export function naivePresence(world: World, schoolId: number, day: number) {
  const changes: { slot: number; by: number }[] = [];
  for (const taps of passagesOf(world, schoolId, day).values()) {
    let inside = false;
    for (const tap of taps) {
      if ((tap.kind === 1) === inside) continue;
      inside = !inside;
      changes.push({ slot: Math.floor(tap.localMinute / 5), by: inside ? 1 : -1 });
    }
  }
  if (changes.length === 0) return [];
  const slots = changes.map(({ slot }) => slot);
  const rows = [];
  for (let slot = Math.min(...slots); slot <= Math.max(...slots); slot++) {
    const inside = changes.reduce((sum, change) => sum + (change.slot <= slot ? change.by : 0), 0);
    rows.push({ slot, inside });
  }
  return rows;
}

export function naiveSpending(world: World, schoolId: number, day: number) {
  const sums = new Map<string, { kind: number; purse: number; item: number; n: number; kop: number }>();
  for (const transfer of world.transfers) {
    if (transfer.schoolId !== schoolId || transfer.schoolDay !== day || ![1, 4, 7].includes(transfer.cause)) continue;
    const sign = transfer.cause === 4 ? -1 : 1;
    const sale = sign > 0 ? transfer : world.transfers.find(({ transferId }) => transferId === transfer.reverses)!;
    const { kind, item } = soldBy(world, sale);
    const key = `${kind}:${sale.purse}:${item}`;
    const sum = sums.get(key) ?? { kind, purse: sale.purse, item, n: 0, kop: 0 };
    sums.set(key, { ...sum, n: sum.n + sign, kop: sum.kop + sign * sale.kop });
  }
  return [...sums.values()].sort((a, b) => a.kind - b.kind || a.purse - b.purse || a.item - b.item);
}

function soldBy(world: World, sale: TransferRow): { kind: number; item: number } {
  if (sale.cause === 1) {
    const tap = world.taps.find(({ shard, position }) => shard === sale.shard && position === sale.causePosition)!;
    return { kind: tap.kind, item: tap.ref };
  }
  const refused = world.taps.filter(
    (tap) =>
      tap.shard === sale.shard &&
      tap.schoolId === sale.schoolId &&
      tap.schoolDay === sale.schoolDay &&
      tap.pupilId === sale.pupilId &&
      tap.amountKop === sale.kop &&
      tap.code >= 40 &&
      tap.code <= 54 &&
      !(tap.readerFlags & 3) &&
      (tap.kind === 7) === sale.toCarrier &&
      [3, 4, 7].includes(tap.kind) &&
      tap.position < sale.causePosition,
  );
  const newest = refused.sort((a, b) => a.position - b.position).at(-1);
  if (newest !== undefined) return { kind: newest.kind, item: newest.ref };
  return { kind: sale.toCarrier ? 7 : sale.purse === 1 ? 3 : 4, item: 0 };
}

export function naiveEntitlements(world: World, schoolId: number, day: number) {
  const roster = rosterOf(world, schoolId, day);
  const entitled = world.closed.has(`${schoolId}:${day}`) ? [] : roster.filter((pupil) => pupil.entitled);
  const meals = world.taps.filter((tap) => tap.schoolId === schoolId && tap.schoolDay === day && tap.kind === 3);
  const eaten = meals.filter((tap) => tap.code === 11 && through(tap) && !isTakenBack(world, tap));
  const onRoster = (pupilId: number) => roster.find((pupil) => pupil.pupilId === pupilId);
  const classOf = (tap: TapRow) => onRoster(tap.pupilId)?.classId ?? tap.classId;
  const rows = new Map<string, ReturnType<typeof emptyRow>>();
  const rowOf = (classId: number, window: number) => {
    const key = `${classId}:${window}`;
    if (!rows.has(key)) rows.set(key, emptyRow(classId, window));
    return rows.get(key)!;
  };
  for (const pupil of entitled) {
    const sameShift = eaten.filter((tap) => onRoster(tap.pupilId)?.shift === pupil.shift).map((tap) => tap.basis);
    for (const window of new Set(sameShift.length === 0 ? [0] : sameShift)) {
      rowOf(pupil.classId, window).entitled += 1;
      if (!eaten.some((tap) => tap.pupilId === pupil.pupilId && tap.basis === window)) {
        rowOf(pupil.classId, window).unclaimed += 1;
      }
    }
  }
  for (const [index, tap] of eaten.entries()) {
    const isFirst = eaten.findIndex((other) => other.pupilId === tap.pupilId && other.basis === tap.basis) === index;
    if (isFirst) rowOf(classOf(tap), tap.basis).served += 1;
  }
  for (const tap of meals.filter(({ code, readerFlags }) => code === 49 && !(readerFlags & 1))) {
    const own = eaten.filter(({ pupilId }) => pupilId === tap.pupilId);
    own.sort((a, b) => a.atMs - b.atMs || a.basis - b.basis);
    rowOf(classOf(tap), own.at(-1)?.basis ?? 0).second_refused += 1;
  }
  return [...rows.values()].sort((a, b) => a.class_id - b.class_id || a.window - b.window);
}

function emptyRow(classId: number, window: number) {
  return { class_id: classId, window, entitled: 0, served: 0, second_refused: 0, unclaimed: 0 };
}

function isTakenBack(world: World, tap: TapRow): boolean {
  const paid = world.transfers.find(
    (transfer) => transfer.cause === 1 && transfer.shard === tap.shard && transfer.causePosition === tap.position,
  );
  return (
    paid !== undefined && world.transfers.some(({ cause, reverses }) => cause === 4 && reverses === paid.transferId)
  );
}
