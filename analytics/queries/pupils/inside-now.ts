import { z } from 'zod';
import { id, time } from '../columns.ts';
import { defineQuery } from '../define.ts';
import { parameter } from '../parameters.ts';

export const insideNow = defineQuery({
  name: 'inside_now',
  subject: 'attendance',
  summary: 'Who is inside at this moment. The shards answer, also while ClickHouse is away',
  parameters: z.strictObject({ class: parameter.class }),
  columns: {
    school_id: id('the school', { names: 'school' }),
    class_id: id('the class', { names: 'class' }),
    pupil_id: id('the pupil', { names: 'pupil' }),
    since_at: time('when it came in'),
  },
  source: 'service',
  disclosure: { about: 'pupils' },
  sql: '',
});
