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
  readonly atMs: number;
  isSent: boolean;
  /** What has to be done before it is sent; null once that is done. */
  before: (() => Promise<void>) | null;
  isPreparing: boolean;
}

/** What has to be done before the `n`-th tap of a reader; null for nothing. */
export type Preparation = (readerId: number, n: number) => (() => Promise<void>) | null;

/**
 * Lets the taps of one card out one reader at a time, in the order in which they were made as far as their readers can be
 * reached. Different cards do not wait for each other. What a tap does to its pupil then does not depend on how the
 * streams of several readers interleave; and as the earliest unsettled tap never waits, neither can all wait forever.
 */
export class CardTurns {
  readonly #open = new Map<string, Turn[]>();
  readonly #prepare: Preparation;
  #failure: Error | null = null;

  constructor(prepare: Preparation = () => null) {
    this.#prepare = prepare;
  }

  made(uid: string, holder: TurnHolder, atMs: number, n: number): Turn {
    const turn: Turn = {
      uid,
      holder,
      atMs,
      isSent: false,
      before: this.#prepare(holder.readerId, n),
      isPreparing: false,
    };
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
    if (turn.before === null) return true;
    if (!turn.isPreparing) this.#start(turn, turn.before);
    return false;
  }

  settle(turn: Turn): void {
    const others = this.#open.get(turn.uid) ?? [];
    const left = others.filter((other) => other !== turn);
    if (left.length > 0) this.#open.set(turn.uid, left);
    else this.#open.delete(turn.uid);
  }

  #holdsUp(other: Turn, turn: Turn): boolean {
    if (other === turn) return false;
    // A reader's own taps keep their order by themselves, but a preparation waits for what was decided.
    if (other.holder === turn.holder) return turn.before !== null && other.atMs <= turn.atMs && other.isSent;
    if (other.isSent) return true;
    const isEarlier =
      other.atMs < turn.atMs || (other.atMs === turn.atMs && other.holder.readerId < turn.holder.readerId);
    return isEarlier && !other.holder.isAway;
  }

  /** Until it is done the reader asks again at every tick. */
  #start(turn: Turn, before: () => Promise<void>): void {
    turn.isPreparing = true;
    before().then(
      () => (turn.before = null),
      (error: unknown) => (this.#failure = error instanceof Error ? error : new Error(String(error))),
    );
  }
}
