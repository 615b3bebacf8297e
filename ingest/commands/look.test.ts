import { expect, test } from 'vitest';
import { describeStatus } from './look.ts';

type Status = Parameters<typeof describeStatus>[0];

test('status tells how far the derivation is, and where the dashboards are', () => {
  const none = { backlog_records: 0, lag_ms: 0, eta_s: 0, last_error: null };
  const status = {
    ready: true,
    admission: { open: true, reasons: [], queued_taps: 0 },
    taps: { decided: 1, acked: 1, ack_p50_ms: 1, ack_p99_ms: 1 },
    shards: [],
    sink: none,
    derive: { backlog_days: 3, oldest_ms: 1_500, scanning: false, derived_days: 7, last_error: 'no room' },
    dashboards: { state: 'running', url: 'http://127.0.0.1:8090', restarts: 2, last_error: null },
    clickhouse: { embedded: true, state: 'ready', pid: 1 },
    readers: { online: 0, behind: 0, offline: 0, silent: 0, never_seen: 0, revoked: 0 },
  } as unknown as Status;
  const lines = describeStatus(status);
  expect(lines).toContain('derivation: 3 school days waiting, the oldest for 1.5 s, 7 derived; no room');
  expect(lines).toContain('dashboards: running, http://127.0.0.1:8090, 2 restarts');
  expect(describeStatus({ ...status, derive: null })).toContain('derivation: not begun');
});
