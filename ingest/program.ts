import { Command, CommanderError } from 'commander';
import { environmentError } from '../workers/errors.ts';
import { accountCommand } from './commands/account.ts';
import { auditCommand } from './commands/audit.ts';
import { cardCommand } from './commands/card.ts';
import { dayCloseCommand } from './commands/day-close.ts';
import { liveCommand } from './commands/live.ts';
import { lockerCommand } from './commands/locker.ts';
import { explainCommand } from './commands/explain.ts';
import { frameCommand, journalCommand, sqlCommand, statusCommand } from './commands/look.ts';
import { adjustCommand, limitCommand, moveCommand, refundCommand, reverseCommand } from './commands/money.ts';
import { topupCommand } from './commands/money-topup.ts';
import { noticesCommand } from './commands/notices.ts';
import { pupilCommand } from './commands/pupil.ts';
import { importCommand, readerCommand } from './commands/registry.ts';
import { reportCommand } from './commands/report.ts';
import { tokenCommand } from './commands/token.ts';
import { upCommand } from './commands/up.ts';
import { userCommand } from './commands/user.ts';
import { verifyCommand } from './commands/verify.ts';

/** Commands of the load tools, which reach the service through sockets only and run in a process of their own. */
export const loadTools: Record<string, string> = {
  region: 'makes a synthetic region in import format, with the truth of its days',
  prepare: 'tops up, reserves lockers and runs the commands that the truth of a region supposes',
  fleet: 'simulated readers that connect, lose connections, buffer and resend',
  replay: 'plays real taps from files through real connections',
};

/** All commands. Errors are thrown, to be told by `explainError`. */
export function build(): Command {
  const program = new Command('tapline').description(
    "Takes the taps of school cards from a region's readers, decides and debits each, and keeps every one it acknowledged.",
  );
  for (const command of [
    upCommand(),
    importCommand(),
    readerCommand(),
    cardCommand(),
    pupilCommand(),
    tokenCommand(),
    userCommand(),
    topupCommand(),
    refundCommand(),
    moveCommand(),
    adjustCommand(),
    reverseCommand(),
    limitCommand(),
    lockerCommand(),
    accountCommand(),
    auditCommand(),
    dayCloseCommand(),
    liveCommand(),
    noticesCommand(),
    explainCommand(),
    statusCommand(),
    verifyCommand(),
    reportCommand(),
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

export interface ExplainedError {
  readonly status: number;
  /** `CODE: cause. remedy`; empty if there is nothing to say. */
  readonly line: string;
  /** The same for a program. */
  readonly error?: { readonly code: string; readonly message: string; readonly remedy: string };
}

/** How the process ends, and what a person is told; undefined for a defect of ours. */
export function explainError(error: unknown): ExplainedError | undefined {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return { status: 0, line: '' };
    // The help was shown because no command was given.
    if (error.code === 'commander.help') return { status: 2, line: '' };
    const message = error.message
      .replace(/^error: /, '')
      .replaceAll('\n', ' ')
      .replace(/\.$/, '');
    return {
      status: 2,
      line: `USAGE: ${message}. Try --help.`,
      error: { code: 'USAGE', message, remedy: 'Try --help.' },
    };
  }
  const known = environmentError(error);
  if (known === undefined) return undefined;
  const { code, message, remedy } = known;
  return { status: known.exitStatus, line: known.line.replaceAll('\n', ' '), error: { code, message, remedy } };
}
