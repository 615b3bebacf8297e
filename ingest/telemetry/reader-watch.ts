import type { ReaderState } from '../gateway/reader-state.ts';

/** Who is told what readers do. Called on the way of messages: keeps what it needs, and returns at once. */
export interface ReaderWatch {
  /** It came in over WebSocket. */
  connected(state: ReaderState): void;
  /** Its connection ended, and no newer one took over. */
  closed(state: ReaderState): void;
  /** A BEAT came in; the state has it. */
  beat(state: ReaderState): void;
  /** It asked something over HTTP. */
  requested(state: ReaderState): void;
}

const nothing = (): void => undefined;

/** Nobody is told. */
export const noWatch: ReaderWatch = { connected: nothing, closed: nothing, beat: nothing, requested: nothing };
