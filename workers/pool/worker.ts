import { environmentError } from '../errors.ts';
import { accountId, Owner } from '../journal/transfer-record.ts';
import { FileStorage } from '../journal/file-storage.ts';
import { Shard } from '../shard/shard.ts';
import { accountOf, bookedDays, heldKeys, insideOf, locate, reservationsOf } from './look.ts';
import type { ShardAnswers, ShardRequest } from './messages.ts';

/*
 * What runs in a shard's worker thread. The thread owns one shard; the pool opens it first. An error that escapes means
 * that the shard in this thread is unusable: the pool ends the thread and opens the shard in a new one.
 */
let shard: Shard | undefined;

export default function handle(request: ShardRequest): ShardAnswers[ShardRequest['type']] {
  if (request.type === 'open') return open(request);
  if (shard === undefined) throw new Error('the shard is not open in this thread');
  switch (request.type) {
    case 'batch':
      return decide(shard, request);
    case 'commands':
      return { answers: shard.execute(request.commands, request.nowMs), lastPosition: shard.lastPosition };
    case 'prepare':
      return shard.prepareAhead();
    case 'snapshot':
      return shard.snapshot();
    case 'account':
      return accountOf(shard, request.pupilId, request.schoolDay);
    case 'locate':
      return locate(shard, request.taps);
    case 'keys':
      return heldKeys(shard, request.keys);
    case 'lockers':
      return reservationsOf(shard, request.schoolId, request.locker);
    case 'inside':
      return insideOf(shard, request.schoolId);
    case 'dayBook':
      return bookedDays(shard, request.operator, request.schoolDay);
    case 'identities':
      return shard.answeredIdentities();
    case 'totals':
      return totalsOf(shard);
    case 'crash':
      return crash(request.how);
  }
}

function open(request: ShardRequest & { type: 'open' }): ShardAnswers['open'] {
  try {
    const storage = new FileStorage(request.directory);
    shard = Shard.open({ shard: request.shard, storage, segmentBytes: request.segmentBytes });
  } catch (error) {
    // Errors lose their class and their code on the way out of a thread.
    const known = environmentError(error);
    if (known === undefined) throw error;
    return { refused: { code: known.code, message: known.message, remedy: known.remedy } };
  }
  return { lastPosition: shard.lastPosition, registryChange: shard.ledger.registryChange, ...shard.recovered };
}

function decide(owner: Shard, request: ShardRequest & { type: 'batch' }): ShardAnswers['batch'] {
  const begin = performance.now();
  const result = owner.decideBatch(request.buffer, request.count, request.nowMs);
  return { ...result, busyUs: (performance.now() - begin) * 1000, wantsPrepare: owner.wantsPrepare };
}

function totalsOf(owner: Shard): ShardAnswers['totals'] {
  const { ledger } = owner;
  return {
    position: owner.lastPosition,
    sumKop: ledger.accounts.sumKop(),
    pupils: ledger.pupils.count,
    cards: ledger.cards.count,
    balances: [...ledger.accounts.balances((pupilId, purse) => accountId(Owner.pupil, pupilId, purse))],
  };
}

/** Dies as told: the fault suite asks for it. */
function crash(how: 'throw' | 'exit' | 'memory'): never {
  if (how === 'exit') process.exit(7);
  const hoard: number[][] = [];
  while (how === 'memory') hoard.push(new Array<number>(1_000_000).fill(hoard.length));
  throw new Error('told to fail');
}
