import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';
import { errorCodeRow } from './protocol/codes.ts';
import type { Service } from './service.ts';

/** Defaults of the library whose names break the rules of Prometheus; the first three are told by type under other names. */
const misnamed = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
  'nodejs_eventloop_utilization_histogram',
  'nodejs_eventloop_utilization_summary',
];

/** Every metric of the service. Values are read from the parts when they are asked for; no reader, card or pupil in a label. */
export class Metrics {
  readonly #registry = new Registry();

  constructor(service: Service) {
    collectDefaultMetrics({ register: this.#registry });
    for (const name of misnamed) this.#registry.removeSingleMetric(name);
    this.#gateway(service);
    this.#latency(service);
    this.#shards(service);
    this.#admission(service);
    this.#telemetry(service);
    this.#dashboards(service);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  async text(): Promise<string> {
    return await this.#registry.metrics();
  }

  #gateway(service: Service): void {
    const { counters } = service.gateway;
    this.#total('tapline_acked_taps_total', 'Taps acknowledged, repeats included', () => counters.ackedTaps);
    this.#total('tapline_acked_frames_total', 'Frames acknowledged', () => counters.ackedFrames);
    this.#total('tapline_decided_taps_total', 'Taps decided and journaled', () => counters.decidedTaps);
    this.#total('tapline_repeated_taps_total', 'Taps answered again', () => counters.repeatedTaps);
    this.#total('tapline_quarantined_taps_total', 'Taps answered 91 or 93', () => counters.quarantinedTaps);
    this.#total(
      'tapline_malformed_frames_total',
      'Frames kept aside: malformed, or an OUTCOME of no tap',
      () => service.quarantine.total,
    );
    this.#total('tapline_hellos_total', 'Readers let in', () => counters.hellos);
    this.#total('tapline_beats_total', 'BEAT messages', () => counters.beats);
    this.#outcomes(service);
    this.#total('tapline_batches_total', 'Batches decided and synced', () => counters.batches);
    this.#gauge('tapline_connections', 'Open reader connections', () => counters.connections);
    this.#gauge('tapline_queued_taps', 'Taps that wait for their shard', () => service.gateway.queuedTaps);
    const errors: Counter<'error'> = new Counter({
      name: 'tapline_reader_errors_total',
      help: 'ERR messages sent, by meaning',
      labelNames: ['error'],
      registers: [this.#registry],
      collect: () => {
        errors.reset();
        for (const [code, count] of counters.errors) errors.inc({ error: errorCodeRow(code)?.name ?? 'OTHER' }, count);
      },
    });
  }

  #outcomes({ gateway: { counters } }: Service): void {
    this.#total('tapline_outcomes_total', 'OUTCOME messages', () => counters.outcomes);
    this.#total('tapline_outcomes_settled_total', 'OUTCOMEs journaled, one a tap', () => counters.outcomesSettled);
    this.#total('tapline_outcomes_repeated_total', 'OUTCOMEs sent again', () => counters.outcomesRepeated);
    this.#total('tapline_outcomes_refused_total', 'OUTCOMEs behind another', () => counters.outcomesRefused);
    this.#total('tapline_outcomes_unknown_total', 'OUTCOMEs of taps that never came', () => counters.outcomesUnknown);
    this.#total('tapline_outcomes_late_total', 'OUTCOMEs of taps far back', () => counters.outcomesLate);
  }

  #latency(service: Service): void {
    const { ackLatencyUs, batchUs } = service.gateway.counters;
    for (const [name, percentile] of [
      ['p50', 50],
      ['p99', 99],
      ['p999', 99.9],
    ] as const) {
      const ack = () => (ackLatencyUs.count === 0 ? 0 : ackLatencyUs.percentile(percentile) / 1e6);
      const batch = () => (batchUs.count === 0 ? 0 : batchUs.percentile(percentile) / 1e6);
      this.#gauge(`tapline_ack_latency_${name}_seconds`, 'From a frame in to its ack out, since the start', ack);
      this.#gauge(`tapline_batch_${name}_seconds`, 'A batch decided and synced, since the start', batch);
    }
  }

  #shards(service: Service): void {
    this.#byShard('tapline_shard_durable_position', 'Last synced position of the journal', service, (shard) => {
      return service.pool.durablePositions[shard];
    });
    this.#byShard('tapline_shard_stored_position', 'Last position in ClickHouse', service, (shard) => {
      return service.sink.status().shard[shard].storedPosition;
    });
    this.#byShard('tapline_shard_restarts', 'Times the thread was replaced', service, (shard) => {
      return service.pool.hosts[shard].restarts;
    });
    this.#byShard(
      'tapline_sink_lag_seconds',
      'How long the oldest record has waited for the sink',
      service,
      (shard) => {
        return service.sink.status().shard[shard].lagMs / 1000;
      },
    );
    this.#byShard(
      'tapline_sink_backlog_records',
      'Journal records (taps and commands) that the sink has not passed yet',
      service,
      (shard) => {
        return service.sink.status().shard[shard].backlogRecords;
      },
    );
  }

  #admission(service: Service): void {
    const { admission } = service;
    this.#gauge('tapline_admission_open', '1 when frames are taken in', () => (admission.isOpen ? 1 : 0));
    this.#gauge('tapline_journal_bytes', 'Bytes of all journals', () => admission.journalBytes);
    this.#gauge('tapline_disk_free_bytes', 'Free bytes of the data directory', () => admission.diskFreeBytes);
  }

  #telemetry({ beats }: Service): void {
    const status = () => beats.status();
    this.#gauge('tapline_telemetry_rows_buffered', "Rows of readers' telemetry in memory", () => status().buffered);
    this.#total('tapline_telemetry_rows_dropped_total', 'Rows that found no room', () => status().dropped);
    this.#total('tapline_telemetry_rows_inserted_total', 'Rows in ClickHouse', () => status().inserted);
  }

  /** No user and no school in a label: the question's name and how it ended. */
  #dashboards({ dashboards }: Service): void {
    const seconds: Histogram<'query' | 'status'> = new Histogram({
      name: 'tapline_dashboards_question_seconds',
      help: 'Named queries over HTTP, from the request in to the answer out',
      labelNames: ['query', 'status'],
      buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10],
      registers: [this.#registry],
    });
    dashboards.onAnswered = ({ query, status, ms }) => seconds.observe({ query, status: String(status) }, ms / 1000);
    this.#gauge('tapline_dashboards_restarts', "Times the dashboards' thread was replaced", () => {
      return dashboards.status().restarts;
    });
  }

  #total(name: string, help: string, read: () => number): void {
    const counter: Counter = new Counter({
      name,
      help,
      registers: [this.#registry],
      collect: () => {
        counter.reset();
        counter.inc(read());
      },
    });
  }

  #gauge(name: string, help: string, read: () => number): void {
    const gauge: Gauge = new Gauge({ name, help, registers: [this.#registry], collect: () => gauge.set(read()) });
  }

  #byShard(name: string, help: string, service: Service, read: (shard: number) => number): void {
    const gauge: Gauge<'shard'> = new Gauge({
      name,
      help,
      labelNames: ['shard'],
      registers: [this.#registry],
      collect: () => {
        for (const { shard } of service.pool.hosts) gauge.set({ shard: String(shard) }, read(shard));
      },
    });
  }
}
