import { createHash } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { loginFailures } from './limits.ts';
import { HttpError } from './problems.ts';

/**
 * Counts sign-ins that fail, of a user and from an address. An attempt counts from its beginning, so that many at one time
 * are no way around; one that succeeds is given back, and one in which no password was compared.
 */
export class LoginLimits {
  readonly #users = new RateLimiterMemory({ points: loginFailures.perUser, duration: loginFailures.windowS });
  readonly #addresses = new RateLimiterMemory({ points: loginFailures.perAddress, duration: loginFailures.windowS });

  /** Does the sign-in, which gives undefined where it fails. Throws LOGIN_LIMITED, and what `signIn` throws. */
  async attempt<T>(
    { name, address }: { readonly name: string; readonly address: string },
    signIn: () => Promise<T | undefined>,
  ): Promise<T | undefined> {
    const place = placeOf(address);
    const user = createHash('sha256').update(name).digest('base64');
    await take(this.#addresses, place);
    await take(this.#users, user);
    try {
      const session = await signIn();
      if (session === undefined) return undefined;
      await this.#users.delete(user);
      await this.#addresses.reward(place, 1);
      return session;
    } catch (error) {
      await this.#users.reward(user, 1);
      await this.#addresses.reward(place, 1);
      throw error;
    }
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
