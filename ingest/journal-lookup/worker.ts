import type { TapFacts } from '../../workers/ledger/command-types.ts';
import type { TapIdentity } from '../../workers/pool/messages.ts';
import { explainFromJournal, type ExplainRequest } from '../explain/explain-journal.ts';
import type { ExplainedTap } from '../explain/shard-replay.ts';
import { readTaps, searchTaps, segmentsOf, type Stretch } from './journal-search.ts';

/** What the lookup's thread is asked; each is answered by the type beside it in `LookupAnswers`. */
export type LookupRequest =
  | { readonly type: 'read'; readonly directory: string; readonly shard: number; readonly positions: readonly number[] }
  | { readonly type: 'segments'; readonly directory: string; readonly shard: number; readonly durablePosition: number }
  | {
      readonly type: 'search';
      readonly directory: string;
      readonly stretch: Stretch;
      readonly identities: readonly TapIdentity[];
    }
  | ({ readonly type: 'explain' } & ExplainRequest);

export interface LookupAnswers {
  read: (TapFacts | undefined)[];
  segments: Stretch[];
  search: (TapFacts | undefined)[];
  explain: (ExplainedTap | undefined)[];
}

/** Reads journals beside the shards, which are not held up by it. */
export default function handle(request: LookupRequest): LookupAnswers[LookupRequest['type']] {
  switch (request.type) {
    case 'read':
      return readTaps(request.directory, request.shard, request.positions);
    case 'segments':
      return segmentsOf(request.directory, request.shard, request.durablePosition);
    case 'search':
      return searchTaps(request.directory, request.stretch, request.identities);
    case 'explain':
      return explainFromJournal(request);
  }
}
