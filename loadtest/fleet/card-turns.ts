/** A reader, as far as others wait for it. */
export interface TurnHolder {
  readonly readerId: number;
  /** Without a connection on purpose: nobody waits for what it has not sent. */
  readonly isAway: boolean;
}

/** A tap's place among those of its card. */
export interface Turn {
  readonly uid: string;
  readonly holder: TurnHolder;
  readonly rank: number;
  isSent: boolean;
  state: 'waiting' | 'preparing' | 'ready';
}

export interface TurnOptions {
  /** What orders the taps of a card, for the `n`-th tap of a reader. Left out: the time at which they were made. */
  readonly rankOf?: (readerId: number, n: number) => number;
  /**
   * What has to be done before a card's next tap goes out, asked when all its earlier ones are answered; null for nothing.
   */
  readonly prepare?: (uid: string) => Promise<void> | null;
}

/**
 * Lets the taps of one card out one reader at a time, in the order in which they were made as far as their readers can be
 * reached. Different cards do not wait for each other. What a tap does to its pupil then does not depend on how the
 * streams of several readers interleave; and as the earliest unsettled tap never waits, neither can all wait forever.
 */
export class CardTurns {
  readonly #open = new Map<string, Turn[]>();
  readonly #options: TurnOptions;
  #failure: Error | null = null;

  constructor(options: TurnOptions = {}) {
    this.#options = options;
  }

  made(uid: string, holder: TurnHolder, atMs: number, n: number): Turn {
    const rank = this.#options.rankOf?.(holder.readerId, n) ?? atMs;
    const turn: Turn = { uid, holder, rank, isSent: false, state: 'waiting' };
    const others = this.#open.get(uid);
    if (others) others.push(turn);
    else this.#open.set(uid, [turn]);
    return turn;
  }

  /** True if the tap may go out now. Throws what a preparation threw. */
  isNext(turn: Turn): boolean {
    if (this.#failure !== null) throw this.#failure;
    if (turn.isSent) return true;
    for (const other of this.#open.get(turn.uid) ?? []) if (this.#holdsUp(other, turn)) return false;
    if (turn.state === 'waiting') this.#prepare(turn);
    return turn.state === 'ready';
  }

  settle(turn: Turn): void {
    const left = (this.#open.get(turn.uid) ?? []).filter((other) => other !== turn);
    if (left.length > 0) this.#open.set(turn.uid, left);
    else this.#open.delete(turn.uid);
  }

  #holdsUp(other: Turn, turn: Turn): boolean {
    if (other === turn) return false;
    const isSameRank = other.rank === turn.rank && other.holder.readerId < turn.holder.readerId;
    const isEarlier = other.rank < turn.rank || isSameRank;
    // A reader's own taps keep their order by themselves, but a preparation has to see what became of them.
    if (other.holder === turn.holder) return this.#options.prepare !== undefined && isEarlier;
    return other.isSent || (isEarlier && !other.holder.isAway);
  }

  /** The reader asks again at every tick. */
  #prepare(turn: Turn): void {
    const work = this.#options.prepare?.(turn.uid) ?? null;
    turn.state = work === null ? 'ready' : 'preparing';
    work?.then(
      () => (turn.state = 'ready'),
      (error: unknown) => (this.#failure = error instanceof Error ? error : new Error(String(error))),
    );
  }
}
