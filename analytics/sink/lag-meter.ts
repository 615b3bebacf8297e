/** How often the durable position is noted at most, and how many notes are kept before every second one is dropped. */
const noteIntervalMs = 100;
const notesMax = 512;

/**
 * How long the oldest of what is durable and not stored has been so, by the wall clock since this sink began: the journal's
 * own times may be those of a simulated day.
 */
export class LagMeter {
  #notes: { readonly position: number; readonly atMs: number }[] = [];

  /** The journal is durable up to `position` now. */
  note(position: number, nowMs: number): void {
    const last = this.#notes.at(-1);
    if (last !== undefined && (position <= last.position || nowMs - last.atMs < noteIntervalMs)) return;
    this.#notes.push({ position, atMs: nowMs });
    if (this.#notes.length > notesMax) this.#notes = this.#notes.filter((_, index) => index % 2 === 0);
  }

  /** Age in ms of the oldest note beyond `storedPosition`; 0 if there is none. */
  lagMs(storedPosition: number, nowMs: number): number {
    while (this.#notes.length > 0 && this.#notes[0].position <= storedPosition) this.#notes.shift();
    return this.#notes.length === 0 ? 0 : Math.max(0, nowMs - this.#notes[0].atMs);
  }
}
