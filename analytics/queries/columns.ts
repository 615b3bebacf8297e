import { z } from 'zod';

/** What a column holds, whatever the format it is told in. */
export type ColumnKind =
  /** A whole number that names something. */
  | 'id'
  | 'count'
  /** Kopecks, whole. */
  | 'kop'
  /** 0 to 100, two decimals. */
  | 'percent'
  /** Any other number; its unit is the end of its name. */
  | 'number'
  /** `YYYY-MM-DD`, the school's own day. */
  | 'day'
  /** A moment: ISO 8601 in UTC with milliseconds. */
  | 'time'
  | 'text'
  /** A ClickHouse Bool: `toBool(…)`. */
  | 'flag';

/** One column of an answer. */
export interface Column {
  readonly kind: ColumnKind;
  /** Null where nothing can be said: nobody was expected, nothing was seen. */
  readonly isNullable: boolean;
  /** What it is, in one line, for the documentation. */
  readonly about: string;
  /** What its name is joined from at reading time, for callers that may see it; such an id gets a column `…_name`. */
  readonly names?: 'pupil' | 'school' | 'class' | 'item';
}

export type Columns = Readonly<Record<string, Column>>;
export type Cell = string | number | boolean | null;
/** A row as ClickHouse gives it, in the order of the columns. */
export type Row = readonly Cell[];

interface Options {
  readonly nullable?: boolean;
  readonly names?: Column['names'];
}

function column(kind: ColumnKind) {
  return (about: string, { nullable = false, names }: Options = {}): Column => ({
    kind,
    isNullable: nullable,
    about,
    ...(names === undefined ? {} : { names }),
  });
}

export const id = column('id');
export const count = column('count');
export const kop = column('kop');
export const percent = column('percent');
export const number = column('number');
export const day = column('day');
export const time = column('time');
export const text = column('text');
export const flag = column('flag');

const schemas: Record<ColumnKind, z.ZodType> = {
  id: z.int().min(0),
  count: z.int().min(0),
  kop: z.int(),
  percent: z.number(),
  number: z.number(),
  day: z.iso.date(),
  time: z.iso.datetime({ precision: 3 }),
  text: z.string(),
  flag: z.boolean(),
};

/** The type of one cell, for checks and for the description of the API. */
export function cellSchema({ kind, isNullable, about }: Column): z.ZodType {
  const schema = schemas[kind];
  return (isNullable ? schema.nullable() : schema).describe(about);
}
