import { OperatorError } from '../../workers/errors.ts';
import type { CommandOutcome, LedgerCommand, MoneyCommand, Moved } from '../../workers/ledger/command-types.ts';
import type { Service } from '../service.ts';
import type { FoundTap, TapLookup } from '../journal-lookup/tap-lookup.ts';
import { refusalError } from './refusals.ts';
import type { Desk } from './route.ts';

export interface Executed {
  readonly isRepeat: boolean;
  readonly outcome: CommandOutcome;
}

/** Executes a command in the shard that owns the pupil; durable when it resolves. Throws the ledger's refusal. */
export async function execute(service: Service, pupilId: number, command: LedgerCommand): Promise<Executed> {
  return await executeIn(service, service.pool.shardOf(pupilId), command);
}

export async function executeIn(service: Service, shard: number, command: LedgerCommand): Promise<Executed> {
  const [answer] = await service.pool.execute(shard, [command], service.now());
  if (!answer.ok) throw refusalError(answer.refusal);
  return answer;
}

/** The same for a command with a payer's key, which means one command in the whole region. Throws KEY_CONFLICT as well. */
export async function executeKeyed({ service, keys }: Desk, shard: number, command: MoneyCommand): Promise<Executed> {
  return await keys.run([{ key: command.key, shard }], async ([isTaken]) => {
    if (isTaken) throw refusalError('KEY_CONFLICT');
    return await executeIn(service, shard, command);
  });
}

/** The outcome of a command that moved money. */
export function movedBy({ outcome }: Executed): Moved {
  if (outcome.type !== 'moved') throw new Error(`a movement came back as ${outcome.type}`);
  return outcome;
}

/** What the journal holds of a tap. Throws TAP_UNKNOWN. */
export async function findTap(taps: TapLookup, text: string): Promise<FoundTap> {
  const [readerId, bootEpoch, seq] = text.split(':').map(Number);
  const found = await taps.find({ readerId, bootEpoch, seq });
  if (found !== undefined) return found;
  throw new OperatorError('TAP_UNKNOWN', `the journal has no decided tap ${text}`, 'Check reader, epoch and seq.', 1);
}
