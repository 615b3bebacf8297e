/** Pieces of SQL that the queries of attendance and of pupils share. */

export const ofTheSchools = 'school_id IN {schools:Array(UInt32)}';
export const ofTheClass = '({class_id:UInt32} = 0 OR class_id = {class_id:UInt32})';
export const onTheDay = 'school_day = {day:Date}';
export const inTheDays = 'school_day BETWEEN {from:Date} AND {to:Date}';

export const isExpected = `status NOT IN ('excused', 'closed')`;
export const hasArrived = `status IN ('on_time', 'late')`;

/** `part` of `whole` in percent, two decimals, null of nothing. */
export function percentOf(part: string, whole: string): string {
  return `if(${whole} = 0, NULL, round(100 * ${part} / ${whole}, 2))`;
}
