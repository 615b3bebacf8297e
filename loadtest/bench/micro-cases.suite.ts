import fs from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CardIndex } from '../../ingest/registry/card-index.ts';
import { encodeTaps } from '../../ingest/protocol/encode.ts';
import { TapsFrame } from '../../ingest/protocol/taps-frame.ts';
import { FileStorage } from '../../workers/journal/file-storage.ts';
import { tapRecordBytes, TapRecords } from '../../workers/journal/tap-record.ts';
import { SectionType } from '../../workers/journal/types.ts';
import { JournalWriter } from '../../workers/journal/writer.ts';
import { Kind, Purse } from '../../workers/ledger/kinds.ts';
import { Ledger } from '../../workers/ledger/ledger.ts';
import { fillTap, noon, plainTap } from '../../workers/ledger/taps.suite.ts';
import { TransferRecords } from '../../workers/ledger/transfers.ts';
import { measurePair, type MicroFigure } from './micro-timing.ts';

/*
 * Times parts by themselves: `node micro-cases.suite.ts MILLISECONDS` prints their figures as JSON. It is a suite, as
 * tests are, because it reaches into parts that this folder otherwise meets through sockets only.
 */
const windowMs = Number(process.argv[2]);
const batchTaps = 1_000;
const cards = 20_000;
const readers = 100;
const lookups = 10_000;
const registryCards = 200_000;
const tapStepMs = 5;
const rawFileBytes = 64 * 1024 * 1024;

/** A repeatable spread of numbers: benches need no better. */
function scattered(place: number, below: number): number {
  return (Math.imul(place, 0x9e3779b1) >>> 0) % below;
}

function uidOf(place: number): Buffer {
  const uid = Buffer.alloc(7, 4);
  uid.writeUInt32BE(Math.imul(place + 1, 0x85ebca6b) >>> 0, 1);
  return uid;
}

function codecDecode(tapsPerFrame: number): MicroFigure {
  const taps = Array.from({ length: tapsPerFrame }, (_, place) => ({
    uid: uidOf(place),
    kind: Kind.buffet,
    deltaMs: place * tapStepMs,
    amountKop: 8_500,
  }));
  const bytes = encodeTaps({ firstSeq: 70_000, baseMs: noon, taps });
  const frame = new TapsFrame();
  const copy = new Uint8Array(bytes.length);
  const repeats = Math.ceil(batchTaps / tapsPerFrame);
  const part = () => {
    for (let n = 0; n < repeats; n++) if (frame.decode(bytes) !== 0) throw new Error(frame.errorMessage);
  };
  const floor = () => {
    for (let n = 0; n < repeats; n++) copy.set(bytes);
  };
  const figure = { name: `codec decode, ${tapsPerFrame} a frame`, floorName: 'copy of the bytes' };
  return measurePair({ ...figure, taps: repeats * tapsPerFrame, part, floor, windowMs });
}

function ledgerWithCards(): Ledger {
  const ledger = new Ledger(0);
  for (let place = 1; place <= cards; place++) {
    const holder = { pupilId: place, schoolId: 1 + (place % 50), classId: place % 900, active: true, entitled: false };
    ledger.applyCommand({ type: 'holder', change: place, ...holder });
    ledger.applyCommand({
      type: 'card',
      change: place,
      cardId: place,
      pupilId: place,
      status: 'active',
      expiresDay: 0,
    });
    ledger.pupils.addKop(place - 1, Purse.buffet, 1_000_000_000);
  }
  return ledger;
}

function ledgerDecide(): MicroFigure {
  const ledger = ledgerWithCards();
  const records = new TapRecords(new ArrayBuffer(batchTaps * tapRecordBytes));
  const transfers = new TransferRecords();
  const rows = new Map(Array.from({ length: cards }, (_, place) => [place + 1, place]));
  let made = 0;
  let found = 0;
  const prepare = () => {
    transfers.clear();
    for (let row = 0; row < batchTaps; row++, made++) {
      const isSale = made % 2 === 1;
      const sale = isSale ? { kind: Kind.buffet, amountKop: 1 } : { kind: Kind.gateIn, amountKop: 0 };
      const identity = { readerId: 1 + (made % readers), seq: 1 + Math.floor(made / readers), contentHash: made };
      fillTap(records, row, {
        ...plainTap,
        ...sale,
        ...identity,
        at: noon + made * tapStepMs,
        cardId: 1 + (made % cards),
      });
    }
  };
  const part = () => {
    for (let row = 0; row < batchTaps; row++) ledger.decide(records, row, made + row, transfers);
  };
  const floor = () => {
    for (let n = 0; n < batchTaps; n++) found += rows.get(1 + scattered(n, cards)) ?? 0;
  };
  const figure = measurePair({
    name: 'ledger decide, half of them sales',
    floorName: 'one lookup in a Map',
    taps: batchTaps,
    prepare,
    part,
    floor,
    windowMs,
  });
  if (found === 0) throw new Error('the floor found nothing');
  return figure;
}

function journalAppend(home: string): MicroFigure {
  const writer = JournalWriter.open(new FileStorage(join(home, 'journal')), 0, undefined);
  const bytes = new Uint8Array(batchTaps * tapRecordBytes).fill(7);
  const sections = [{ type: SectionType.taps, count: batchTaps, bytes }];
  const raw = fs.openSync(join(home, 'raw'), 'w');
  fs.writeSync(raw, Buffer.alloc(rawFileBytes));
  fs.fsyncSync(raw);
  let rawAt = 0;
  const floor = () => {
    fs.writeSync(raw, bytes, 0, bytes.length, rawAt);
    fs.fdatasyncSync(raw);
    rawAt = rawAt + 2 * bytes.length > rawFileBytes ? 0 : rawAt + bytes.length;
  };
  const figure = measurePair({
    name: 'journal append and sync, 1,000 a block',
    floorName: 'write and fdatasync of the bytes',
    taps: batchTaps,
    // The service does this between batches as well.
    prepare: () => writer.prepareAhead(),
    part: () => writer.append(sections, batchTaps, noon),
    floor,
    windowMs,
  });
  writer.close();
  fs.closeSync(raw);
  return figure;
}

function cardLookup(): MicroFigure {
  const index = new CardIndex(registryCards);
  const byNumber = new Map<number, number>();
  for (let place = 0; place < registryCards; place++) {
    index.set(1, uidOf(place), place + 1, place + 1);
    byNumber.set(uidOf(place).readUIntBE(1, 6), place + 1);
  }
  const asked = Array.from({ length: lookups }, (_, place) => uidOf(scattered(place, registryCards)));
  const numbers = asked.map((uid) => uid.readUIntBE(1, 6));
  let found = 0;
  const part = () => {
    for (const uid of asked) found += index.find(1, uid, 0, uid.length);
  };
  const floor = () => {
    for (const number of numbers) found += byNumber.get(number) ?? 0;
  };
  const figure = { name: 'card lookup among 200,000', floorName: 'lookup of a number in a Map' };
  const measured = measurePair({ ...figure, taps: lookups, part, floor, windowMs });
  if (found <= 0) throw new Error('no card was found');
  return measured;
}

const home = mkdtempSync(join(tmpdir(), 'tapline-micro-'));
try {
  const figures = [codecDecode(1), codecDecode(50), cardLookup(), ledgerDecide(), journalAppend(home)];
  process.stdout.write(`${JSON.stringify(figures)}\n`);
} finally {
  rmSync(home, { recursive: true, force: true });
}
