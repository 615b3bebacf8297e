import { describe, expect, it } from 'vitest';
import { useMigratedEngine } from '../../clickhouse/migrated-engine.suite.ts';
import { engineMissing, temporaryFolder } from '../../clickhouse/testing.suite.ts';
import { askNamed } from '../query-engine.suite.ts';
import { pupilTimeline } from './pupil-timeline.ts';

const missing = engineMissing();
const dayMs = 86_400_000;
const startMs = Date.UTC(2026, 10, 20, 4);
const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
const timeOf = (ms: number): string => new Date(ms).toISOString().slice(0, 23).replace('T', ' ');

/** Every kind, code and purse in turn; days, schools and pupils too. */
const taps = Array.from({ length: 400 }, (_, index) => {
  const atMs = startMs + (index % 5) * dayMs + ((index * 7919) % 600) * 1_000;
  const kind = 1 + (index % 7);
  return {
    ...{ at: timeOf(atMs), at_raw: timeOf(atMs - index), received_at: timeOf(atMs + index * 3) },
    ...{ school_id: 1 + (index % 3), school_day: dateOf(atMs), pupil_id: 5 + (index % 2) },
    ...{ reader_id: 10 + (index % 4), boot_epoch: 1 + (index % 2), seq: index, position: index + 1 },
    ...{ kind, code: [10, 11, 46, 71, 13][index % 5], purse: index % 5, ref: index % 6 },
    ...{ amount_kop: index * 100, debited_kop: index % 2 === 0 ? 0 : index * 100, clock_quality: 1 + (index % 3) },
  };
});

const kinds = ['', 'gate-in', 'gate-out', 'meal', 'buffet', 'locker-open', 'locker-close', 'fare'];
const codes: Record<number, string> = {
  10: 'ACCEPTED',
  11: 'ACCEPTED_ENTITLED',
  13: 'ACCEPTED_OVERDRAFT',
  46: 'FUNDS_INSUFFICIENT',
  71: 'BOUNCE',
};

function told(tap: (typeof taps)[number]) {
  const iso = (text: string) => `${text.replace(' ', 'T')}Z`;
  return {
    ...{ at: iso(tap.at), at_raw: iso(tap.at_raw), received_at: iso(tap.received_at), school_day: tap.school_day },
    ...{ school_id: tap.school_id, reader_id: tap.reader_id, kind: kinds[tap.kind] },
    ...{ code: tap.code, code_name: codes[tap.code], amount_kop: tap.amount_kop, debited_kop: tap.debited_kop },
    purse: ['none', 'meal', 'buffet', 'transport', 'services'][tap.purse],
    item_id: (tap.kind === 3 || tap.kind === 4) && tap.ref !== 0 ? tap.ref : null,
    ...{ clock_quality: ['', 'A', 'B', 'D'][tap.clock_quality], boot_epoch: tap.boot_epoch, seq: tap.seq },
  };
}

describe.skipIf(missing !== undefined)('pupil_timeline', () => {
  const database = useMigratedEngine(temporaryFolder());

  it('tells every tap of the pupil on these days at these schools, and nobody else’s', async () => {
    await database.client.insert({ table: 'tap', values: taps, format: 'JSONEachRow' });
    const asked = { schools: [1, 3], pupil: 6, from: dateOf(startMs + dayMs), to: dateOf(startMs + 3 * dayMs) };
    const own = taps.filter(
      (tap) => tap.pupil_id === 6 && tap.school_id !== 2 && tap.school_day >= asked.from && tap.school_day <= asked.to,
    );
    const key = ({ at, reader_id, boot_epoch, seq }: (typeof taps)[number]) =>
      [at, reader_id, boot_epoch, String(seq).padStart(6, '0')].join(' ');
    own.sort((a, b) => (key(a) < key(b) ? -1 : 1));
    expect(own.length).toBeGreaterThan(50);
    expect(await askNamed(database.client, pupilTimeline, asked)).toEqual(own.map(told));
    expect(await askNamed(database.client, pupilTimeline, { ...asked, schools: [] })).toEqual([]);
  });
});
