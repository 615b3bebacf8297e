import type { Answer } from '../types.ts';
import { columnsOf, plainCell } from './cells.ts';

/** The answer as the API gives it. */
export function answerObject(answer: Answer) {
  const { head, rows } = answer;
  const columns = columnsOf(answer);
  return {
    query: head.query,
    parameters: head.parameters,
    as_of: head.asOf,
    revision: head.revision,
    coverage_pct: head.coveragePct,
    rules_version: head.rulesVersion,
    time_zone: head.timeZone,
    hidden_groups: head.hiddenGroups,
    columns: columns.map(({ name, column: { kind, isNullable, about } }) => ({
      name,
      kind,
      nullable: isNullable,
      about,
    })),
    rows: rows.map((row) => Object.fromEntries(columns.map(({ name }, at) => [name, plainCell(row[at])]))),
    row_count: rows.length,
  };
}

export function encodeJson(answer: Answer): Uint8Array {
  return Buffer.from(JSON.stringify(answerObject(answer)));
}
