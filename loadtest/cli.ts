import { Command, CommanderError, Option } from 'commander';
import { registerAnswers } from './answers/command.ts';
import { OperatorError } from './errors.ts';
import { registerFleet } from './fleet/command.ts';
import { registerRegion } from './region/command.ts';
import { registerPrepare } from './region/prepare.ts';
import { registerReplay } from './replay/command.ts';
import { registerSaturate } from './scenarios/frames.ts';

function build(): Command {
  const program = new Command('tapline').description('Synthetic regions, reader fleets, replays and load scenarios.');
  program.exitOverride().configureOutput({ outputError: () => undefined });
  for (const register of [
    registerRegion,
    registerPrepare,
    registerFleet,
    registerReplay,
    registerSaturate,
    registerAnswers,
  ])
    register(program);
  for (const command of program.commands) {
    command.option('--json', 'one JSON value on standard output');
    command.addOption(new Option('--data <dir>', "the service's data directory").env('TAPLINE_DATA').default('./data'));
  }
  return program;
}

function exitStatusOf(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.exitCode !== 0) {
      process.stderr.write(
        `USAGE: ${error.message
          .replace(/^error: /, '')
          .replaceAll('\n', ' ')
          .replace(/\.$/, '')}. Try --help\n`,
      );
    }
    return error.exitCode === 0 ? 0 : 2;
  }
  if (error instanceof OperatorError) {
    process.stderr.write(`${error.line}\n`);
    return error.exitStatus;
  }
  if (error instanceof Error && 'syscall' in error) {
    process.stderr.write(`ENVIRONMENT: ${error.message}. Check the path, the disk and the address\n`);
    return 3;
  }
  throw error;
}

try {
  await build().parseAsync();
} catch (error) {
  process.exitCode = exitStatusOf(error);
}
