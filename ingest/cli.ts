import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { environmentError } from './commands/common.ts';
import { explainCommand, frameCommand, journalCommand, sqlCommand, statusCommand } from './commands/look.ts';
import { accountCommand, topupCommand } from './commands/money.ts';
import { cardCommand, importCommand, readerCommand } from './commands/registry.ts';
import { upCommand } from './commands/up.ts';
import { verifyCommand } from './commands/verify.ts';

/** Commands of the load tools, which reach the service through sockets only and run in a process of their own. */
const loadTools: Record<string, string> = {
  region: 'makes a synthetic region in import format, with the truth of its days',
  fleet: 'simulated readers that connect, lose connections, buffer and resend',
  replay: 'plays real taps from files through real connections',
};

function build(): Command {
  const program = new Command('tapline').description(
    "Takes the taps of school cards from a region's readers, decides and debits each, and keeps every one it acknowledged.",
  );
  for (const command of [
    upCommand(),
    importCommand(),
    readerCommand(),
    cardCommand(),
    topupCommand(),
    accountCommand(),
    explainCommand(),
    statusCommand(),
    verifyCommand(),
    sqlCommand(),
    journalCommand(),
    frameCommand(),
  ]) {
    program.addCommand(command);
  }
  for (const [name, description] of Object.entries(loadTools)) {
    program.addCommand(new Command(name).description(description));
  }
  quiet(program);
  return program;
}

/** Errors are printed in one place, in one form. */
function quiet(command: Command): void {
  command.exitOverride().configureOutput({ outputError: () => undefined });
  command.commands.forEach(quiet);
}

function runLoadTool(parameters: readonly string[]): void {
  const tool = fileURLToPath(new URL('../loadtest/cli.ts', import.meta.url));
  const child = spawn(process.execPath, [tool, ...parameters], { stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => child.kill(signal));
  child.on('exit', (status) => {
    process.exitCode = status ?? 3;
  });
}

function report(error: unknown): void {
  if (error instanceof CommanderError) {
    // Help was asked for, or shown because no command was given.
    if (error.exitCode === 0) return;
    process.exitCode = 2;
    const message = error.message
      .replace(/^error: /, '')
      .replaceAll('\n', ' ')
      .replace(/\.$/, '');
    if (error.code !== 'commander.help') process.stderr.write(`USAGE: ${message}. Try --help.\n`);
    return;
  }
  const known = environmentError(error);
  if (known === undefined) throw error;
  process.exitCode = known.exitStatus;
  process.stderr.write(`${known.line.replaceAll('\n', ' ')}\n`);
}

// Whoever reads our output may have seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 3));

const parameters = process.argv.slice(2);
if (parameters[0] !== undefined && Object.hasOwn(loadTools, parameters[0])) {
  runLoadTool(parameters);
} else {
  try {
    await build().parseAsync(parameters, { from: 'user' });
  } catch (error) {
    report(error);
  }
}
