import type { z } from 'zod';

/*
 * Checks of `rules.json` that look at several values at once. They speak also where something else is wrong with the value,
 * because people want to hear of everything at once; so they may meet values of any type.
 */
const always = { when: () => true };

/** Refuses the later of two times that are not in order; what is no time is refused elsewhere. */
export function inOrder<Schema extends z.ZodType>(
  schema: Schema,
  fromKey: string | number,
  toKey: string | number,
): Schema {
  return schema.superRefine((value, context) => {
    const times = Object(value) as Record<string | number, unknown>;
    const [from, to] = [times[fromKey], times[toKey]];
    if (!isTime(from) || !isTime(to) || from < to) return;
    context.addIssue({ code: 'custom', path: [toKey], message: `must be later than ${from}` });
  }, always);
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && /^\d\d:\d\d$/.test(value);
}

/** Refuses what occurs again in a list, or, with `field`, an element whose field does. */
export function unique<Schema extends z.ZodType>(schema: Schema, field?: string): Schema {
  return schema.superRefine((list, context) => {
    if (!Array.isArray(list)) return;
    const first = new Map<unknown, number>();
    list.forEach((element: unknown, place) => {
      const key = field === undefined ? element : (Object(element) as Record<string, unknown>)[field];
      const same = first.get(key);
      if (same === undefined || key === undefined) return void first.set(key, place);
      const path = field === undefined ? [place] : [place, field];
      const message = `is the same as in element [${same}]`;
      return context.addIssue({ code: 'custom', path, message, params: { code: 'DUPLICATE' } });
    });
  }, always);
}
