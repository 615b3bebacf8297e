import type { ClickHouseClient } from '../../../analytics/clickhouse/client.ts';
import type { NamedQuery } from '../../../analytics/queries/define.ts';
import type { Freshness } from '../../../analytics/queries/freshness.ts';
import type { Answer, Caller, RegistryView, ServiceAnswers } from '../types.ts';

export interface DeskParts {
  readonly client: () => ClickHouseClient;
  readonly registry: RegistryView;
  readonly service: ServiceAnswers;
  /** The service's clock, ms since 1970 UTC. */
  readonly now: () => number;
}

/** A question that its caller may ask, with everything said. */
export interface Prepared {
  readonly query: NamedQuery;
  readonly caller: Caller;
  /** As the query's schema passed them. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** With defaults filled in and with `district` and `school`, where they were said. */
  readonly told: Readonly<Record<string, string | number>>;
  /** Schools asked for that the caller may see. */
  readonly schools: readonly number[];
  /** Of those schools' days; undefined where the running service answers. */
  readonly freshness: Freshness | undefined;
  /** Everything the answer depends on; null where it may change without that being seen: never to be cached. */
  readonly cacheKey: string | null;
  readonly nowMs: number;
  /** What has to be in the audit before anything is shown; undefined for answers without single pupils. */
  readonly audit: { readonly pupilId: number | null; readonly reason: string | null } | undefined;
}

/** Answers named queries: who may ask, what of it they may see, names. No HTTP. */
export class AnswerDesk {
  constructor(_parts: DeskParts) {}

  /**
   * Holds what was said (text of an address; `format`, `lang` and `head` are ignored) against role and scope. Throws
   * AnswerError: ROLE_FORBIDDEN and SCOPE_FORBIDDEN (403), PARAMETER_INVALID and REASON_REQUIRED (400), and for an admin
   * SCHOOL_UNKNOWN, DISTRICT_UNKNOWN, CLASS_UNKNOWN, PUPIL_UNKNOWN (404).
   */
  prepare(_query: NamedQuery, _caller: Caller, _said: Readonly<Record<string, string>>): Promise<Prepared> {
    return Promise.reject(new Error('to come'));
  }

  /** Asks, hides small groups, adds names. Throws what `runQuery` throws. */
  answer(_prepared: Prepared): Promise<Answer> {
    return Promise.reject(new Error('to come'));
  }
}
