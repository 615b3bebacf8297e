import { ClickHouseError } from '@clickhouse/client';
import { OperatorError } from '../../workers/errors.ts';
import { errorLine, type ClickHouseClient } from '../clickhouse/client.ts';
import type { Row } from './columns.ts';
import type { NamedQuery } from './define.ts';
import { queryLimits } from './limits.ts';
import { boundParameters } from './parameters.ts';

/** A question as it is asked: parameters that the query's schema has passed, and which schools. */
export interface Asked {
  readonly parameters: Readonly<Record<string, unknown>>;
  /** Schools that are asked for and that the caller may see; none gives an empty answer. */
  readonly schools: readonly number[];
  /** The service's clock, ms since 1970 UTC. */
  readonly nowMs: number;
}

const tooMuch = new Set(['TOO_MANY_ROWS_OR_BYTES', 'TOO_MANY_ROWS', 'MEMORY_LIMIT_EXCEEDED', 'TIMEOUT_EXCEEDED']);

/**
 * Asks ClickHouse a named query. Rows in the declared order of columns: counts and kopecks as numbers, days as
 * `YYYY-MM-DD`, times as ISO 8601 in UTC. Throws OperatorError QUERY_TOO_LARGE (1), DAYS_INVALID (2) or
 * CLICKHOUSE_UNREACHABLE (3).
 */
export async function runQuery(client: ClickHouseClient, query: NamedQuery, asked: Asked): Promise<Row[]> {
  checkDays(asked.parameters);
  try {
    const answer = await client.query({
      query: query.sql,
      query_params: {
        ...boundParameters(asked.parameters),
        schools: [...asked.schools],
        now: new Date(asked.nowMs),
      },
      format: 'JSONCompactEachRow',
      clickhouse_settings: {
        readonly: '2',
        max_execution_time: queryLimits.executionSecondsMax,
        max_memory_usage: String(queryLimits.memoryBytesMax),
        max_result_rows: String(queryLimits.rowsMax),
        result_overflow_mode: 'throw',
        output_format_json_quote_64bit_integers: 0,
        output_format_json_quote_denormals: 0,
        date_time_output_format: 'iso',
        // Half an answer is never shown as a whole one.
        wait_end_of_query: 1,
      },
    });
    return await answer.json<Row>();
  } catch (error) {
    throw explained(query, error);
  }
}

function checkDays({ from, to }: Readonly<Record<string, unknown>>): void {
  if (from === undefined || to === undefined) return;
  const days = (Date.parse(to as string) - Date.parse(from as string)) / 86_400_000 + 1;
  if (days >= 1 && days <= queryLimits.daysMax) return;
  const message = days < 1 ? '"to" is before "from"' : `from "from" to "to" are ${days} days`;
  throw new OperatorError('DAYS_INVALID', message, `Ask for 1 to ${queryLimits.daysMax} days.`, 2);
}

function explained(query: NamedQuery, error: unknown): unknown {
  if (!(error instanceof ClickHouseError)) {
    const message = `ClickHouse does not answer: ${errorLine(error)}`;
    return new OperatorError('CLICKHOUSE_UNREACHABLE', message, 'Try again; see "tapline status".', 3);
  }
  if (!tooMuch.has(error.type ?? '')) return error;
  const message = `${query.name} needs more than one question may (${error.type})`;
  return new OperatorError('QUERY_TOO_LARGE', message, 'Ask for fewer days or schools.', 1);
}
