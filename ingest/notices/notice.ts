import { z } from 'zod';
import { kindNames } from '../../workers/ledger/kinds.ts';
import { id, purse } from '../admin/fields.ts';

export const passageTypes = ['entry', 'exit'] as const;
const deedTypes = [...passageTypes, 'meal', 'purchase', 'locker', 'ride'] as const;
const noticeTypes = [...deedTypes, 'refused', 'correction', 'topup', 'refund', 'move', 'adjustment'] as const;
export type DeedType = (typeof deedTypes)[number];

/** What was said before, and is not so. */
const corrects = z.strictObject({
  type: z.enum([...deedTypes, 'refused']),
  school_day: z.iso.date(),
  id: z.string().optional().meta({ description: 'of the notice, if there was one; absent where a late tap corrects' }),
  tap: z.string().optional().meta({ description: 'READER:EPOCH:SEQ' }),
  at: z.iso.datetime().optional(),
});

/** One entry of the outbox: raw facts, without names. What does not apply is absent. */
export const notice = z.strictObject({
  id: z.string().meta({ description: 'SHARD:POSITION, the same whenever it is delivered' }),
  cursor: z.string().meta({ description: 'give it back to go on behind this entry' }),
  shard: z.int(),
  position: z.int(),
  type: z.enum(noticeTypes),
  audience: z.array(z.enum(['parent', 'school'])),
  alert: z.literal(true).optional(),
  pupil: id.optional(),
  school: id.optional().meta({ description: 'where it happened' }),
  at: z.iso.datetime(),
  received_at: z.iso.datetime(),
  school_day: z.iso.date(),
  kind: z.enum(kindNames).optional(),
  code: z.int().optional(),
  code_name: z.string().optional(),
  flags: z.array(z.string()).optional(),
  late: z.literal(true).optional(),
  kop: z
    .int()
    .optional()
    .meta({ description: 'what the purse changed by: below zero was taken; absent if nothing was' }),
  purse: purse.optional(),
  to_purse: purse.optional(),
  balance_kop: z.int().optional(),
  item: id.optional().meta({ description: 'item, route or locker' }),
  reader: id.optional(),
  tap: z.string().optional(),
  deed: z
    .boolean()
    .optional()
    .meta({ description: 'of a correction by OUTCOME: it happened after all, or it did not' }),
  corrects: corrects.optional(),
});
export type Notice = z.infer<typeof notice>;

/** A notice as its block gives it. */
export type Derived = Omit<Notice, 'cursor'>;
