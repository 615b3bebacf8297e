import { OperatorError } from '../../workers/errors.ts';
import { quoteName, quoteText } from './quoting.ts';

/** Where a clustered schema goes. */
export interface ClusterPlace {
  /** As the server's `remote_servers` names it. */
  readonly cluster: string;
  readonly database: string;
}

/**
 * Views that a shard answers from its own rows, because each row of theirs is of one school: the shards work them out,
 * and what is asked of them reaches the primary keys below. Any other view is worked out where it is asked.
 */
const viewsOfOneSchool = new Set([
  ...['school', 'class', 'reader', 'v_derive_head', 'v_student_day', 'v_coverage_day', 'v_presence_5m', 'v_spend_day'],
  ...['v_entitlement_day', 'v_school_day'],
]);

/** A school's rows of all tables, and so all that is derived of them, lie on one shard. */
const bySchool = 'intHash64(school_id)';
/** How long replicas remember tokens. */
const tokensKeptSeconds = 7 * 86_400;

const createTable =
  /^CREATE TABLE IF NOT EXISTS (\w+)\s*\(([\s\S]*)\)\s*ENGINE\s*=\s*(\w*MergeTree)(?:\(([^)]*)\))?([\s\S]*)$/;
const createView = /^CREATE (VIEW IF NOT EXISTS|OR REPLACE VIEW) (\w+)\s+AS\s+([\s\S]*)$/;
const createFeed = /^CREATE MATERIALIZED VIEW IF NOT EXISTS (\w+)\s+TO\s+(\w+)\s+AS\s+([\s\S]*)$/;
const insertInto = /^INSERT INTO (\w+)\s/;
const alterTable = /^ALTER TABLE (\w+)\s+([\s\S]*)$/;
const ofColumns = /^(ADD|DROP|MODIFY|RENAME|COMMENT) COLUMN\b/;
const ofStorage =
  /^((ADD|DROP|MATERIALIZE) (INDEX|PROJECTION)|MODIFY (SETTING|TTL)|REMOVE TTL|MATERIALIZE (COLUMN|TTL))\b/;

/**
 * Turns the statements for one server, in their order, into those for a cluster: of each table the replicated rows under
 * `<name>_local` on every node, and under its plain name the way to all of them. Throws OperatorError
 * SCHEMA_NOT_FOR_CLUSTER for a statement that it does not understand.
 */
export class ClusterSchema {
  readonly #place: ClusterPlace;
  readonly #onCluster: string;
  /** Relations that have a `_local` one. */
  readonly #sharded = new Set<string>();

  constructor(place: ClusterPlace) {
    this.#place = place;
    this.#onCluster = `ON CLUSTER ${quoteName(place.cluster)}`;
  }

  translate(statement: string): string[] {
    const [, table, columns, engine, engineArguments, rest] = createTable.exec(statement) ?? [];
    if (table !== undefined) return this.#table(table, columns, engine, engineArguments, rest);
    const [, kind, view, select] = createView.exec(statement) ?? [];
    if (view !== undefined) return this.#view(kind, view, select);
    const [, feed, target, rows] = createFeed.exec(statement) ?? [];
    if (feed !== undefined) return this.#feed(statement, feed, target, rows);
    const [, altered, action] = alterTable.exec(statement) ?? [];
    if (altered !== undefined) return this.#alter(statement, altered, action);
    const [, filled] = insertInto.exec(statement) ?? [];
    // From one node, over all shards.
    if (this.#sharded.has(filled)) return [statement];
    throw notUnderstood(statement, 'is of no known kind');
  }

  #table(name: string, columns: string, engine: string, engineArguments: string | undefined, rest: string): string[] {
    const more = engineArguments === undefined || engineArguments === '' ? '' : `, ${engineArguments}`;
    const keeper = quoteText(`/clickhouse/tables/{shard}/${this.#place.database}/${name}_local`);
    const settings = rest.replace(
      /\bnon_replicated_deduplication_window = (\d+)/,
      `replicated_deduplication_window = $1, replicated_deduplication_window_seconds = ${tokensKeptSeconds}`,
    );
    const local = `CREATE TABLE IF NOT EXISTS ${name}_local ${this.#onCluster}
(${columns})
ENGINE = Replicated${engine}(${keeper}, '{replica}'${more})${settings}`;
    return [local, this.#overShards('CREATE TABLE IF NOT EXISTS', name, shardingKeyOf(columns, rest))];
  }

  #view(kind: string, name: string, select: string): string[] {
    if (!viewsOfOneSchool.has(name)) return [`CREATE ${kind} ${name} ${this.#onCluster} AS ${select}`];
    const local = `CREATE ${kind} ${name}_local ${this.#onCluster} AS ${this.#local(select)}`;
    const create = kind.startsWith('OR') ? 'CREATE OR REPLACE TABLE' : 'CREATE TABLE IF NOT EXISTS';
    return [local, this.#overShards(create, name, bySchool)];
  }

  #feed(statement: string, name: string, target: string, rows: string): string[] {
    if (!this.#sharded.has(target)) throw notUnderstood(statement, `feeds ${target}, which is no table before it`);
    const to = `TO ${target}_local`;
    return [`CREATE MATERIALIZED VIEW IF NOT EXISTS ${name} ${this.#onCluster} ${to} AS\n${this.#local(rows)}`];
  }

  #alter(statement: string, name: string, action: string): string[] {
    if (!this.#sharded.has(name)) throw notUnderstood(statement, `changes ${name}, which is no table before it`);
    const local = `ALTER TABLE ${name}_local ${this.#onCluster} ${action}`;
    if (ofStorage.test(action)) return [local];
    if (!ofColumns.test(action)) throw notUnderstood(statement, 'changes neither columns nor how they are stored');
    const everywhere = `ALTER TABLE ${name} ${this.#onCluster} ${action}`;
    // Nobody may be shown a column that is not there below.
    return action.startsWith('DROP') ? [everywhere, local] : [local, everywhere];
  }

  #overShards(create: string, name: string, shardingKey: string): string {
    this.#sharded.add(name);
    const { cluster, database } = this.#place;
    const where = [quoteText(cluster), quoteText(database), quoteText(`${name}_local`), shardingKey].join(', ');
    return `${create} ${name} ${this.#onCluster} AS ${name}_local ENGINE = Distributed(${where})`;
  }

  /** The same rows, of this shard; under the name that they had, as columns may be called by it. */
  #local(select: string): string {
    return select.replace(
      /\b(FROM|JOIN)\s+([a-z]\w*)\b(?!\s*\()(\s+AS\s+\w+)?/g,
      (_, word: string, name: string, alias?: string) => {
        if (!this.#sharded.has(name)) throw notUnderstood(select, `reads ${name}, which is on no shard`);
        return `${word} ${name}_local${alias ?? ` AS ${name}`}`;
      },
    );
  }
}

/** By school, else by the first column that it is sorted by. */
function shardingKeyOf(columns: string, rest: string): string {
  if (/\bschool_id UInt32\b/.test(columns)) return bySchool;
  const first = /\bORDER BY \(?(\w+)/.exec(rest)?.[1];
  if (first === undefined) throw notUnderstood(rest.trim(), 'says no order');
  return `intHash64(${first})`;
}

/**
 * What a schema knows of itself is the same on every node: one set of replicas over all shards, and no way to be
 * somewhere else.
 */
export function clusterBookkeeping(place: ClusterPlace, statement: string): string {
  const match = /^CREATE TABLE IF NOT EXISTS (\w+)\s*(\([\s\S]*\))\s*ENGINE = MergeTree ([\s\S]*)$/.exec(statement);
  if (match === null) throw notUnderstood(statement, 'is no table of the bookkeeping');
  const [, name, columns, rest] = match;
  const keeper = quoteText(`/clickhouse/tables/all/${place.database}/${name}`);
  return `CREATE TABLE IF NOT EXISTS ${name} ON CLUSTER ${quoteName(place.cluster)} ${columns}
ENGINE = ReplicatedMergeTree(${keeper}, '{shard}-{replica}') ${rest}`;
}

function notUnderstood(statement: string, why: string): OperatorError {
  const [firstLine] = statement.split('\n', 1);
  return new OperatorError(
    'SCHEMA_NOT_FOR_CLUSTER',
    `a step of the schema cannot be taken on a cluster: "${firstLine.slice(0, 100)}" ${why}`,
    'Use a single server, or a version of the product that says it can',
  );
}
