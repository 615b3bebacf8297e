import { expect, it } from 'vitest';
import { loginFailures } from './limits.ts';
import { LoginLimits } from './login-limits.ts';

const fails = () => Promise.resolve(undefined);
const succeeds = () => Promise.resolve('session');
const isBusy = () => Promise.reject(new Error('busy'));
const limited = { code: 'LOGIN_LIMITED', status: 429 };

it('counts what fails, not what succeeds nor what was never compared', async () => {
  const limits = new LoginLimits();
  const who = { name: 'one', address: '::ffff:10.0.0.1' };
  for (let again = 0; again <= loginFailures.perAddress; again++) {
    await expect(limits.attempt(who, isBusy)).rejects.toThrow('busy');
    await expect(limits.attempt(who, succeeds)).resolves.toBe('session');
  }
  for (let failed = 0; failed < loginFailures.perUser; failed++) await limits.attempt(who, fails);
  await expect(limits.attempt(who, succeeds)).rejects.toMatchObject(limited);
  await expect(limits.attempt({ ...who, name: 'another' }, succeeds)).resolves.toBe('session');
});

it.each([
  ['10.0.0.1', '::ffff:10.0.0.1', '10.0.0.2'],
  ['2001:db8:1:2::1', '2001:db8:1:2:ffff::9', '2001:db8:1:3::1'],
])('takes %s and %s for one place, and not %s', async (one, same, another) => {
  const limits = new LoginLimits();
  const attempts = Array.from({ length: loginFailures.perAddress }, (_, at) =>
    limits.attempt({ name: `user ${at}`, address: at % 2 === 0 ? one : same }, fails),
  );
  await Promise.all(attempts);
  await expect(limits.attempt({ name: 'next', address: same }, succeeds)).rejects.toMatchObject(limited);
  await expect(limits.attempt({ name: 'next', address: another }, succeeds)).resolves.toBe('session');
});
