/** The sink's own thread: reading, hashing and sending millions of rows must not delay a reader's acknowledgement. */
import { parentPort, workerData } from 'node:worker_threads';
import type { JournalCursor } from '../../workers/journal/types.ts';
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
const storedPositions = new Float64Array(data.storedPositions);

const say = (message: FromSinkThread): void => port.postMessage(message);
const log =
  (level: 'info' | 'warn' | 'error'): Logger['info'] =>
  (fields, message) =>
    say({ type: 'log', level, fields, message });

const sink = new Sink({
  shardCount: data.shardCount,
  clickhouseUrl: data.clickhouseUrl,
  cursorDirectory: data.cursorDirectory,
  openCursor: (shard, afterPosition) => openJournalCursor(data.journalDirectory, shard, afterPosition),
  durablePosition: (shard) => durablePositions[shard],
  onStored: (shard, position) => {
    storedPositions[shard] = position;
  },
  logger: { info: log('info'), warn: log('warn'), error: log('error') },
  ...(data.limits === undefined ? {} : { limits: data.limits }),
});

const reportStatus = (): void => say({ type: 'status', status: sink.status() });
const timer = setInterval(reportStatus, sinkThreadLimits.statusIntervalMs);

port.on('message', (message: ToSinkThread) => {
  void sink.stop({ drainTimeoutMs: message.drainTimeoutMs }).then(() => {
    clearInterval(timer);
    reportStatus();
    port.close();
  });
});

sink.start();
