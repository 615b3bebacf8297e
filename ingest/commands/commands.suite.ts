import { appendFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { expect, vi } from 'vitest';
import type { z } from 'zod';
import { adminRoutes } from '../admin/routes.ts';
import { publicKeyOf, uidOf } from '../gateway/running-gateway.suite.ts';
import { build, explainError } from '../program.ts';
import { writeRegion } from '../running-service.suite.ts';

export const farTillId = 500;
export const [farPupil, entitledPupil] = [501, 502];

/** The UID of a pupil's card. */
export function hexOf(pupil: number): string {
  return Buffer.from(uidOf(pupil)).toString('hex').toUpperCase();
}

/**
 * Writes the region of the service's tests, and another school (11, Kamchatka) with a till and a pupil, and an entitled pupil
 * in the first school (10, Moscow).
 */
export function writeTwoSchools(folder: string): string {
  const region = path.join(folder, 'region');
  mkdirSync(region);
  writeRegion(region);
  const more = {
    schools: '11,1,Eleven,Asia/Kamchatka',
    classes: '110,11,1B,1',
    pupils: `${farPupil},110,Far,First,0\n${entitledPupil},100,Entitled,First,1`,
    cards: `${hexOf(farPupil)},${farPupil},active,\n${hexOf(entitledPupil)},${entitledPupil},active,`,
    readers: `${farTillId},11,Till,meal buffet,${publicKeyOf(farTillId)}`,
  };
  for (const [name, lines] of Object.entries(more)) appendFileSync(path.join(region, `${name}.csv`), `${lines}\n`);
  return region;
}

export interface CommandRun {
  readonly status: number;
  readonly out: string;
  /** The line on standard error, '' for none. */
  readonly error: string;
}

/** Runs a command within this process, one at a time: a process for each would take a minute in all. */
async function runCommand(parameters: readonly string[]): Promise<CommandRun> {
  let out = '';
  const stdout = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += String(text);
    return true;
  });
  const before = process.exitCode;
  process.exitCode = 0;
  try {
    await build().parseAsync(parameters, { from: 'user' });
    return { status: Number(process.exitCode), out, error: '' };
  } catch (error) {
    const known = explainError(error);
    if (known === undefined) throw error;
    return { status: known.status, out, error: known.line };
  } finally {
    stdout.mockRestore();
    process.exitCode = before;
  }
}

/** Runs commands on a data directory. In their text `_` stands for a space within a word. */
export function commandsOn(data: string) {
  const run = (command: string): Promise<CommandRun> => {
    const words = command.split(' ').map((word) => word.replaceAll('_', ' '));
    return runCommand([...words, '--data', data]);
  };
  /** The JSON that a command prints; it is what the route of that name says it answers. */
  const json = async <T>(command: string, routeName?: string, status = 0): Promise<T> => {
    const result = await run(`${command} --json`);
    expect({ status: result.status, error: result.error }, command).toEqual({ status, error: '' });
    const value: unknown = JSON.parse(result.out);
    if (routeName === undefined) return value as T;
    const route = adminRoutes.find(({ name }) => name === routeName) as { response: z.ZodType } | undefined;
    expect(route?.response.parse(value), command).toEqual(value);
    return value as T;
  };
  /** Refused with one line on standard error; with --json the same is the value on standard output. */
  const refused = async (command: string, code: string, status = 1): Promise<void> => {
    const result = await run(command);
    expect({ ...result, error: result.error.split(':')[0] }, command).toEqual({ status, out: '', error: code });
    expect(result.error).toMatch(/^[A-Z_]+: \S.*[.)] [A-Z].*$/);
    if (status === 1) expect(await json(command, undefined, 1)).toMatchObject({ ok: false, refusal: code });
  };
  return { run, json, refused };
}
