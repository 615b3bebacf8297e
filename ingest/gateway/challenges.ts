import { randomBytes } from 'node:crypto';
import { nonceBytes } from '../protocol/limits.ts';
import { challengeLifeMs, challengeSharedMs, challengeTriesMax } from './limits.ts';

interface Issued {
  readonly nonce: Uint8Array;
  readonly issuedMs: number;
  /** Readers that have said HELLO with it: each may once. */
  readonly usedBy: Set<number>;
}

/**
 * Challenges over HTTP, where a HELLO comes on any connection and need not say which nonce it signed. A nonce is shared
 * for a moment by all who ask, until somebody has used it, and each reader may use it once: a recorded HELLO is worth
 * nothing. A HELLO without its nonce is tried against the newest ones.
 */
export class Challenges {
  readonly #issued: Issued[] = [];

  /** A nonce to sign. */
  issue(nowMs: number): Uint8Array {
    this.#forgetOld(nowMs);
    const newest = this.#issued.at(-1);
    if (newest?.usedBy.size === 0 && nowMs - newest.issuedMs < challengeSharedMs) return newest.nonce;
    const issued = { nonce: new Uint8Array(randomBytes(nonceBytes)), issuedMs: nowMs, usedBy: new Set<number>() };
    this.#issued.push(issued);
    return issued.nonce;
  }

  /** The nonces that a reader may have signed, likeliest first; just the named one if the HELLO names it. */
  candidates(readerId: number, named: Uint8Array | null, nowMs: number): Uint8Array[] {
    this.#forgetOld(nowMs);
    const open = this.#issued.filter(({ usedBy }) => !usedBy.has(readerId)).map(({ nonce }) => nonce);
    if (named !== null) return open.filter((nonce) => Buffer.compare(nonce, named) === 0);
    return open.slice(-challengeTriesMax).reverse();
  }

  /** Marks a nonce as used by a reader; false if it was already, or is too old. */
  use(readerId: number, nonce: Uint8Array): boolean {
    const issued = this.#issued.find((candidate) => candidate.nonce === nonce);
    if (issued === undefined || issued.usedBy.has(readerId)) return false;
    issued.usedBy.add(readerId);
    return true;
  }

  #forgetOld(nowMs: number): void {
    while (this.#issued.length > 0 && nowMs - this.#issued[0].issuedMs > challengeLifeMs) this.#issued.shift();
  }
}
