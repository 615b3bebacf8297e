/** Bounds how many connections of a fleet are being opened at one time. */
export class ConnectGate {
  readonly #atOnceMax: number;
  #opening = 0;

  constructor(atOnceMax: number) {
    this.#atOnceMax = atOnceMax;
  }

  enter(): boolean {
    if (this.#opening >= this.#atOnceMax) return false;
    this.#opening++;
    return true;
  }

  leave(): void {
    this.#opening--;
  }
}
