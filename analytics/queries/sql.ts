import type { Readable } from 'node:stream';
import { ClickHouseError } from '@clickhouse/client';
import { OperatorError } from '../../workers/errors.ts';
import { errorLine, type ClickHouseClient } from '../clickhouse/client.ts';
import { sqlLimits } from '../limits.ts';

/**
 * Runs one query that changes nothing and gives its answer as text in a ClickHouse format, to be streamed on. A FORMAT
 * in the query wins over `format`. Throws OperatorError SQL_FAILED (exit status 2) or CLICKHOUSE_UNREACHABLE (3) before
 * any text has been given.
 */
export async function runReadOnlySql(
  client: ClickHouseClient,
  query: string,
  format = 'PrettyCompactMonoBlock',
): Promise<Readable> {
  if (!/^\w+$/.test(format)) throw failed(`${format} is not the name of a format`);
  try {
    const answer = await client.exec({
      query,
      http_headers: { 'X-ClickHouse-Format': format },
      clickhouse_settings: {
        readonly: '1',
        max_execution_time: sqlLimits.executionSecondsMax,
        max_memory_usage: String(sqlLimits.memoryBytesMax),
        // The server keeps the answer until the query has ended well, so that half an answer is never shown.
        wait_end_of_query: 1,
      },
    });
    return answer.stream;
  } catch (error) {
    if (error instanceof ClickHouseError) throw failed(explain(error));
    throw new OperatorError(
      'CLICKHOUSE_UNREACHABLE',
      `ClickHouse does not answer: ${errorLine(error)}`,
      'Start the service, or give the address of a server with --clickhouse-url',
    );
  }
}

/** ClickHouse's own words without version, stack and line breaks. */
function explain(error: ClickHouseError): string {
  const words = error.message.replaceAll(/\s+/g, ' ').replace(/ \(version .*$/, '');
  const name = error.type === undefined ? '' : ` (${error.type})`;
  return words.trim().replace(/\.$/, '').slice(0, sqlLimits.errorCharactersMax) + name;
}

function failed(message: string): OperatorError {
  return new OperatorError('SQL_FAILED', message, 'Mend the query; only reading is allowed', 2);
}
