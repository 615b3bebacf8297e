/** The thread that counts the journals: reading them must not delay a reader's acknowledgement. */
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { JournalCounter } from './journal-counter.ts';
import { catchUpTimeoutMs, pollIntervalMs, readBytesMax, saveIntervalMs } from './limits.ts';
import { SumsFile } from './sums-file.ts';
import type { CountedRow, CountsAsked, CountsTold, CounterThreadData } from './thread-messages.ts';

if (parentPort === null) throw new Error('counter-worker.ts runs in a worker thread');
const port = parentPort;
const { file, journalDirectory, durablePositions } = workerData as CounterThreadData;
const durable = new Float64Array(durablePositions);
const sumsFile = new SumsFile(file);
const counter = new JournalCounter(sumsFile.load(durable), journalDirectory, durable);
let savedAtMs = Date.now();
let savedPositions = counter.counted.positions.join();
let isEnding = false;

/** The rows of a question, as the journals stand, read up to what is durable if that is near. */
async function answer({ id, fromDay, toDay, schools }: CountsAsked): Promise<void> {
  const giveUpAtMs = Date.now() + catchUpTimeoutMs;
  while (counter.read(readBytesMax) && Date.now() < giveUpAtMs) await sleep(0);
  const { sums, positions } = counter.counted;
  const rows = schools.flatMap((schoolId) => rowsOf(schoolId, fromDay, toDay));
  const isBehind = counter.isBehind;
  port.postMessage({ id, rows, positions, isBehind, keptFromDay: sums.keptFromDay } satisfies CountsTold);
}

function rowsOf(schoolId: number, fromDay: number, toDay: number): CountedRow[] {
  const rows: CountedRow[] = [];
  let laterSaleDays = 0;
  const days = [...counter.counted.sums.daysOf(schoolId)].sort(([left], [right]) => right - left);
  for (const [schoolDay, { taps, sales, takingsKop, positions }] of days) {
    if (schoolDay >= fromDay && schoolDay <= toDay) {
      rows.push({ schoolId, schoolDay, taps, sales, takingsKop, positions, laterSaleDays });
    }
    if (sales > 0 || takingsKop !== 0) laterSaleDays += 1;
  }
  return rows;
}

async function save(): Promise<void> {
  const positions = counter.counted.positions.join();
  if (positions !== savedPositions) await sumsFile.save(counter.counted);
  savedPositions = positions;
  savedAtMs = Date.now();
}

port.on('message', (asked: CountsAsked | 'end') => {
  if (asked === 'end') isEnding = true;
  else void answer(asked);
});

while (!isEnding) {
  const isMore = counter.read(readBytesMax);
  // A file that cannot be written (a full disk) is tried again; the journals hold everything.
  if (Date.now() - savedAtMs >= saveIntervalMs) await save().catch(() => (savedAtMs = Date.now()));
  await sleep(isMore ? 0 : pollIntervalMs);
}
await save().catch(() => undefined);
counter.close();
port.close();
