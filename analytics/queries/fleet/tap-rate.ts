import { ofTheSchools } from '../attendance/fragments.ts';
import { count, text, time } from '../columns.ts';
import { defineQuery } from '../define.ts';
import { kindText } from '../money/words.ts';
import { someDays } from '../parameters.ts';

const zone = `(SELECT if(count() = 0, 'UTC', any(tz)) FROM school WHERE school_id = {schools:Array(UInt32)}[1])`;
/** So many steps of all kinds that an answer always has room for them. */
const stepMinutes = 'multiIf({to:Date} - {from:Date} < 2, 1, {to:Date} - {from:Date} < 28, 15, 120)';

export const tapRate = defineQuery({
  name: 'tap_rate',
  subject: 'fleet',
  summary:
    'Taps as they came in: minute by minute for up to 2 days, by 15 minutes for up to 28, else by 2 hours. Days are those of ' +
    'the first school asked for',
  parameters: someDays,
  columns: {
    minute_at: time('begin of the step in which they came in'),
    kind: text('gate-in, gate-out, meal, buffet, locker-open, locker-close or fare'),
    n: count('taps'),
    refused: count('of them: answered with 40 to 54, whether the child was let through or not'),
    offline: count('of them: made without a connection'),
    late: count('of them: came in more than 5 minutes after they were made'),
    minutes: count('length of the step'),
  },
  source: 'live',
  disclosure: { about: 'groups', measures: ['n', 'refused', 'offline', 'late'] },
  sql: `
WITH ${stepMinutes} AS minutes
SELECT toDateTime64(toUInt32(intDiv(toUnixTimestamp(minute), minutes * 60) * minutes * 60), 3, 'UTC') AS step_at, ${kindText},
  sum(t.taps), sumIf(t.taps, code BETWEEN 40 AND 54), sum(t.offline), sum(t.late), any(minutes)
FROM tap_minute AS t
WHERE ${ofTheSchools} AND minute >= toDateTime({from:Date}, ${zone}) AND minute < toDateTime({to:Date} + 1, ${zone})
GROUP BY step_at, kind ORDER BY step_at, kind`,
});
