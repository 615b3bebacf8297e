import { z } from 'zod';
import { OperatorError } from '../../workers/errors.ts';
import { snakeCased } from '../commands/common.ts';
import { completeTaps } from '../explain/explain-taps.ts';
import { describeLiveReader } from '../explain/reader-facts.ts';
import { u32Max } from '../protocol/limits.ts';
import { id, idText } from './fields.ts';
import { type Desk, route } from './route.ts';

const numberText = z
  .string()
  .regex(/^\d{1,10}$/, 'expected a whole number')
  .transform(Number)
  .pipe(z.int().min(0).max(u32Max));

const verdict = z.looseObject({ rule: z.string(), verdict: z.int().meta({ description: '0: the next rule speaks' }) });
const time = z.string().nullable();

const live = z.strictObject({
  connected: z.boolean(),
  connected_since: time,
  last_seen: time,
  boot_epoch: z.int().nullable(),
  durable_seq: z.int().nullable(),
  queued: z.int().nullable().meta({ description: 'taps that wait in the reader, as its last BEAT said' }),
  firmware: z.string().nullable(),
  rules_version: z.int().nullable().meta({ description: 'as its last HELLO or BEAT said' }),
  clock_offset_ms: z.number().nullable(),
});

const explained = z.looseObject({
  tap: z.strictObject({ reader: id, boot_epoch: z.int(), seq: z.int() }),
  decision: z.looseObject({ code: z.int(), name: z.string(), flags: z.array(z.string()), rules_version: z.int() }),
  agrees: z.boolean().meta({ description: 'judged again, the tap gets the code that it got' }),
  rules: z.array(verdict),
  transfers: z.array(z.looseObject({ debit: z.string(), credit: z.string(), kop: z.int() })),
  journal: z.looseObject({ shard: z.int(), position: z.int() }),
  stored: z.boolean().nullable().meta({ description: 'whether ClickHouse has it; null: it does not answer' }),
});

const readersSchool = ({ parameters }: { parameters: { reader: number } }, { service }: Desk) => {
  const reader = service.directory.readers.get(parameters.reader);
  return reader === undefined ? [] : [reader.schoolId];
};

export const explainRoutes = [
  route({
    name: 'explain',
    method: 'get',
    path: '/admin/v1/explain/{reader}/{epoch}/{seq}',
    summary: 'Everything about one tap: what `tapline explain` shows',
    roles: ['finance', 'operator', 'viewer'],
    parameters: z.strictObject({ reader: idText, epoch: numberText, seq: idText }),
    response: explained,
    schools: readersSchool,
    answer: async ({ parameters: { reader, epoch, seq } }, { service }) => {
      const found = await service.taps.explain({ readerId: reader, bootEpoch: epoch, seq });
      if (found === undefined) {
        const message = `the journal has no tap ${reader}:${epoch}:${seq}`;
        throw new OperatorError('TAP_UNKNOWN', message, 'Check reader, epoch and seq.', 1);
      }
      const [complete] = await completeTaps([found], {
        registry: service.registry,
        clickhouseUrl: service.clickhouseAddress,
        live: (readerId) => describeLiveReader(service.gateway.readers.find(readerId)),
      });
      return snakeCased(complete) as z.infer<typeof explained>;
    },
  }),
  route({
    name: 'reader-live',
    method: 'get',
    path: '/admin/v1/readers/{reader}/live',
    summary: 'A reader as the service has it at this moment',
    roles: ['operator', 'viewer'],
    parameters: z.strictObject({ reader: idText }),
    response: live,
    schools: readersSchool,
    answer: ({ parameters: { reader } }, { service }) => describeLiveReader(service.gateway.readers.find(reader)),
  }),
];
