import { createHash } from 'node:crypto';
import type { ClickHouseClient } from '../../../analytics/clickhouse/client.ts';
import type { Row } from '../../../analytics/queries/columns.ts';
import type { NamedQuery } from '../../../analytics/queries/define.ts';
import { readFreshness, type Freshness } from '../../../analytics/queries/freshness.ts';
import { runQuery } from '../../../analytics/queries/run.ts';
import type { HiddenGroups, HidingOptions, Reason } from '../disclosure/hidden-groups.ts';
import { hideSmallGroups, nothingTold, suppression, widen, type AskedGroups, type Hidden } from '../disclosure/hide.ts';
import { lookBackDays, policyOf } from '../disclosure/policy.ts';
import { RosterReader } from '../disclosure/rosters.ts';
import type { Answer, Caller, RegistryView, SchoolEntry, ServiceAnswers } from '../types.ts';
import { reached, reasonRequired, roleForbidden } from './errors.ts';
import { inOrderOfNames, withNames } from './names.ts';
import { mayAsk, mayReadPupilNames, seesGroupsOnly } from './roles.ts';
import { dayBefore, localDay, parametersOf, saidOf } from './said.ts';
import { resolveScope, schoolsOf } from './scope.ts';

export interface DeskParts {
  readonly client: () => ClickHouseClient;
  readonly registry: RegistryView;
  readonly service: ServiceAnswers;
  /** The service's clock, ms since 1970 UTC. */
  readonly now: () => number;
  /** For a test that sees what hiding is good for. */
  readonly hiding?: HidingOptions;
}

/** School days of a question, both included. */
interface Days {
  readonly from: string;
  readonly to: string;
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
  readonly entries: readonly SchoolEntry[];
  readonly days: Days;
  readonly rulesVersion: number;
  /** Of those schools' days; undefined where the running service answers, and where nothing may be told. */
  readonly freshness: Freshness | undefined;
  /** What small groups hide of the answer; undefined for those who see more than groups. */
  readonly groups: HiddenGroups | undefined;
  /** Why nothing at all is told; undefined where something is. */
  readonly suppressed: Reason | undefined;
  /** Everything the answer depends on; null where it may change without that being seen: never to be cached. */
  readonly cacheKey: string | null;
  readonly nowMs: number;
  /** What has to be in the audit before anything is shown; undefined for answers without single pupils. */
  readonly audit: { readonly pupilId: number | null; readonly reason: string | null } | undefined;
}

const reasonCharactersMin = 10;
/** Answers that depend on the clock are of its last whole step, so that equal questions have equal answers. */
const clockStepMs = 5_000;

/** Answers named queries: who may ask, what of it they may see, names. No HTTP. */
export class AnswerDesk {
  readonly #parts: DeskParts;
  readonly #rosters: RosterReader;

  constructor(parts: DeskParts) {
    this.#parts = parts;
    this.#rosters = new RosterReader(parts.client, parts.hiding);
  }

  /**
   * Holds what was said (text of an address; `format`, `lang` and `head` are ignored) against role and scope. Throws
   * AnswerError: ROLE_FORBIDDEN and SCOPE_FORBIDDEN (403), PARAMETER_INVALID, DAYS_INVALID and REASON_REQUIRED (400), and for
   * an admin SCHOOL_UNKNOWN, DISTRICT_UNKNOWN, CLASS_UNKNOWN, PUPIL_UNKNOWN (404).
   */
  async prepare(query: NamedQuery, caller: Caller, said: Readonly<Record<string, string>>): Promise<Prepared> {
    if (!mayAsk(caller.role, query)) throw roleForbidden();
    const asked = withOwnClass(said, caller, query);
    const { reason, ...scope } = saidOf(asked, query);
    const nowMs = Math.floor(this.#parts.now() / clockStepMs) * clockStepMs;
    // What cannot be read is said before the scope is looked at, so that it tells nothing of it.
    parametersOf(asked, { query, today: localDay(nowMs, 'UTC') });
    const isOfPupils = query.disclosure.about === 'pupils';
    if (isOfPupils && seesGroupsOnly(caller.role) && (reason ?? '').length < reasonCharactersMin)
      throw reasonRequired();
    const entries = await resolveScope(this.#parts.registry, caller, scope);
    const today = localDay(nowMs, entries[0]?.timeZone ?? 'UTC');
    const parameters = parametersOf(asked, { query, today });
    const question = {
      query,
      caller,
      parameters,
      told: toldOf(parameters, asked),
      schools: entries.map(({ schoolId }) => schoolId),
      entries,
      days: daysOf(parameters, today),
      nowMs,
      audit: isOfPupils ? { pupilId: scope.pupilId ?? null, reason } : undefined,
    };
    return { ...question, ...(await this.#lookAt(question)) };
  }

  /** Asks, hides small groups, adds names. Throws what `runQuery` throws. */
  async answer(prepared: Prepared): Promise<Answer> {
    const { query, caller, entries } = prepared;
    const told = await this.#told(prepared);
    const named = await withNames(
      { columns: query.columns, rows: told.rows },
      { registry: this.#parts.registry, schools: entries, withPupils: mayReadPupilNames(caller.role) },
    );
    const rows = inOrderOfNames(query, named.columns, named.rows);
    return { head: headOf(prepared, told.hiddenGroups), columns: named.columns, rows };
  }

  async #lookAt(question: Question) {
    const { query, schools, days } = question;
    const rulesVersion = await this.#parts.registry.rulesVersion();
    const of = await this.#groups(question);
    const suppressed = of && suppression(query, askedGroups(question), of.groups);
    const fresh = (of: FreshnessAsked) => reached(readFreshness(this.#parts.client(), of));
    // How fresh a group is that nothing is told of tells when its pupils tap.
    const isFresh = query.source !== 'service' && suppressed === undefined;
    const freshness = isFresh ? await fresh({ schools, ...days }) : undefined;
    const before = lookBackDays(query);
    const lookedAt =
      isFresh && before > 0 && of === undefined
        ? (await fresh({ schools, from: dayBefore(days.from, before), to: days.to })).revision
        : of?.revision;
    const key = { ...question, rulesVersion, suppressed, revisions: [freshness?.revision, lookedAt] };
    return { rulesVersion, freshness, groups: of?.groups, suppressed, cacheKey: cacheKeyOf(key) };
  }

  /** What is hidden of the caller's whole district, on the days that the answer tells of. */
  async #groups({ query, caller, days }: Question): Promise<{ groups: HiddenGroups; revision: string } | undefined> {
    if (!seesGroupsOnly(caller.role) || policyOf(query) === undefined) return undefined;
    const schools = await this.#schoolsOf(caller);
    const window = { schools, from: dayBefore(days.from, lookBackDays(query)), to: days.to };
    const { revision } = await reached(readFreshness(this.#parts.client(), window));
    return { groups: await reached(this.#rosters.hiddenOf({ ...window, revision })), revision };
  }

  async #told(prepared: Prepared): Promise<Hidden> {
    const { query, groups, suppressed, schools, parameters } = prepared;
    if (groups === undefined) return { rows: await this.#rows(prepared, schools, parameters), hiddenGroups: 0 };
    if (suppressed !== undefined) return nothingTold(query, suppressed);
    const district = await this.#schoolsOf(prepared.caller);
    const widened = widen(query, { schools, parameters }, groups, district);
    const rows = await this.#rows(prepared, widened.schools, widened.parameters);
    const hidden = hideSmallGroups(query, rows, askedGroups(prepared), groups);
    // A limit counts what is told: else the place of a hidden row among the others could be found with it.
    return { ...hidden, rows: hidden.rows.slice(0, parameters.limit as number | undefined) };
  }

  /** All schools that a caller may see. */
  async #schoolsOf(caller: Caller): Promise<number[]> {
    return schoolsOf(caller, await this.#parts.registry.schools()).map(({ schoolId }) => schoolId);
  }

  async #rows(
    { query, nowMs }: Prepared,
    schools: readonly number[],
    parameters: Readonly<Record<string, unknown>>,
  ): Promise<readonly Row[]> {
    if (query.source === 'service') return this.#parts.service.ask(query.name, { parameters, schools });
    return runQuery(this.#parts.client(), query, { parameters, schools, nowMs });
  }
}

type FreshnessAsked = Days & { readonly schools: readonly number[] };
type Question = Pick<Prepared, 'query' | 'caller' | 'parameters' | 'told' | 'schools' | 'entries' | 'days' | 'nowMs'>;

/** A class's own filter is always there, where a query can be filtered by class. */
function withOwnClass(said: Readonly<Record<string, string>>, caller: Caller, query: NamedQuery) {
  if (caller.role !== 'class' || caller.classId === null || !('class' in query.parameters.shape)) return said;
  return { class: String(caller.classId), ...said };
}

function toldOf(parameters: Readonly<Record<string, unknown>>, said: Readonly<Record<string, string>>) {
  const told: Record<string, string | number> = {};
  for (const name of ['district', 'school']) if (said[name] !== undefined) told[name] = Number(said[name]);
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined) told[name] = value as string | number;
  return told;
}

function daysOf({ day, from, to }: Readonly<Record<string, unknown>>, today: string): Days {
  return { from: (from ?? day ?? today) as string, to: (to ?? day ?? today) as string };
}

function askedGroups({ schools, parameters, days }: Pick<Prepared, 'schools' | 'parameters' | 'days'>): AskedGroups {
  const { class: classId, reader: readerId } = parameters as { readonly class?: number; readonly reader?: number };
  return { schools, classId, readerId, ...days };
}

interface KeyParts extends Question {
  readonly rulesVersion: number;
  readonly suppressed: Reason | undefined;
  readonly revisions: readonly (string | undefined)[];
}

function cacheKeyOf({
  query,
  caller,
  told,
  entries,
  nowMs,
  rulesVersion,
  suppressed,
  revisions,
}: KeyParts): string | null {
  if (query.source !== 'derived' || query.disclosure.about === 'pupils') return null;
  const { role, districtId, schoolId, classId } = caller;
  const clock = /\{now:/.test(query.sql) ? nowMs : 0;
  const of = suppressed === undefined ? [revisions, clock, entries] : [suppressed];
  const all = [query.name, told, role, districtId, schoolId, classId, rulesVersion, of];
  return createHash('sha256').update(JSON.stringify(all)).digest('base64url');
}

function headOf(prepared: Prepared, hidden: number): Answer['head'] {
  const { query, told, freshness, suppressed, nowMs, entries, rulesVersion } = prepared;
  const zones = new Set(entries.map(({ timeZone }) => timeZone));
  const isNow = query.source !== 'derived';
  const asOf = isNow ? new Date(nowMs).toISOString() : (freshness?.asOf ?? null);
  const revision = isNow ? String(nowMs) : (freshness?.revision ?? '0');
  return {
    query: query.name,
    parameters: told,
    asOf: suppressed === undefined ? asOf : null,
    revision: suppressed === undefined ? revision : '0',
    coveragePct: freshness?.coveragePct ?? null,
    rulesVersion,
    timeZone: zones.size === 1 ? [...zones][0] : null,
    hiddenGroups: hidden,
  };
}
