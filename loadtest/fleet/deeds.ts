/** What a reader did before a verdict came too late. */
export interface Deed {
  readonly seq: number;
  readonly deed: boolean;
}

/**
 * OUTCOMEs that a reader owes. Nothing acknowledges one: it counts as told when the PONG behind it came, and is told again
 * on the next connection otherwise, which is harmless.
 */
export class Deeds {
  #due: Deed[] = [];
  #told: Deed[] = [];

  get isEmpty(): boolean {
    return this.#due.length === 0 && this.#told.length === 0;
  }

  add(deed: Deed): void {
    this.#due.push(deed);
  }

  /** Gives those that are to be told now. */
  tell(): readonly Deed[] {
    const told = this.#due.splice(0);
    this.#told.push(...told);
    return told;
  }

  /** Gives those that have been read. */
  read(): readonly Deed[] {
    return this.#told.splice(0);
  }

  /** The connection is gone. */
  lost(): void {
    this.#due.unshift(...this.#told.splice(0));
  }

  /** A new boot epoch: nobody knows the old numbers any more. */
  clear(): void {
    this.#due = [];
    this.#told = [];
  }
}
