import { z } from 'zod';
import { ofTheSchools, onTheDay } from '../attendance/fragments.ts';
import { count, id, number, time } from '../columns.ts';
import { defineQuery } from '../define.ts';
import { parameter } from '../parameters.ts';

/** Bounds of the day in the zone of the reader's school. */
const zone = `(SELECT if(count() = 0, 'UTC', any(tz)) FROM school WHERE school_id IN
  (SELECT school_id FROM reader WHERE reader_id = {reader_id:UInt32} AND ${ofTheSchools}))`;

export const readerTimeline = defineQuery({
  name: 'reader_timeline',
  subject: 'fleet',
  summary: 'A reader minute by minute through the local day: what it told of itself, and the taps that it made',
  parameters: z.strictObject({ day: parameter.day, reader: parameter.reader.unwrap() }),
  columns: {
    minute_at: time('begin of the minute'),
    queue: count('most taps that it had not sent yet; null where it told nothing', { nullable: true }),
    drift_ms: number("the service's clock less its own, the one farthest from 0", { nullable: true }),
    gaps: count('gaps in its numbering since the service began', { nullable: true }),
    rules_version: id('the rules that it carried', { nullable: true }),
    taps: count('taps that it made, by their corrected times'),
    school_id: id('its school then', { names: 'school' }),
  },
  source: 'live',
  disclosure: { about: 'groups', schoolColumn: 'school_id', measures: ['taps', 'queue'] },
  sql: `
WITH minutes AS (
  SELECT minute, school_id, max(queued_max) AS queue, max(drift_ms_max) AS most, min(drift_ms_min) AS least,
    if(abs(least) > abs(most), least, most) AS drift_ms, max(gaps_max) AS gaps, max(rules_version_max) AS rules_version,
    toUInt64(0) AS taps, 1 AS is_told
  FROM reader_minute
  WHERE ${ofTheSchools} AND reader_id = {reader_id:UInt32}
    AND minute >= toDateTime({day:Date}, ${zone}) AND minute < toDateTime({day:Date} + 1, ${zone})
  GROUP BY minute, school_id
  UNION ALL
  SELECT toDateTime(toStartOfMinute(at), 'UTC') AS minute, school_id, 0, 0, 0, 0, 0, 0, count() AS taps, 0
  FROM tap WHERE ${ofTheSchools} AND ${onTheDay} AND reader_id = {reader_id:UInt32}
  GROUP BY minute, school_id)
SELECT toDateTime64(minute, 3, 'UTC'), if(max(is_told) = 0, NULL, sum(m.queue)), if(max(is_told) = 0, NULL, sum(m.drift_ms)),
  if(max(is_told) = 0, NULL, sum(m.gaps)), if(max(is_told) = 0, NULL, sum(m.rules_version)), sum(m.taps), school_id
FROM minutes AS m GROUP BY minute, school_id ORDER BY minute, school_id`,
});
