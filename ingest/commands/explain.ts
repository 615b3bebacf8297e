import { readFileSync } from 'node:fs';
import { OperatorError } from '../../workers/errors.ts';
import type { TapIdentity } from '../../workers/pool/messages.ts';
import { AdminClient } from '../admin-client.ts';
import { DataDirectory } from '../data-directory.ts';
import { explainFromJournal } from '../explain/explain-journal.ts';
import { completeTaps, type Explained } from '../explain/explain-taps.ts';
import { parseTapIdentity } from '../explain/identity.ts';
import { explainedTapsMax, progressIntervalMs } from '../explain/limits.ts';
import type { LiveReader } from '../explain/reader-facts.ts';
import { renderTap } from '../explain/render.ts';
import { identityKey } from '../journal-lookup/journal-search.ts';
import { openRegistry } from '../registry/store.ts';
import type { statusOf } from '../status.ts';
import { answerNo, type CommonOptions, newCommand, print, usage } from './common.ts';

interface ExplainOptions extends CommonOptions {
  readonly file?: string;
  readonly clickhouseUrl?: string;
}

export function explainCommand(): Command {
  return newCommand('explain', 'everything about taps: what came in, each rule, what moved, where it lies')
    .argument('[taps...]', 'READER:EPOCH:SEQ')
    .option('--file <file>', 'READER:EPOCH:SEQ, one a line; with --json an object a line is printed')
    .option('--clickhouse-url <url>', 'where no service runs: a ClickHouse server to ask')
    .action(async (texts: string[], options: ExplainOptions) => {
      const taps = readIdentities(texts, options.file);
      const data = DataDirectory.openExisting(options.data);
      const explained = await explain(data, taps, options.clickhouseUrl);
      if (taps.length === 1 && options.file === undefined && explained[0] === undefined) throw unknownTap(taps[0]);
      taps.forEach((tap, index) => printOne(options, tap, explained[index]));
      if (explained.some((one) => one?.agrees !== true)) answerNo();
    });
}
type Command = ReturnType<typeof newCommand>;

function printOne(options: ExplainOptions, tap: TapIdentity, explained: Explained | undefined): void {
  if (explained !== undefined) return print(options, explained, [...renderTap(explained), '']);
  const { code: refusal, message, remedy, line } = unknownTap(tap);
  const { readerId: reader, bootEpoch: boot_epoch, seq } = tap;
  print(options, { tap: { reader, boot_epoch, seq }, ok: false, refusal, message, remedy }, [line, '']);
}

function unknownTap(tap: TapIdentity): OperatorError {
  const message = `the journal has no tap ${identityKey(tap)}`;
  return new OperatorError('TAP_UNKNOWN', message, 'Check reader, epoch and seq.', 1);
}

function readIdentities(texts: readonly string[], file: string | undefined): TapIdentity[] {
  const lines = file === undefined ? [] : readFileSync(file, 'utf8').split('\n');
  const all = [...texts, ...lines].map((text) => text.trim()).filter((text) => text !== '');
  if (all.length === 0) throw usage('no tap is named', 'Give READER:EPOCH:SEQ, or --file.');
  if (all.length > explainedTapsMax) {
    throw usage(`${all.length} taps are more than ${explainedTapsMax}`, 'Ask for them in parts.');
  }
  return all.map(parseTapIdentity);
}

/** Reads the journals' files, also beside a running service, which is asked how far they are durable. */
async function explain(data: DataDirectory, taps: readonly TapIdentity[], clickhouseUrl: string | undefined) {
  const admin = AdminClient.find(data);
  const durablePositions = await durablePositionsOf(data, admin);
  const found = explainFromJournal({ directory: data.journal, durablePositions, taps }, progress());
  const registry = await openRegistry(data.path);
  try {
    const completed = await completeTaps(
      found.filter((one) => one !== undefined),
      {
        registry,
        clickhouseUrl: admin?.address.clickhouseUrl ?? clickhouseUrl,
        live: async (readerId) => (await admin?.call<LiveReader>('GET', `/admin/v1/readers/${readerId}/live`)) ?? null,
      },
    );
    return found.map((one) => (one === undefined ? undefined : completed.shift()));
  } finally {
    await registry.close();
  }
}

async function durablePositionsOf(data: DataDirectory, admin: AdminClient | undefined): Promise<number[]> {
  if (admin === undefined) return Array.from({ length: data.shards }, () => Infinity);
  const { shards } = await admin.call<ReturnType<typeof statusOf>>('GET', '/admin/v1/status');
  return shards.map(({ position }) => position);
}

/** Says on standard error how far the journals are read, once that takes long. */
function progress(): (shard: number, position: number) => void {
  let nextMs = performance.now() + progressIntervalMs;
  return (shard, position) => {
    if (performance.now() < nextMs) return;
    nextMs = performance.now() + progressIntervalMs;
    process.stderr.write(`reading the journal: shard ${shard}, position ${position.toLocaleString('en-US')}\n`);
  };
}
