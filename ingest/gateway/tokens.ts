import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { sessionTokenLifeMs, sessionTokensCachedMax } from './limits.ts';

/** What a session token stands for. */
export interface TokenClaims {
  readonly readerId: number;
  readonly bootEpoch: number;
  /** The reader's clock against ours at its HELLO. */
  readonly clockOffsetMs: number;
  /** What its HELLO said of the rules that it carries. */
  readonly rulesVersion: number;
  readonly issuedMs: number;
  /** Of the key that HELLO was signed with: a token dies with it. */
  readonly keyTag: string;
}

/** What a token says of a public key. */
export function keyTagOf(publicKey: Uint8Array): string {
  return Buffer.from(publicKey.buffer, publicKey.byteOffset, 16).toString('hex');
}

/**
 * Session tokens: claims signed with the service's secret, so that they outlive a restart and need no table. Checked
 * tokens are remembered, because HTTP readers send theirs with each frame.
 */
export class SessionTokens {
  readonly #secret: Buffer;
  readonly #checked = new Map<string, TokenClaims>();

  constructor(secret: Buffer) {
    this.#secret = secret;
  }

  static newSecret(): Buffer {
    return randomBytes(32);
  }

  issue({ readerId, bootEpoch, clockOffsetMs, rulesVersion, issuedMs, keyTag }: TokenClaims): string {
    const claims = `${readerId}.${bootEpoch}.${clockOffsetMs}.${rulesVersion}.${issuedMs}.${keyTag}`;
    return `${claims}.${this.#sign(claims)}`;
  }

  /** The claims of a token that we issued and that is not too old; undefined otherwise. */
  check(token: string, nowMs: number): TokenClaims | undefined {
    const claims = this.#checked.get(token) ?? this.#verify(token);
    if (claims === undefined || nowMs - claims.issuedMs > sessionTokenLifeMs) return undefined;
    return claims;
  }

  #verify(token: string): TokenClaims | undefined {
    const match = /^(\d{1,10})\.(\d{1,10})\.(-?\d{1,16})\.(\d{1,10})\.(\d{1,16})\.([0-9a-f]{32})\.([\w-]{43})$/.exec(
      token,
    );
    if (match === null) return undefined;
    const expected = Buffer.from(this.#sign(token.slice(0, token.lastIndexOf('.'))));
    if (!timingSafeEqual(expected, Buffer.from(match[7]))) return undefined;
    const [readerId, bootEpoch, clockOffsetMs, rulesVersion, issuedMs] = match.slice(1, 6).map(Number);
    const claims = { readerId, bootEpoch, clockOffsetMs, rulesVersion, issuedMs, keyTag: match[6] };
    if (this.#checked.size >= sessionTokensCachedMax) this.#checked.clear();
    this.#checked.set(token, claims);
    return claims;
  }

  #sign(claims: string): string {
    return createHmac('sha256', this.#secret).update(claims).digest('base64url');
  }
}
