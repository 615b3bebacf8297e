/** The derived tables: the keys of a school's day in them, and the columns that are held against a recomputation. */

const asMs = (column: string) =>
  `if(isNull(${column}), NULL, toInt64(toUnixTimestamp64Milli(assumeNotNull(${column})))) AS ${column}`;
const asText = (column: string) => `arrayStringConcat(${column}, ',') AS ${column}`;
const plain = (columns: string) => columns.split(' ');

export const derivedTables = {
  coverage_day: {
    keys: ['doors_at', 'bell_at'],
    columns: [asMs('doors_at'), asMs('bell_at'), ...plain('readers alive_ms due_ms')],
  },
  student_day: {
    keys: ['pupil_id'],
    columns: [
      ...plain('pupil_id class_id shift'),
      ...['bell_at', 'end_at', 'first_in_at', 'last_out_at'].map(asMs),
      ...plain('excused minutes_inside status late_minutes left_early no_exit manual clock_doubt'),
    ],
  },
  presence_5m: { keys: ['slot'], columns: plain('slot inside') },
  spend_day: {
    keys: ['kind', 'purse', 'item'],
    columns: [...plain('kind purse item n kop'), asText('eaters'), asText('taken_back')],
  },
  entitlement_day: {
    keys: ['class_id', 'window'],
    columns: plain('class_id window entitled served second_refused unclaimed'),
  },
  district_day: {
    keys: [],
    columns: plain(
      'district_id expected arrived late out_only no_tap_covered no_tap_uncovered excused closed left_early no_exit manual ' +
        'clock_doubt alive_ms due_ms meals_kop buffet_kop fare_kop spend_kop entitled served is_closed roster_revision ' +
        'calendar_revision',
    ),
  },
} as const satisfies Record<string, { readonly keys: readonly string[]; readonly columns: readonly string[] }>;

export type DerivedTable = keyof typeof derivedTables;
export const derivedTableNames = Object.keys(derivedTables) as DerivedTable[];

/** Rows of what is published of a day; the side of no other revision. */
export function publishedRows(table: DerivedTable): string {
  return `SELECT school_id AS school, ${derivedTables[table].columns.join(', ')} FROM ${table} AS t
WHERE t.school_id IN {schools:Array(UInt32)} AND t.school_day = toDate({day:UInt16})
  AND t.revision = transform(t.school_id, {schools:Array(UInt32)}, {revisions:Array(UInt64)}, toUInt64(0))`;
}
