import { inTheDays, ofTheSchools } from '../attendance/fragments.ts';
import { count, id, kop, number } from '../columns.ts';
import { defineQuery } from '../define.ts';
import { someDays } from '../parameters.ts';
import { aboutEaters, aboutPupilsAtLeast, eaters, pupilsAtLeast } from './words.ts';

export const schoolSpend = defineQuery({
  name: 'school_spend',
  subject: 'money',
  summary: 'What each school sold over the days, less what was taken back, and for how much a pupil',
  parameters: someDays,
  columns: {
    school_id: id('where it was sold', { names: 'school' }),
    n: number('sales less those taken back'),
    kop: kop('kopecks of sales less those taken back, whoever paid'),
    entitled_kop: kop('of them: paid by the entitlement fund'),
    eaters: count(aboutEaters),
    kop_per_eater: kop('kop for each of the eaters, rounded', { nullable: true }),
    pupils: count(aboutPupilsAtLeast),
  },
  source: 'derived',
  disclosure: {
    about: 'groups',
    schoolColumn: 'school_id',
    measures: ['n', 'kop', 'entitled_kop', 'eaters', 'kop_per_eater', 'pupils'],
    sizeColumn: 'pupils',
    within: [],
  },
  sql: `
SELECT school_id, n, kop, entitled_kop, eaters, if(eaters = 0, NULL, toInt64(floor((2 * kop + eaters) / (2 * eaters)))), pupils
FROM (
  SELECT school_id, sum(v.n) AS n, sum(v.kop) AS kop, sumIf(v.kop, purse = 0) AS entitled_kop, toInt64(${eaters}) AS eaters,
    ${pupilsAtLeast(eaters)} AS pupils
  FROM v_spend_day AS v WHERE ${ofTheSchools} AND ${inTheDays} GROUP BY school_id)
ORDER BY school_id`,
});
