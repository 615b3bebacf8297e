import type { z } from 'zod';
import type { Columns } from './columns.ts';

/** Whose figures a query shows; the API decides with it who may ask, and hides small groups. */
export type Disclosure =
  /** Machines, rows and checks: no group of people. */
  | { readonly about: 'system' }
  /** Rows are single pupils: never for those who see groups only. */
  | { readonly about: 'pupils' }
  /**
   * Rows are groups of pupils. `schoolColumn` and `classColumn` name the group where a row has one of its own; without, a
   * row is about everybody asked for. `measures` are the columns to hide of a group that is too small.
   */
  | {
      readonly about: 'groups';
      readonly schoolColumn?: string;
      readonly classColumn?: string;
      readonly dayColumn?: string;
      readonly measures: readonly string[];
      /** The column that counts the different pupils of a row, where rows are made by what pupils did. */
      readonly sizeColumn?: string;
      /** Columns of rows that add up to a total that is shown elsewhere: of these a second one is hidden. */
      readonly within?: readonly string[];
    };

/** Fields of screens that a query belongs to: who may ask it follows from them. */
export type Subject = 'attendance' | 'money' | 'fleet' | 'trust' | 'pupil';

/** A question with a name: the one source of its SQL, its types, its path in the API and its documentation. */
export interface NamedQuery {
  /** snake_case; part of its address. */
  readonly name: string;
  readonly subject: Subject;
  /** What it answers, in one line. */
  readonly summary: string;
  /** What a caller may say, beside which schools: see `parameters.ts`. */
  readonly parameters: z.ZodObject;
  readonly columns: Columns;
  /**
   * Where its answers come from, and what they change with: `derived` with the derivations of its schools and days only,
   * `live` with every tap; `service` is answered by the running service itself, and has no SQL.
   */
  readonly source: 'derived' | 'live' | 'service';
  readonly disclosure: Disclosure;
  /**
   * Constant text; values are bound by the server as `{name:Type}`. Beside the parameters there are always
   * `{schools:Array(UInt32)}`, what the caller asked for and may see, and `{now:DateTime64(3)}`, the service's clock.
   * Columns come in the declared order. Empty where the service answers.
   */
  readonly sql: string;
}

/** Declares a query. */
export function defineQuery<C extends Columns>(query: NamedQuery & { readonly columns: C }): NamedQuery {
  return query;
}
