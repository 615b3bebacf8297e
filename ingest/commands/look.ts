import { pipeline } from 'node:stream/promises';
import { Command } from 'commander';
import { runReadOnlySql } from '../../analytics/queries/sql.ts';
import { AdminClient } from '../admin-client.ts';
import { withClickHouse } from '../clickhouse-access.ts';
import { DataDirectory } from '../data-directory.ts';
import { describeFrame, renderFrame } from '../protocol/describe-frame.ts';
import type { ReaderOfList } from '../admin/routes-readers.ts';
import type { statusOf } from '../status.ts';
import { inspectJournals, verifyJournals } from '../verify/journal-inspection.ts';
import { answerNo, type CommonOptions, newCommand, print } from './common.ts';

export function statusCommand(): Command {
  return newCommand('status', 'readiness, shards, sink, readers and admission of the running service')
    .option('--readers', 'with every reader: state, last seen, queue, clock drift, gaps, firmware, rules')
    .action(async (options: CommonOptions & { readers?: boolean }) => {
      const admin = AdminClient.connect(DataDirectory.openExisting(options.data));
      const status = await admin.call<ReturnType<typeof statusOf>>('GET', '/admin/v1/status');
      if (options.readers !== true) return print(options, status, describeStatus(status));
      const list = await admin.call<ReaderOfList[]>('GET', '/admin/v1/readers');
      print(options, { ...status, reader_list: list }, [...describeStatus(status), ...list.map(describeReader)]);
    });
}

function describeReader(one: ReaderOfList): string {
  const { reader, school, place, state, last_seen: seen, queued, oldest, drift_ms: drift, gaps } = one;
  const name = `reader ${reader} (school ${school}${place === '' ? '' : `, ${place}`}): ${state.replace('_', ' ')}`;
  if (seen === null) return name;
  const since = oldest === null ? '' : ` since ${oldest}`;
  const firmware = one.firmware === null ? '' : `, firmware ${one.firmware}`;
  return (
    `${name}, seen ${seen}, ${queued ?? 0} taps queued${since}, drift ${drift} ms, ${gaps} gaps` +
    `${firmware}, rules ${one.rules_version}`
  );
}

const told = (error: string | null): string => (error === null ? '' : `; ${error}`);

/** Lines for people. */
export function describeStatus(status: ReturnType<typeof statusOf>): string[] {
  const { admission, sink, readers, taps, clickhouse, dashboards } = status;
  const why = admission.reasons.length > 0 ? ` (${admission.reasons.join(', ')})` : '';
  const eta = sink.eta_s === null ? 'not moving' : `${Math.ceil(sink.eta_s)} s to go`;
  return [
    `${status.ready && admission.open ? 'ready' : 'not ready'}${why}; ${admission.queued_taps} taps queued`,
    `taps: ${taps.decided} decided, ${taps.acked} acknowledged, ack p50 ${taps.ack_p50_ms.toFixed(2)} ms, p99 ${taps.ack_p99_ms.toFixed(2)} ms`,
    ...status.shards.map(
      ({ shard, state, position, lag_records: lag, busy_share: busy, restarts }) =>
        `shard ${shard}: ${state}, position ${position}, ${lag} records not stored yet, busy ${(busy * 100).toFixed(0)} %, ${restarts} restarts`,
    ),
    `sink: lag ${(sink.lag_ms / 1000).toFixed(1)} s, backlog ${sink.backlog_records} records, ${eta}${told(sink.last_error)}`,
    describeDerivation(status.derive),
    `dashboards: ${dashboards.state}, ${dashboards.url ?? 'no address'}, ${dashboards.restarts} restarts${told(dashboards.last_error)}`,
    `ClickHouse: ${clickhouse.embedded ? 'embedded' : 'server'}, ${clickhouse.state}`,
    `readers: ${readers.online} online, ${readers.behind} behind, ${readers.offline} offline, ${readers.silent} silent, ` +
      `${readers.never_seen} never seen, ${readers.revoked} revoked`,
  ];
}

function describeDerivation(derive: ReturnType<typeof statusOf>['derive']): string {
  if (derive === null) return 'derivation: not begun';
  const { backlog_days: days, oldest_ms: oldestMs, derived_days: derived, last_error: error } = derive;
  return `derivation: ${days} school days waiting, the oldest for ${(oldestMs / 1000).toFixed(1)} s, ${derived} derived${told(error)}`;
}

export function sqlCommand(): Command {
  return newCommand('sql', 'one read-only query to ClickHouse')
    .argument('<query>', 'the query')
    .option('--format <name>', 'output format, as ClickHouse names it')
    .option('--clickhouse-url <url>', 'where no service runs: a ClickHouse server instead of the embedded one')
    .action(async (query: string, options: CommonOptions & { format?: string; clickhouseUrl?: string }) => {
      const format = options.format ?? (options.json === true ? 'JSON' : 'PrettyCompactMonoBlock');
      await withClickHouse(DataDirectory.openExisting(options.data), options.clickhouseUrl, async ({ client }) => {
        await pipeline(await runReadOnlySql(client, query, format), process.stdout, { end: false });
      });
    });
}

export function journalCommand(): Command {
  const journal = new Command('journal').description('looks into the journal');
  journal.addCommand(
    newCommand('inspect', 'segments, blocks and positions of each shard').action((options: CommonOptions) => {
      const data = DataDirectory.openExisting(options.data);
      const shards = inspectJournals(data);
      print(
        options,
        { shards },
        shards.map(
          (one) =>
            `shard ${one.shard}: ${one.segments} segments, ${one.blocks} blocks, ${one.taps} taps, last position ${one.last_position}`,
        ),
      );
    }),
  );
  journal.addCommand(
    newCommand('verify', 'checks every block; names the last good position').action((options: CommonOptions) => {
      const data = DataDirectory.openExisting(options.data);
      const result = verifyJournals(data);
      print(options, result, [
        ...result.shards.map((one) => {
          const torn = one.torn_bytes > 0 ? `, ${one.torn_bytes} bytes of a torn tail behind it` : '';
          return `shard ${one.shard}: ${one.ok ? 'ok' : one.problem}, last good position ${one.last_position}${torn}`;
        }),
      ]);
      if (!result.ok) answerNo();
    }),
  );
  return journal;
}

export function frameCommand(): Command {
  return newCommand('frame', 'decodes one frame, and names the byte that is wrong')
    .argument('<hex>', 'the frame as hex digits')
    .action((hex: string, options: CommonOptions) => {
      const description = describeFrame(hex);
      print(options, description, [renderFrame(hex)]);
      if (!description.ok) answerNo();
    });
}
