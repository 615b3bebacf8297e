import { encodeBeat, encodeOutcome } from '../protocol/encode.ts';
import { signedHello, tapsFrom } from './test-reader.suite.ts';

type Random = (below: number) => number;

const originals = [
  tapsFrom(1, 1),
  tapsFrom(1, 3),
  tapsFrom(1, 60),
  tapsFrom(5, 0),
  encodeBeat({ clockMs: 1_790_000_000_000, queued: 12, oldestMs: 1_790_000_000_000, rulesVersion: 3 }),
  encodeOutcome({ seq: 3, deed: 1 }),
  signedHello(2, new Uint8Array(32)),
].map((bytes) => Buffer.from(bytes));

/** Bytes that mean something in MessagePack: lengths, nesting, types that are not allowed. */
const heavyBytes = [0xc1, 0xc6, 0xdb, 0xdc, 0xdd, 0xdf, 0xc9, 0xcb, 0xcf, 0xd3, 0x9f, 0x8f, 0xff, 0x00, 0x7f, 0x80];

/** Lengths and nesting that would cost a careless decoder its memory. */
export const bombs = [
  Buffer.from('dcffff'.repeat(5_000), 'hex'),
  Buffer.from('dd'.padEnd(10, 'f').repeat(3_000), 'hex'),
  ...['93', '9402', '940201', '9402010091', '9901'].flatMap((prefix) =>
    ['ddffffffff', 'c6ffffffff', 'dbffffffff', 'c9ffffffff', 'dfffffffff', 'dcffffdcffffdcffff'].map((head) =>
      Buffer.from(prefix + head, 'hex'),
    ),
  ),
];

/** A good frame with one to four things wrong. */
export function mutated(random: Random): Uint8Array {
  let bytes = Buffer.from(originals[random(originals.length)]);
  for (let times = 1 + random(4); times > 0; times--) bytes = mutate(bytes, random);
  return bytes;
}

function mutate(bytes: Buffer<ArrayBuffer>, random: Random): Buffer<ArrayBuffer> {
  const at = random(bytes.length + 1);
  switch (random(6)) {
    case 0:
      if (at < bytes.length) bytes[at] ^= 1 << random(8);
      return bytes;
    case 1:
      if (at < bytes.length) bytes[at] = heavyBytes[random(heavyBytes.length)];
      return bytes;
    case 2:
      return bytes.subarray(0, at);
    case 3:
      return Buffer.concat([
        bytes.subarray(0, at),
        Buffer.from([heavyBytes[random(heavyBytes.length)]]),
        bytes.subarray(at),
      ]);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(random(at + 1))]);
    default:
      return Buffer.concat([bytes.subarray(0, at), Buffer.from('ffffffff', 'hex'), bytes.subarray(at + 4)]);
  }
}

/** A binary WebSocket frame of a client, masked with zeros. */
export function rawFrame(payload: Uint8Array): Buffer {
  if (payload.length > 125) throw new RangeError('short payloads only');
  return Buffer.concat([Buffer.from([0x82, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}
