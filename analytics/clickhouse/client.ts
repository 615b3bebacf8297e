import { createClient, ClickHouseLogLevel, type ClickHouseClient } from '@clickhouse/client';
import { OperatorError } from '../../workers/errors.ts';
import { clientLimits } from '../limits.ts';
import { clusterSettings } from './cluster-settings.ts';

export type { ClickHouseClient } from '@clickhouse/client';

/** The database that is used when the address names none. */
export const defaultDatabase = 'tapline';

/** A ClickHouse address taken apart: `http(s)://user:password@host:port/database?cluster=name`. */
export interface ClickHouseAddress {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly database: string;
  /** The cluster that the tables are spread over; undefined for one server. */
  readonly cluster: string | undefined;
}

/** The address with the name of its cluster, which every client then finds in it. */
export function withCluster(address: string, cluster: string): string {
  const url = new URL(address);
  url.searchParams.set('cluster', cluster);
  return url.href;
}

/** Throws an OperatorError with exit status 2 when the text is no address. */
export function parseClickHouseUrl(text: string): ClickHouseAddress {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol) || url.pathname.slice(1).includes('/')) {
    throw new OperatorError(
      'CLICKHOUSE_URL',
      'the ClickHouse address is not of the form http://user:password@host:8123/database',
      'Give the address of the HTTP interface',
      2,
    );
  }
  return {
    url: `${url.protocol}//${url.host}`,
    username: decodeURIComponent(url.username) || 'default',
    password: decodeURIComponent(url.password),
    database: decodeURIComponent(url.pathname.slice(1)) || defaultDatabase,
    cluster: url.searchParams.get('cluster') || undefined,
  };
}

export interface ClientOptions {
  readonly requestTimeoutMs?: number;
  /** Instead of the database that the address names. */
  readonly database?: string;
}

/** The one way to ClickHouse, for the embedded engine as for any server. */
export function openClickHouse(address: string, options: ClientOptions = {}): ClickHouseClient {
  const { url, username, password, database, cluster } = parseClickHouseUrl(address);
  return createClient({
    url,
    username,
    password,
    database: options.database ?? database,
    application: 'tapline',
    request_timeout: options.requestTimeoutMs ?? clientLimits.requestTimeoutMs,
    max_open_connections: clientLimits.connectionsMax,
    keep_alive: { enabled: true, idle_socket_ttl: clientLimits.idleSocketMs },
    log: { level: ClickHouseLogLevel.OFF },
    ...(cluster === undefined ? {} : { clickhouse_settings: clusterSettings }),
  });
}

/** Undefined when the server answers and takes the credentials, else why not, in one line. */
export async function checkClickHouse(client: ClickHouseClient): Promise<string | undefined> {
  const answer = await client.ping({ select: true });
  return answer.success ? undefined : errorLine(answer.error);
}

/** One line of a ClickHouse or network error, without version and stack. */
export function errorLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : '';
  const text = (error.message || code || error.name).split('\n', 1)[0].trim();
  return code !== '' && !text.includes(code) ? `${text} (${code})` : text;
}
