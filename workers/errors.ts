/** Exit statuses of the command line: 1 the answer is "no", 2 wrong use, 3 the environment fails. */
export type ExitStatus = 1 | 2 | 3;

/**
 * A failure that a person can mend. It carries a stable code, what happened, and what to do about it; the command line
 * prints `code: message. remedy` in one line and no stack. Anything else that is thrown is a defect of ours.
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

  /** The one line that a person reads. */
  get line(): string {
    return `${this.code}: ${this.message}. ${this.remedy}`;
  }
}

/** True for system errors that carry an errno name, such as ENOENT. */
export function hasErrno(error: unknown, ...names: string[]): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && names.includes(String(error.code));
}

/** Turns what the environment did (a full disk, missing rights) into words; undefined for a defect of ours. */
export function environmentError(error: unknown): OperatorError | undefined {
  if (error instanceof OperatorError) return error;
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  if (hasErrno(error, 'ENOSPC', 'ESHORTWRITE')) {
    return new OperatorError('DISK_FULL', error.message, 'Free some space, or use a data directory on another disk.');
  }
  if (hasErrno(error, 'EACCES', 'EPERM', 'EROFS')) {
    return new OperatorError(
      'PERMISSION',
      error.message,
      'Let this user read and write it, or name another with --data.',
    );
  }
  if (hasErrno(error, 'ENOENT', 'ENOTDIR', 'EISDIR', 'EEXIST')) {
    return new OperatorError('FILE', error.message, 'Check the path.');
  }
  return undefined;
}
