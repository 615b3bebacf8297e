import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { tapRetentionDaysMin } from '../analytics/schema/retention.ts';
import { OperatorError } from '../workers/errors.ts';
import { type Clock, parseClock } from './clock.ts';

/** One setting: its flag, its variable, what it is for, and how its text becomes a value. */
interface Setting<T> {
  readonly flag: string;
  readonly variable: string;
  readonly help: string;
  readonly schema: z.ZodType<T, string | undefined>;
}

function setting<T>(
  flag: string,
  variable: string,
  help: string,
  schema: z.ZodType<T, string | undefined>,
): Setting<T> {
  return { flag, variable, help, schema };
}

const optionalPort = z
  .string()
  .regex(/^\d{1,5}$/, 'expected a port number')
  .transform(Number)
  .refine((value) => value <= 65_535, 'expected a port up to 65535')
  .optional();
const port = (fallback: number) => optionalPort.transform((value) => value ?? fallback);

const text = (fallback: string) =>
  z
    .string()
    .min(1)
    .optional()
    .transform((value) => value ?? fallback);
const optionalText = z.string().min(1).optional();
const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,16}$/, 'expected a whole number')
    .transform(Number)
    .refine((value) => value >= min && value <= max, `expected ${min} to ${max}`);

/** Everything that `up` can be told. One declaration gives the flag, the variable, the help and the type. */
export const settings = {
  host: setting('--host <address>', 'TAPLINE_HOST', 'address to listen on (127.0.0.1)', text('127.0.0.1')),
  port: setting('--port <port>', 'TAPLINE_PORT', 'port of the readers (8080; 0 picks a free one)', port(8080)),
  dashboardsPort: setting(
    '--dashboards-port <port>',
    'TAPLINE_DASHBOARDS_PORT',
    'port of the dashboards (8090, or a free one where that is taken; 0 picks a free one)',
    optionalPort,
  ),
  shards: setting(
    '--shards <n>',
    'TAPLINE_SHARDS',
    'shards of a new data directory (cores less one); fixed from then on',
    wholeNumber(1, 128).optional(),
  ),
  clickhouseUrl: setting(
    '--clickhouse-url <url>',
    'TAPLINE_CLICKHOUSE_URL',
    'a ClickHouse server instead of the embedded one',
    z.url({ protocol: /^https?$/ }).optional(),
  ),
  clickhouseCluster: setting(
    '--clickhouse-cluster <name>',
    'TAPLINE_CLICKHOUSE_CLUSTER',
    'spread the tables over this cluster of that server',
    optionalText,
  ),
  tapRetentionDays: setting(
    '--tap-retention-days <n>',
    'TAPLINE_TAP_RETENTION_DAYS',
    `days that ClickHouse keeps taps, ${tapRetentionDaysMin} or more (0: for good)`,
    wholeNumber(0, 36_500)
      .refine((value) => value === 0 || value >= tapRetentionDaysMin, `expected 0, or at least ${tapRetentionDaysMin}`)
      .optional()
      .transform((value) => value ?? 0),
  ),
  tlsCertificate: setting(
    '--tls-certificate <file>',
    'TAPLINE_TLS_CERTIFICATE',
    'PEM certificate: TLS on',
    optionalText,
  ),
  tlsKey: setting('--tls-key <file>', 'TAPLINE_TLS_KEY', 'PEM key of the certificate', optionalText),
  journalBytesMax: setting(
    '--journal-bytes-max <n>',
    'TAPLINE_JOURNAL_BYTES_MAX',
    'bytes of journal at which readers are pushed back (1 TiB)',
    wholeNumber(2 ** 27, 2 ** 50)
      .optional()
      .transform((value) => value ?? 2 ** 40),
  ),
  diskFreeBytesMin: setting(
    '--disk-free-bytes-min <n>',
    'TAPLINE_DISK_FREE_BYTES_MIN',
    'free bytes of disk below which readers are pushed back (256 MiB)',
    wholeNumber(0, 2 ** 50)
      .optional()
      .transform((value) => value ?? 2 ** 28),
  ),
  snapshotIntervalMs: setting(
    '--snapshot-interval-ms <n>',
    'TAPLINE_SNAPSHOT_INTERVAL_MS',
    'time between snapshots (300000)',
    wholeNumber(1_000, 86_400_000)
      .optional()
      .transform((value) => value ?? 300_000),
  ),
  logLevel: setting(
    '--log-level <level>',
    'TAPLINE_LOG_LEVEL',
    'trace, debug, info, warn, error or silent (info)',
    z
      .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
      .optional()
      .transform((value) => value ?? 'info'),
  ),
  clock: setting(
    '--clock <simulated>',
    'TAPLINE_CLOCK',
    'a simulated clock, START_MS:WALL_MS:SPEED, for demonstrations',
    z
      .string()
      .optional()
      .transform((value, context): Clock => {
        const clock = parseClock(value);
        if (clock !== undefined) return clock;
        context.addIssue('expected START_MS:WALL_MS:SPEED');
        return z.NEVER;
      }),
  ),
} as const satisfies Record<string, Setting<unknown>>;

export type Config = { readonly [K in keyof typeof settings]: z.output<(typeof settings)[K]['schema']> };

/** Shards of a new data directory: the gateway keeps one core. */
export function shardsDefault(): number {
  return Math.max(1, availableParallelism() - 1);
}

/**
 * Reads the settings from flags, then from the environment. All that are wrong are reported together, as one
 * OperatorError SETTING_INVALID with exit status 2.
 */
export function readConfig(
  flags: Readonly<Record<string, string | undefined>>,
  environment: NodeJS.ProcessEnv,
): Config {
  const problems: string[] = [];
  const config: Record<string, unknown> = {};
  for (const [name, { flag, variable, schema }] of Object.entries(settings)) {
    const fromEnvironment = environment[variable] === '' ? undefined : environment[variable];
    const result = schema.safeParse(flags[name] ?? fromEnvironment);
    if (result.success) config[name] = result.data;
    else problems.push(`${flag.split(' ')[0]} (${variable}): ${result.error.issues[0].message}`);
  }
  if ((config.tlsCertificate === undefined) !== (config.tlsKey === undefined)) {
    problems.push('--tls-certificate and --tls-key go together');
  }
  if (config.clickhouseCluster !== undefined && config.clickhouseUrl === undefined) {
    problems.push('--clickhouse-cluster needs --clickhouse-url');
  }
  if (problems.length > 0) {
    throw new OperatorError('SETTING_INVALID', problems.join('; '), 'See "tapline up --help".', 2);
  }
  return config as Config;
}
