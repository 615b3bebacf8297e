import type { Ack, Err } from '../protocol/messages.ts';
import { encodeOutcome } from '../protocol/encode.ts';
import { tapsFrom, TestReader } from './test-reader.suite.ts';

type Random = (below: number) => number;
interface FirstAnswer {
  readonly code: number;
  readonly balance: number | null;
}

const frameTapsMax = 60;
const framesInFlightMax = 6;

/** Of these taps the reader tells, once or often, that it served nobody after all. */
export function isUndone(seq: number): boolean {
  return seq % 5 === 0;
}

/**
 * A reader that does whatever the protocol lets it, as its random numbers say: frames of any size, repeats of what was
 * answered and of what is in flight, OUTCOMEs, connections that it drops, frames beyond a gap. It remembers every first answer.
 */
export class RandomReader {
  durableSeq = 0;
  readonly faults: string[] = [];
  readonly #readerId: number;
  readonly #last: number;
  readonly #random: Random;
  readonly #answers = new Map<number, FirstAnswer>();
  #sentSeq = 0;

  constructor(readerId: number, last: number, random: Random) {
    this.#readerId = readerId;
    this.#last = last;
    this.#random = random;
  }

  /** Streams until everything is durable, over as many connections as it takes. */
  async run(service: { url(): string }): Promise<void> {
    while (this.durableSeq < this.#last) {
      try {
        await this.#connection(service.url());
      } catch {
        // The service is away or ended the connection.
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  }

  async #connection(url: string): Promise<void> {
    const { reader, welcome } = await TestReader.welcome(url, this.#readerId, { nextSeq: this.durableSeq + 1 });
    if (welcome.nextSeq <= this.durableSeq)
      this.#fault(`WELCOME says ${welcome.nextSeq}, ${this.durableSeq} is durable`);
    this.durableSeq = Math.max(this.durableSeq, welcome.nextSeq - 1);
    this.#sentSeq = welcome.nextSeq - 1;
    const framesUntilCut = 5 + this.#random(40);
    let inFlight = 0;
    try {
      for (let frame = 0; frame < framesUntilCut && this.durableSeq < this.#last; frame++) {
        this.#send(reader);
        inFlight += 1;
        while (inFlight >= framesInFlightMax || (inFlight > 0 && this.#random(3) === 0)) {
          this.#take(await reader.next());
          inFlight -= 1;
        }
      }
      if (this.#random(2) === 0) return;
      for (; inFlight > 0; inFlight--) this.#take(await reader.next());
    } finally {
      if (this.#random(2) === 0) reader.socket.terminate();
      else reader.socket.close();
    }
  }

  #send(reader: TestReader): void {
    const dice = this.#random(10);
    const count = 1 + this.#random(frameTapsMax);
    if (dice === 0 && this.#sentSeq + 2 <= this.#last) return reader.send(tapsFrom(this.#sentSeq + 2, 1));
    const isRepeat = dice <= 3 && this.#sentSeq > 0;
    const first = isRepeat ? 1 + this.#random(this.#sentSeq) : this.#sentSeq + 1;
    const last = Math.min(first + count - 1, this.#last);
    reader.send(tapsFrom(first, last - first + 1));
    this.#sentSeq = Math.max(this.#sentSeq, last);
    this.#tellDeed(reader, this.#random(last + 1));
  }

  #tellDeed(reader: TestReader, seq: number): void {
    if (seq > 0 && isUndone(seq)) reader.send(encodeOutcome({ seq, deed: 0 }));
  }

  /** Tells all its deeds (again): nobody answered that they were heard. */
  async tellAll(url: string): Promise<void> {
    const { reader } = await TestReader.welcome(url, this.#readerId, { nextSeq: this.durableSeq + 1 });
    for (let seq = 1; seq <= this.#last; seq++) this.#tellDeed(reader, seq);
    // What is answered behind them says that they were taken in.
    reader.send(tapsFrom(this.#last, 1));
    this.#take(await reader.expect('ack'));
    await reader.close();
  }

  #take(message: { readonly type: string }): void {
    if (message.type === 'ack') return this.#ack(message as Ack);
    if (message.type !== 'err') return this.#fault(`got ${message.type}`);
    const { code, message: text, fatal } = message as Err;
    // A gap was asked for, or follows a frame that was refused while the service drained.
    if (code === 5 || code === 8) this.#sentSeq = this.durableSeq;
    else if (code !== 9) this.#fault(`ERR ${code}: ${text}`);
    if (fatal) throw new Error('ended');
  }

  #ack({ durableSeq, firstSeq, codes, balances }: Ack): void {
    if (durableSeq < this.durableSeq) this.#fault(`durableSeq fell from ${this.durableSeq} to ${durableSeq}`);
    this.durableSeq = durableSeq;
    this.#sentSeq = Math.max(this.#sentSeq, durableSeq);
    codes.forEach((code, place) => {
      const seq = firstSeq + place;
      const answer = { code, balance: balances?.[place] ?? null };
      const first = this.#answers.get(seq);
      if (first === undefined) this.#answers.set(seq, answer);
      else if (first.code !== answer.code || first.balance !== answer.balance) {
        this.#fault(`seq ${seq} was answered ${JSON.stringify(first)}, then ${JSON.stringify(answer)}`);
      }
    });
  }

  #fault(text: string): void {
    if (this.faults.length < 10) this.faults.push(`reader ${this.#readerId}: ${text}`);
  }
}
