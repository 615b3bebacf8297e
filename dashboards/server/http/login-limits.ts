import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { loginFailures } from './limits.ts';
import { HttpError } from './problems.ts';

/**
 * Counts sign-ins that fail, of a user and from an address. An attempt counts from its beginning, so that many at one time
 * are no way around; one that succeeds is given back.
 */
export class LoginLimits {
  readonly #users = new RateLimiterMemory({ points: loginFailures.perUser, duration: loginFailures.windowS });
  readonly #addresses = new RateLimiterMemory({ points: loginFailures.perAddress, duration: loginFailures.windowS });

  /** Throws LOGIN_LIMITED; otherwise gives what is to be called when the sign-in succeeded. */
  async attempt(name: string, address: string): Promise<() => Promise<void>> {
    const place = placeOf(address);
    const user = createHash('sha256').update(name).digest('base64');
    await take(this.#addresses, place);
    await take(this.#users, user);
    return async () => {
      await this.#users.delete(user);
      await this.#addresses.reward(place, 1);
    };
  }
}

async function take(limiter: RateLimiterMemory, key: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (error) {
    if (!(error instanceof RateLimiterRes)) throw error;
    const seconds = Math.max(1, Math.ceil(error.msBeforeNext / 1_000));
    const told = ['LOGIN_LIMITED', 'too many attempts to sign in', `Try again in ${seconds} s.`] as const;
    throw new HttpError(429, told, { 'Retry-After': String(seconds) });
  }
}

/** A network gives one of its customers 2^64 addresses of the sixth version. */
function placeOf(address: string): string {
  const plain = address.replace(/^::ffff:/i, '');
  if (!isIPv6(plain)) return plain;
  const [head, tail] = plain.split('%', 1)[0].split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0');
  return [...before, ...zeros, ...after].slice(0, 4).join(':');
}
