import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readKeys } from '../fleet/load.ts';
import { generateRegion } from '../region/generate.ts';
import { requireServiceCli, runServiceCli } from '../service-cli.ts';
import { RunningService } from './running-service.ts';

const python = '/usr/bin/python3';
const script = join(import.meta.dirname, 'python_client.py');
const probe = spawnSync(python, ['-c', 'import websockets, msgpack, cryptography'], { encoding: 'utf8' });
const missing = probe.error?.message ?? (probe.status === 0 ? '' : (probe.stderr.trim().split('\n').at(-1) ?? ''));
if (missing !== '') process.stderr.write(`independent Python client skipped: ${missing}\n`);

interface ClientEvent {
  readonly event: string;
  readonly [field: string]: unknown;
}

interface StoredCounts {
  readonly taps: number;
  readonly identities: number;
}

const root = mkdtempSync(join(tmpdir(), 'python-client-'));
const data = join(root, 'data');
const region = join(root, 'region');
let service: RunningService;

/** Runs the client to its end; `onEvent` sees each line as it comes. */
async function client(args: readonly string[], onEvent: (event: ClientEvent) => void = () => undefined) {
  const child = spawn(python, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const closed = once(child, 'close') as Promise<[number]>;
  const events: ClientEvent[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line) as ClientEvent;
    events.push(event);
    onEvent(event);
  }
  const [status] = await closed;
  return { events, status, errors };
}

/** The first reader of a region is a turnstile. */
const gate = 1;

function flagsOf(readerId: number): string[] {
  const cards = parse<Record<string, string>>(readFileSync(join(region, 'cards.csv')), { columns: true });
  const uids = cards
    .filter((row) => row['status'] === 'active')
    .slice(0, 40)
    .map((row) => row['card_uid']);
  const key = readKeys(region).get(readerId) ?? '';
  return ['--url', service.ready.stream, '--reader', String(readerId), '--key', key, '--uids', uids.join(',')];
}

/** What ClickHouse holds of one reader, once it holds everything; asked again while the sink is behind. */
async function stored(readerId: number, epoch: number, atLeast: number): Promise<StoredCounts> {
  const where = `reader_id = ${readerId} AND boot_epoch = ${epoch}`;
  const query = `SELECT count() AS taps, uniqExact(seq) AS identities FROM tap WHERE ${where}`;
  for (let attempt = 0; ; attempt++) {
    const { json } = await requireServiceCli(['sql', query, '--format', 'JSONEachRow', '--data', data]);
    const [row] = (Array.isArray(json) ? json : [json]) as Record<string, string | number>[];
    const counts = { taps: Number(row['taps']), identities: Number(row['identities']) };
    if (counts.taps >= atLeast || attempt === 30) return counts;
    await sleep(500);
  }
}

describe.skipIf(missing !== '')('a client written from the protocol page alone', () => {
  beforeAll(async () => {
    generateRegion({ seed: 5, size: 'small', days: ['2025-09-08'], readersMin: 0 }, region);
    await requireServiceCli(['import', region, '--data', data]);
    service = await RunningService.start(data, 0);
  }, 120_000);

  afterAll(async () => {
    await service?.stop();
    rmSync(root, { recursive: true, force: true });
  }, 60_000);

  test('repeats, gap, conflict, unknown elements, malformed frames and a newer connection go as the page says', async () => {
    const { events, status, errors } = await client(['check', ...flagsOf(gate)]);
    expect(events.filter(({ event }) => event === 'failed')).toEqual([]);
    expect({ status, errors }).toEqual({ status: 0, errors: '' });
    expect(events.map(({ what }) => what).filter((what) => what !== undefined)).toEqual([
      'ack',
      'repeat',
      'partial repeat',
      'gap',
      'conflict',
      'unknown elements',
      'malformed',
    ]);
  });

  test('nothing acknowledged is lost or stored twice when the service is killed in the middle', async () => {
    const count = 1_500;
    let killed: Promise<void> | undefined;
    const restart = async (): Promise<void> => {
      const { port } = service;
      await service.kill();
      service = await RunningService.start(data, port);
    };
    const args = [
      'stream',
      ...flagsOf(gate),
      '--epoch',
      '7',
      '--base-ms',
      // Noon of a day before: the gates have hours.
      String(Date.UTC(2025, 8, 8, 9)),
      '--count',
      String(count),
      '--pause',
      '0.002',
      '--patience',
      '60',
    ];
    const { events, status, errors } = await client(args, ({ event, durable }) => {
      if (event === 'ack' && Number(durable) > count / 3) killed ??= restart();
    });
    await killed;
    expect(events.filter(({ event }) => event === 'failed')).toEqual([]);
    expect({ status, errors }).toEqual({ status: 0, errors: '' });
    expect(events.at(-1)).toMatchObject({ event: 'done', acked: count, answered: count, changed: 0 });
    expect(events.at(-1)?.['reconnects']).toBeGreaterThan(0);
    const durable = events.filter(({ event }) => event === 'ack').map((event) => Number(event['durable']));
    expect(durable).toEqual([...durable].sort((a, b) => a - b));
    const codes = events.flatMap((event) => (event['codes'] as number[] | undefined) ?? []);
    expect(new Set(codes)).toEqual(new Set([10]));

    expect(await stored(gate, 7, count)).toEqual({ taps: count, identities: count });
    const { json, exitStatus } = await runServiceCli(['verify', '--data', data]);
    expect(json).toMatchObject({ lost: 0, doubled: 0, sum_kop: 0, ok: true });
    expect(exitStatus).toBe(0);
  }, 240_000);
});
