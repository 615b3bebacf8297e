import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { limits } from '../limits.ts';
import { printResult } from '../options.ts';
import { requireServiceCli } from '../service-cli.ts';
import type { PlannedCommand } from './commands.ts';

/** What was done; each is harmless to do again. */
export interface Prepared {
  readonly topups: boolean;
  readonly lockers: boolean;
  readonly commands: number;
}

/** Does in a running service what the truth of a region supposes: money in, lockers reserved, operators' commands. */
export async function prepareService(region: string, data: string): Promise<Prepared> {
  const at = (name: string): string => join(region, name);
  await requireServiceCli(['topup', '--file', at('topups.csv'), '--data', data]);
  const hasLockers = readFileSync(at('lockers.csv'), 'utf8').trimEnd().includes('\n');
  if (hasLockers) await requireServiceCli(['locker', 'reserve', '--file', at('lockers.csv'), '--data', data]);
  const commands = plannedCommands(at('commands.ndjson'));
  for (let from = 0; from < commands.length; from += limits.commandsAtOnceMax) {
    const part = commands.slice(from, from + limits.commandsAtOnceMax);
    await Promise.all(part.map(({ args }) => requireServiceCli([...args, '--data', data])));
  }
  return { topups: true, lockers: hasLockers, commands: commands.length };
}

function plannedCommands(path: string): PlannedCommand[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as PlannedCommand);
}

interface Flags {
  readonly region: string;
  readonly data: string;
  readonly json?: boolean;
}

export function registerPrepare(program: Command): void {
  program
    .command('prepare')
    .description('Tops up, reserves lockers and runs the commands of a region that a running service has imported.')
    .requiredOption('--region <dir>', 'a directory that `region` wrote')
    .action(async ({ region, data, json }: Flags) => {
      const prepared = await prepareService(region, data);
      printResult(json, prepared, [`purses opened, lockers reserved, ${prepared.commands} commands done`]);
    });
}
