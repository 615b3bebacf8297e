/** Rows over the last `windowMs`, in one slot for each second. */
export class Rate {
  readonly #windowMs: number;
  readonly #slots: { atMs: number; rows: number }[] = [];

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  add(rows: number, nowMs: number): void {
    const last = this.#slots.at(-1);
    if (last !== undefined && nowMs - last.atMs < 1_000) last.rows += rows;
    else this.#slots.push({ atMs: nowMs, rows });
    this.#forget(nowMs);
  }

  perSecond(nowMs: number): number {
    this.#forget(nowMs);
    const first = this.#slots.at(0);
    if (first === undefined) return 0;
    const rows = this.#slots.reduce((sum, slot) => sum + slot.rows, 0);
    return rows / (Math.max(1_000, nowMs - first.atMs) / 1_000);
  }

  #forget(nowMs: number): void {
    while (this.#slots.length > 0 && nowMs - this.#slots[0].atMs > this.#windowMs) this.#slots.shift();
  }
}
