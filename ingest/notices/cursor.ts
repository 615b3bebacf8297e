import { OperatorError } from '../../workers/errors.ts';

/** Positions by shard up to which notices were passed on: "0:123,1:456". */
export function formatCursor(positions: readonly number[]): string {
  return positions.map((position, shard) => `${shard}:${position}`).join(',');
}

/**
 * Reads a cursor: '' is the beginning, 'now' the newest. Throws CURSOR_INVALID, and CURSOR_AHEAD for one that no journal
 * here has come to: it is of other data, or these are older than it.
 */
export function readCursor(text: string, durable: readonly number[]): number[] {
  if (text === '') return durable.map(() => 0);
  if (text === 'now') return [...durable];
  const positions = text.split(',').map((part, shard) => readPart(part, shard));
  if (positions.length !== durable.length || positions.some(Number.isNaN)) {
    const what = `not a cursor of ${durable.length} shards, such as ${formatCursor(durable)}`;
    throw new OperatorError('CURSOR_INVALID', what, 'Give the id of the last event, or nothing for the beginning.', 2);
  }
  if (positions.some((position, shard) => position > durable[shard])) {
    const what = `the journals end at ${formatCursor(durable)}`;
    throw new OperatorError('CURSOR_AHEAD', what, 'Were the data put back to an older state? Begin again.', 1);
  }
  return positions;
}

function readPart(part: string, shard: number): number {
  const match = /^(\d{1,3}):(\d{1,15})$/.exec(part);
  return match !== null && Number(match[1]) === shard ? Number(match[2]) : NaN;
}
