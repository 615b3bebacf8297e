import type { ReaderState } from './gateway/reader-state.ts';
import type { ReaderEntry } from './registry/directory.ts';
import type { Service } from './service.ts';

/** A reader that was not heard of for this long in its session is silent. */
const silentAfterMs = 10 * 60_000;
/** Readers over HTTP hold no connection: heard of within this, they are online. */
const onlineWithinMs = 90_000;
/** The last time that a Date can tell. */
const latestDateMs = 8.64e15;

export const readerConditions = ['online', 'behind', 'offline', 'silent', 'never_seen', 'revoked'] as const;
export type ReaderCondition = (typeof readerConditions)[number];

/** What `tapline status` shows. */
export function statusOf(service: Service) {
  const sink = service.sink.status();
  return {
    ready: service.isReady,
    admission: {
      open: service.admission.isOpen,
      reasons: service.admission.reasons,
      queued_taps: service.gateway.queuedTaps,
      disk_free_bytes: service.admission.diskFreeBytes,
      journal_bytes: service.admission.journalBytes,
    },
    shards: service.pool.hosts.map((host) => ({
      shard: host.shard,
      state: host.state,
      position: service.pool.durablePositions[host.shard],
      lag_records: sink.shard[host.shard].backlogRecords,
      busy_share: service.busyShare(host.shard),
      restarts: host.restarts,
      last_error: host.lastError,
    })),
    sink: {
      lag_ms: Math.max(...sink.shard.map(({ lagMs }) => lagMs)),
      backlog_records: sink.shard.reduce((sum, { backlogRecords }) => sum + backlogRecords, 0),
      eta_s: sink.etaSeconds ?? null,
      rows_per_s: sink.rowsPerSecond,
      halted: sink.shard.some(({ halted }) => halted),
      last_error: sink.shard.find(({ lastError }) => lastError !== undefined)?.lastError ?? null,
    },
    derive: deriveOf(service),
    clickhouse: service.clickhouseStatus(),
    roster: rosterOf(service),
    dashboards: dashboardsOf(service),
    registry: { change: service.feed.applied, rules_version: service.directory.rulesVersion },
    readers: readersByCondition(service),
    taps: {
      acked: service.gateway.counters.ackedTaps,
      decided: service.gateway.counters.decidedTaps,
      repeated: service.gateway.counters.repeatedTaps,
      quarantined: service.gateway.counters.quarantinedTaps,
      malformed_frames: service.quarantine.total,
      ack_p50_ms: percentileMs(service, 50),
      ack_p99_ms: percentileMs(service, 99),
    },
  };
}

/** Null while ClickHouse was never there. */
function deriveOf({ sink }: Service) {
  const derive = sink.deriveStatus();
  if (derive === undefined) return null;
  return {
    backlog_days: derive.backlogKeys,
    oldest_ms: derive.oldestMs,
    scanning: derive.isScanning,
    derived_days: derive.derivedKeys,
    last_error: derive.lastError ?? null,
  };
}

function rosterOf({ roster }: Service) {
  const { waitingDays, frozenDays, lastError } = roster.status();
  return { waiting_days: waitingDays, frozen_days: frozenDays, last_error: lastError ?? null };
}

function dashboardsOf({ dashboards }: Service) {
  const { state, url, restarts, lastError } = dashboards.status();
  return { state, url, restarts, last_error: lastError ?? null };
}

function percentileMs(service: Service, percentile: number): number {
  const { ackLatencyUs } = service.gateway.counters;
  return ackLatencyUs.count === 0 ? 0 : ackLatencyUs.percentile(percentile) / 1000;
}

function readersByCondition(service: Service): Record<ReaderCondition, number> & { known: number } {
  const counts = { known: 0, online: 0, behind: 0, offline: 0, silent: 0, never_seen: 0, revoked: 0 };
  const now = service.now();
  for (const entry of service.directory.readers.values()) {
    counts.known += 1;
    if (entry.revoked) counts.revoked += 1;
    else counts[conditionOf(service.gateway.readers.find(entry.readerId), now)] += 1;
  }
  return counts;
}

/** Every reader of the registry by number, or those of one school, as the gateway has them now. */
export function readerList({ directory, gateway, now }: Service, schoolId?: number) {
  const at = now();
  return [...directory.readers.values()]
    .filter((entry) => schoolId === undefined || entry.schoolId === schoolId)
    .sort((a, b) => a.readerId - b.readerId)
    .map((entry) => describeReader(entry, gateway.readers.find(entry.readerId), at));
}

function describeReader(entry: ReaderEntry, known: ReaderState | undefined, now: number) {
  const state: ReaderCondition = entry.revoked ? 'revoked' : conditionOf(known, now);
  // What is restored from the journals says only how far a reader is durable.
  const seen = known === undefined || known.lastSeenMs === 0 ? undefined : known;
  return {
    reader: entry.readerId,
    school: entry.schoolId,
    place: entry.place,
    state,
    last_seen: timeOf(seen?.lastSeenMs),
    queued: seen?.beat?.queued ?? null,
    oldest: timeOf(seen?.beat?.oldestMs),
    drift_ms: seen?.driftMs ?? null,
    gaps: seen?.gaps ?? 0,
    firmware: seen === undefined || seen.firmware === '' ? null : seen.firmware,
    rules_version: seen?.rulesVersion ?? null,
  };
}

function timeOf(ms: number | null | undefined): string | null {
  // A reader may claim any time; a Date knows fewer.
  return ms === null || ms === undefined || ms > latestDateMs ? null : new Date(ms).toISOString();
}

/** `state`: what the gateway knows of the reader, undefined if it never came. */
export function conditionOf(state: ReaderState | undefined, now: number): ReaderCondition {
  if (state === undefined || state.lastSeenMs === 0) return 'never_seen';
  const isOnline = state.connection !== undefined || now - state.lastSeenMs < onlineWithinMs;
  if (isOnline) return (state.beat?.queued ?? 0) > 0 ? 'behind' : 'online';
  return now - state.lastSeenMs > silentAfterMs ? 'silent' : 'offline';
}
