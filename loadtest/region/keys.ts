import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

const pkcs8Prefix = Buffer.from('302e020100300506032b657004220420', 'hex');
const spkiPrefixBytes = 12;

/** A reader's Ed25519 key pair: the 32-byte seed and the 32-byte public key, as hex. */
export interface ReaderKey {
  readonly readerId: number;
  readonly privateKey: string;
  readonly publicKey: string;
}

/** The signing key of a 32-byte seed given as hex. */
export function privateKeyFromSeed(seedHex: string): KeyObject {
  return createPrivateKey({
    key: Buffer.concat([pkcs8Prefix, Buffer.from(seedHex, 'hex')]),
    format: 'der',
    type: 'pkcs8',
  });
}

/** The key that the same labels always give. For simulated readers only: whoever knows the labels knows the key. */
export function deterministicKey(readerId: number, ...labels: readonly (string | number)[]): ReaderKey {
  const privateKey = createHash('sha256')
    .update(['tapline simulated reader', ...labels, readerId].join('/'))
    .digest('hex');
  const spki = createPublicKey(privateKeyFromSeed(privateKey)).export({ format: 'der', type: 'spki' });
  return { readerId, privateKey, publicKey: spki.subarray(spkiPrefixBytes).toString('hex') };
}
