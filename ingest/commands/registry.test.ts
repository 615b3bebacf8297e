import type { Command } from 'commander';
import { expect, onTestFinished, test, vi } from 'vitest';
import { smallRegion, temporaryDirectory, writeFiles } from '../registry/fixtures.suite.ts';
import { pupilCommand } from './pupil.ts';
import { importCommand } from './registry.ts';
import { tokenCommand } from './token.ts';

/** Runs commands within this process on a data directory of their own. */
function commandLine() {
  const data = temporaryDirectory();
  onTestFinished(() => {
    process.exitCode = undefined;
  });
  return async (command: Command, ...parameters: string[]): Promise<string> => {
    const lines: string[] = [];
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
    try {
      await command.parseAsync([...parameters, '--data', data], { from: 'user' });
    } finally {
      write.mockRestore();
    }
    return lines.join('');
  };
}

test('import names what is wrong with rules.json by path, and the version that it became', async () => {
  const run = commandLine();
  const good = JSON.stringify({ schools: { '10': { gate: { bounce_s: 3 } } } });
  const first = await run(importCommand(), writeFiles({ ...smallRegion, 'rules.json': good }));
  expect(first).toContain('rules.json: 1 rows, 1 added, 0 changed, 0 unchanged, 0 refused, 0 colliding, version 2\n');
  expect(process.exitCode).toBeUndefined();
  const bad = JSON.stringify({ schools: { '10': { gate: { bounce_s: -3 } }, '7': {} } });
  const told = await run(importCommand(), writeFiles({ 'rules.json': bad }));
  expect(told).toContain('  schools.10.gate.bounce_s: must be at least 0 (RANGE)\n');
  expect(told).toContain(
    '  schools.7: no school with this id is stored (REFERENCE)\n  nothing of this file was changed\n',
  );
  expect(process.exitCode).toBe(1);
  const json = await run(importCommand(), writeFiles({ 'rules.json': '[' }), '--json');
  expect(JSON.parse(json)).toMatchObject({
    ok: false,
    files: [{ file: 'rules.json', refused_count: 1, refused: [{ line: 1, column: '2', code: 'JSON' }] }],
  });
});

test('pupil set and token issue, revoke, list print what they did', async () => {
  const run = commandLine();
  await run(importCommand(), writeFiles(smallRegion));
  const left = await run(pupilCommand(), 'set', '--pupil', '1', '--active', 'no', '--json');
  expect(JSON.parse(left)).toEqual({ pupil_id: 1, active: false, entitled: true, change: 17 });
  expect(await run(pupilCommand(), 'set', '--pupil', '1', '--active', 'no')).toMatch(
    /has left, free meals \(unchanged\)/,
  );
  await expect(run(pupilCommand(), 'set', '--pupil', '1')).rejects.toMatchObject({ code: 'USAGE', exitStatus: 2 });
  const issue = ['issue', '--name', 'Till', '--role', 'operator'];
  const issued = JSON.parse(await run(tokenCommand(), ...issue, '--school', '10', '--json')) as object;
  expect(issued).toMatchObject({ name: 'Till', role: 'operator', school_id: 10 });
  expect(issued).toHaveProperty('token', expect.stringMatching(/^[0-9a-f]{64}$/));
  await expect(run(tokenCommand(), ...issue)).rejects.toMatchObject({ code: 'TOKEN_NAME_TAKEN', exitStatus: 1 });
  expect(await run(tokenCommand(), 'revoke', '--name', 'Till')).toBe('Till\toperator\tschool 10\trevoked\n');
  const listed = await run(tokenCommand(), 'list', '--json');
  expect(JSON.parse(listed)).toMatchObject([{ name: 'Till', school_id: 10, revoked_at: expect.any(Number) as number }]);
  expect(listed).not.toContain('hash');
});
