/** So many, and their kopecks. */
export interface Total {
  n: number;
  kop: number;
}

/** What a reader that was offline sold, and how much of it the rules would have refused. */
export interface OfflineTotal extends Total {
  forcedN: number;
  forcedKop: number;
}

/** One operator's school day in one shard; all kopecks as they came to the operator, corrections with their sign. */
export interface DayTotals {
  /** Paid sales by purse number, 1 to 4. */
  purses: Record<number, Total>;
  /** Meals that the entitlement fund paid. */
  entitled: Total;
  /** Free transfers. */
  transfers: Total;
  /** What was sold, by item or route (0: not said), whoever paid. */
  items: Record<number, Total>;
  /** Refusals by code. */
  refused: Record<number, number>;
  /** Deeds of readers that were offline, by reader: part of the sales above. */
  offline: Record<number, OfflineTotal>;
  /** Sales that the till told of after it had been refused (OUTCOME). */
  outcomes: Total;
  /** Taken back: kopecks below zero. */
  reversals: Total;
  /** Given to (below zero) or taken from pupils by adjustments. */
  adjustments: Total;
}

export function newTotal(): Total {
  return { n: 0, kop: 0 };
}

export function newDayTotals(): DayTotals {
  return {
    purses: {},
    entitled: newTotal(),
    transfers: newTotal(),
    items: {},
    refused: {},
    offline: {},
    outcomes: newTotal(),
    reversals: newTotal(),
    adjustments: newTotal(),
  };
}

export function addTo(total: Total, kop: number, n = 1): void {
  total.n += n;
  total.kop += kop;
}

/** What the day's movements brought the operator, kopecks: the change of its account by this school day. */
export function takingsKop(totals: DayTotals): number {
  const paid = Object.values(totals.purses).reduce((sum, { kop }) => sum + kop, 0);
  const { entitled, outcomes, reversals, adjustments } = totals;
  return paid + entitled.kop + outcomes.kop + reversals.kop + adjustments.kop;
}

/** Adds `more` to `totals`, `sign` times: sums over shards, or what came after a close. */
export function mergeTotals(totals: DayTotals, more: DayTotals, sign: 1 | -1 = 1): DayTotals {
  for (const field of ['entitled', 'transfers', 'outcomes', 'reversals', 'adjustments'] as const) {
    addTo(totals[field], sign * more[field].kop, sign * more[field].n);
  }
  for (const field of ['purses', 'items'] as const) {
    for (const [key, { n, kop }] of numbered(more[field]))
      addTo((totals[field][key] ??= newTotal()), sign * kop, sign * n);
  }
  for (const [code, n] of numbered(more.refused)) totals.refused[code] = (totals.refused[code] ?? 0) + sign * n;
  for (const [reader, { n, kop, forcedN, forcedKop }] of numbered(more.offline)) {
    const total = (totals.offline[reader] ??= { n: 0, kop: 0, forcedN: 0, forcedKop: 0 });
    addTo(total, sign * kop, sign * n);
    total.forcedN += sign * forcedN;
    total.forcedKop += sign * forcedKop;
  }
  return totals;
}

function numbered<T>(record: Record<number, T>): [number, T][] {
  return Object.entries(record).map(([key, value]) => [Number(key), value]);
}
