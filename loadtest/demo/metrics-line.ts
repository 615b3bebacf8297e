/** Numbers of one look at `/metrics`. */
interface Sample {
  readonly takenMs: number;
  readonly acked: number;
  readonly ackP99Ms: number;
  readonly lagSeconds: number;
  readonly connections: number;
}

/** The demonstration's live line: what a person looks at while taps stream. */
export class MetricsLine {
  readonly #url: string;
  #last: Sample | undefined;

  constructor(serviceUrl: string) {
    this.#url = `${serviceUrl}/metrics`;
  }

  /** The line of this moment. `dayTime` is the simulated time of day. */
  async read(dayTime: string): Promise<string> {
    const sample = await this.#sample();
    const seconds = this.#last === undefined ? 0 : (sample.takenMs - this.#last.takenMs) / 1000;
    const rate = seconds === 0 ? 0 : (sample.acked - (this.#last?.acked ?? 0)) / seconds;
    this.#last = sample;
    return [
      dayTime,
      `${rate.toFixed(0).padStart(5)} taps/s`,
      `${String(sample.acked).padStart(7)} acknowledged`,
      `ack p99 ${sample.ackP99Ms.toFixed(1)} ms`,
      `lag ${sample.lagSeconds.toFixed(1)} s`,
      `${sample.connections} readers`,
    ].join('  ');
  }

  async #sample(): Promise<Sample> {
    const text = await (await fetch(this.#url, { signal: AbortSignal.timeout(5_000) })).text();
    const value = (name: string): number => {
      const values = [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].map((match) =>
        Number(match[1]),
      );
      return Math.max(0, ...values);
    };
    return {
      takenMs: performance.now(),
      acked: value('tapline_acked_taps_total'),
      ackP99Ms: value('tapline_ack_latency_p99_seconds') * 1000,
      lagSeconds: value('tapline_sink_lag_seconds'),
      connections: value('tapline_connections'),
    };
  }
}
