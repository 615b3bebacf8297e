import { OperatorError } from '../../workers/errors.ts';
import { roundTapsMax, tapsWaitingMax } from './limits.ts';

interface Waiting<Question, Answer> {
  readonly question: Question;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** Answers the questions of a round together, in their order; while one round is answered, the next fills up. */
export class Rounds<Question, Answer> {
  readonly #answer: (questions: Question[]) => Promise<Answer[]>;
  #waiting: Waiting<Question, Answer>[] = [];
  #isBusy = false;

  constructor(answer: (questions: Question[]) => Promise<Answer[]>) {
    this.#answer = answer;
  }

  /** Rejects with LOOKUP_BUSY at the bound, and with what the round fails with. */
  ask(question: Question): Promise<Answer> {
    if (this.#waiting.length >= tapsWaitingMax) return Promise.reject(busy());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question, resolve, reject });
      // What is asked in one turn of the event loop shares a round.
      if (this.#waiting.length === 1 && !this.#isBusy) setImmediate(() => void this.#run());
    });
  }

  async #run(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    while (this.#waiting.length > 0) {
      const round = this.#waiting.splice(0, roundTapsMax);
      try {
        const answers = await this.#answer(round.map(({ question }) => question));
        round.forEach(({ resolve }, index) => resolve(answers[index]));
      } catch (error) {
        for (const { reject } of round) reject(error);
      }
    }
    this.#isBusy = false;
  }
}

function busy(): OperatorError {
  return new OperatorError('LOOKUP_BUSY', `${tapsWaitingMax} taps are looked for already`, 'Try again in a moment.');
}
