import { OperatorError } from '../errors.ts';
import { limits } from '../limits.ts';

export interface AutoPaymentOptions {
  /** The service's admin API: `http://HOST:PORT`, and a token that may top up. */
  readonly url: string;
  readonly token: string;
  readonly openingKop: number;
  /** Topped up by `addKop` whenever the purse holds less than `belowKop` before a tap of its card. */
  readonly belowKop: number;
  readonly addKop: number;
  readonly pupilByUid: ReadonlyMap<string, number>;
}

interface Waiting {
  readonly pupil: number;
  readonly key: string;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** The parents' automatic payments: they know a purse by the balances that its taps were answered with. */
export class AutoPayments {
  readonly #options: AutoPaymentOptions;
  readonly #balances = new Map<string, number>();
  #waiting: Waiting[] = [];
  #isPosting = false;
  count = 0;

  constructor(options: AutoPaymentOptions) {
    this.#options = options;
  }

  /** An answer showed the balance of a card's purse. */
  saw(uid: string, balanceKop: number): void {
    this.#balances.set(uid, balanceKop);
  }

  /** Before the next tap of a card: the payment that is due; null for none. */
  due(uid: string): Promise<void> | null {
    const { openingKop, belowKop, addKop, pupilByUid } = this.#options;
    const balanceKop = this.#balances.get(uid) ?? openingKop;
    const pupil = pupilByUid.get(uid);
    if (balanceKop >= belowKop || pupil === undefined) return null;
    this.#balances.set(uid, balanceKop + addKop);
    const key = `replay-auto-${++this.count}`;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ pupil, key, resolve, reject });
      void this.#post();
    });
  }

  /** Payments that come while some are on their way go together next. */
  async #post(): Promise<void> {
    if (this.#isPosting) return;
    this.#isPosting = true;
    while (this.#waiting.length > 0) {
      const part = this.#waiting.splice(0, limits.autoPaymentsPerRequestMax);
      await this.#send(part).then(
        () => part.forEach(({ resolve }) => resolve()),
        (error: unknown) => part.forEach(({ reject }) => reject(error)),
      );
    }
    this.#isPosting = false;
  }

  async #send(part: readonly Waiting[]): Promise<void> {
    const { url, token, addKop } = this.#options;
    const topups = part.map(({ pupil, key }) => ({ pupil, purse: 'buffet', kop: addKop, key }));
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
    const signal = AbortSignal.timeout(limits.answerTimeoutMs);
    const response = await fetch(`${url}/admin/v1/topups`, {
      method: 'POST',
      headers,
      signal,
      body: JSON.stringify({ topups }),
    });
    const answer = (await response.json()) as { results?: readonly { ok: boolean; repeated: boolean }[] };
    if (response.status === 200 && answer.results?.every(({ ok, repeated }) => ok && !repeated)) return;
    throw new OperatorError(
      'TOPUP_REFUSED',
      `an automatic payment was refused (${response.status})`,
      'Use a fresh data directory',
    );
  }
}
