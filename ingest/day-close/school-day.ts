import { z } from 'zod';

const dayMs = 86_400_000;
/** The journal has 16 bits for a school day. */
const schoolDayMax = 65_535;

/** A school day as people write it. Day 0 asks a shard for all days at once. */
export const dateText = z.iso
  .date()
  .refine((text) => schoolDayOf(text) > 0 && schoolDayOf(text) <= schoolDayMax, 'expected a day after 1970-01-01');

/** Days since 1970. */
export function schoolDayOf(date: string): number {
  return Date.parse(date) / dayMs;
}
