/** Exit statuses of the command line: 1 the answer is "no", 2 wrong use, 3 the environment fails. */
export type ExitStatus = 1 | 2 | 3;

/**
 * A failure that a person can mend, in the shape that all parts share: a stable code, what happened, what to do. The
 * command line prints `code: message. remedy` in one line; anything else that is thrown is a defect of ours.
 */
export class OperatorError extends Error {
  readonly code: string;
  readonly remedy: string;
  readonly exitStatus: ExitStatus;

  constructor(code: string, message: string, remedy: string, exitStatus: ExitStatus = 3) {
    super(message);
    this.name = 'OperatorError';
    this.code = code;
    this.remedy = remedy;
    this.exitStatus = exitStatus;
  }

  get line(): string {
    return `${this.code}: ${this.message}. ${this.remedy}`;
  }
}

/** Wrong use of a command: exit status 2. */
export function usageError(code: string, message: string, remedy: string): OperatorError {
  return new OperatorError(code, message, remedy, 2);
}
