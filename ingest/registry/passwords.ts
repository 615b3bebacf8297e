import { randomBytes, randomInt } from 'node:crypto';
import { argon2id, argon2Verify } from 'hash-wasm';
import { check, refused } from './checks.ts';
import { Fault } from './fields.ts';
import {
  passwordCharactersMax,
  passwordCharactersMin,
  passwordHash,
  passwordHashesMax,
  passwordHashesWaitingMax,
} from './limits.ts';

/** Without those that are taken for each other when they are read out. */
const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';
const generatedCharacters = 20;

const waiting: (() => void)[] = [];
let running = 0;

/** A password that nobody has to think of: some 98 bits. */
export function generatePassword(): string {
  return Array.from({ length: generatedCharacters }, () => alphabet[randomInt(alphabet.length)]).join('');
}

/** Throws BAD_PASSWORD for one that is too short or too long. */
export function checkPassword(password: string): void {
  const { length } = [...normal(password)];
  const isGood = length >= passwordCharactersMin && length <= passwordCharactersMax;
  const reason = `must have ${passwordCharactersMin} to ${passwordCharactersMax} characters`;
  check('the password', isGood ? password : new Fault('PASSWORD', reason));
}

/** What is stored in place of a password. Throws LOGIN_BUSY. */
export async function hashPassword(password: string): Promise<string> {
  const { memoryKiB, iterations, parallelism, hashBytes, saltBytes } = passwordHash;
  return await inTurn(() =>
    argon2id({
      password: normal(password),
      salt: randomBytes(saltBytes),
      memorySize: memoryKiB,
      iterations,
      parallelism,
      hashLength: hashBytes,
      outputType: 'encoded',
    }),
  );
}

/** Whether `hash` is of this password. Without a hash it takes as long, and is false. Throws LOGIN_BUSY. */
export async function isPassword(password: string, hash: string | null): Promise<boolean> {
  const told = hash ?? (await nobodys());
  const isRight = await inTurn(() => argon2Verify({ password: normal(password), hash: told }));
  return isRight && hash !== null;
}

let nobody: Promise<string> | undefined;

function nobodys(): Promise<string> {
  nobody ??= hashPassword(generatePassword()).catch((error: unknown) => {
    nobody = undefined;
    throw error;
  });
  return nobody;
}

/** The same letters may be typed in several ways. */
function normal(password: string): string {
  return password.normalize('NFKC');
}

/** Each hash takes 19 MiB and a core for a while. */
async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= passwordHashesMax) {
    if (waiting.length >= passwordHashesWaitingMax) {
      throw refused('LOGIN_BUSY', 'too many people sign in at this moment', 'Try again in a moment.');
    }
    // Whoever ends hands its place over.
    await new Promise<void>((resolve) => waiting.push(resolve));
  } else running += 1;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }
}
