import type { ClickHouseClient } from '../../clickhouse/client.ts';
import { verifyLimits } from '../../limits.ts';
import type { Ask } from './read-inputs.ts';

/** Asks with the limits of a comparison; whole numbers come as numbers, none of ours is beyond 2⁵³. */
export function askWith(client: ClickHouseClient): Ask {
  return async <T>(query: string, parameters: Record<string, unknown> = {}) => {
    const answer = await client.query({
      query,
      query_params: parameters,
      format: 'JSONEachRow',
      clickhouse_settings: {
        max_execution_time: verifyLimits.executionSecondsMax,
        output_format_json_quote_64bit_integers: 0,
      },
    });
    return answer.json<T>();
  };
}
