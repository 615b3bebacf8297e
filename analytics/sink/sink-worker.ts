/** The sink's own thread: reading, hashing and sending millions of rows must not delay a reader's acknowledgement. */
import { parentPort, workerData } from 'node:worker_threads';
import path from 'node:path';
import type { JournalCursor } from '../../workers/journal/types.ts';
import { FileDeriveCursorStore } from '../derive/derive-cursor.ts';
import { ClickHouseDeriveStore } from '../derive/derive-store.ts';
import { Deriver } from '../derive/deriver.ts';
import { deriveLimits } from '../derive/limits.ts';
import { errorLine } from '../clickhouse/client.ts';
import { sinkThreadLimits } from '../limits.ts';
import type { Logger } from '../logger.ts';
import { Sink } from './sink.ts';
import type { FromSinkThread, SinkThreadData, ToSinkThread } from './thread-messages.ts';

interface CursorModule {
  readonly openJournalCursor: (journalDirectory: string, shard: number, afterPosition: number) => JournalCursor;
}

if (parentPort === null) throw new Error('sink-worker.ts runs in a worker thread');
const port = parentPort;
const data = workerData as SinkThreadData;
const { openJournalCursor } = (await import(data.cursorModule)) as CursorModule;
const durablePositions = new Float64Array(data.durablePositions);
const clockMs = new Float64Array(data.clockMs);
const storedPositions = new Float64Array(data.storedPositions);

const say = (message: FromSinkThread): void => port.postMessage(message);
const log =
  (level: 'info' | 'warn' | 'error'): Logger['info'] =>
  (fields, message) =>
    say({ type: 'log', level, fields, message });

const logger: Logger = { info: log('info'), warn: log('warn'), error: log('error') };
const openCursor = (shard: number, afterPosition: number): JournalCursor =>
  openJournalCursor(data.journalDirectory, shard, afterPosition);
const cut = new AbortController();
let deriver: Deriver | undefined;

function openDeriver(installationId: string, firstTapDay: () => number): Deriver {
  const { statementTimeoutMs } = { ...deriveLimits, ...data.deriveLimits };
  deriver = new Deriver({
    shardCount: data.shardCount,
    store: new ClickHouseDeriveStore(data.clickhouseUrl, statementTimeoutMs, cut.signal),
    cursors: new FileDeriveCursorStore(path.join(data.cursorDirectory, installationId)),
    openCursor,
    now: () => clockMs[0],
    firstTapDay,
    logger,
    ...(data.deriveLimits === undefined ? {} : { limits: data.deriveLimits }),
  });
  return deriver;
}

const sink = new Sink({
  shardCount: data.shardCount,
  clickhouseUrl: data.clickhouseUrl,
  cursorDirectory: data.cursorDirectory,
  openCursor,
  durablePosition: (shard) => durablePositions[shard],
  onStored: (shard, position) => {
    storedPositions[shard] = position;
  },
  openFollower: openDeriver,
  logger,
  ...(data.tapRetentionDays === undefined ? {} : { tapRetentionDays: data.tapRetentionDays }),
  ...(data.limits === undefined ? {} : { limits: data.limits }),
});

const reportStatus = (): void => say({ type: 'status', status: sink.status(), derive: deriver?.status() });
const timer = setInterval(reportStatus, sinkThreadLimits.statusIntervalMs);

async function answer(id: number, ask: () => Promise<boolean>): Promise<void> {
  const done = await ask().catch(errorLine);
  say({ type: 'answer', id, done: done === true, failure: typeof done === 'string' ? done : undefined });
}

async function deriveNow(schoolId: number, schoolDay: number): Promise<boolean> {
  if (deriver === undefined) throw new Error('ClickHouse is not ready');
  await deriver.deriveNow(schoolId, schoolDay);
  return true;
}

port.on('message', (message: ToSinkThread) => {
  if (message.type === 'mark') {
    return void answer(message.id, () => Promise.resolve(deriver?.markDirty(message.keys) ?? false));
  }
  if (message.type === 'derive') {
    return void answer(message.id, () => deriveNow(message.schoolId, message.schoolDay));
  }
  // A run that hangs must not outlast the drain.
  setTimeout(() => cut.abort(), message.drainTimeoutMs).unref();
  void sink.stop({ drainTimeoutMs: message.drainTimeoutMs }).then(() => {
    clearInterval(timer);
    reportStatus();
    port.close();
  });
});

sink.start();
