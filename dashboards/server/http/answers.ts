import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Prepared } from '../answer/desk.ts';
import { encode, type Encoded, type EncodeOptions } from '../formats/encode.ts';
import { cacheAgeMs, cacheBytesMax, cachedAnswerBytesMax } from './limits.ts';
import type { HttpParts } from './parts.ts';

/** How an answer is to look. */
export type Look = Required<Omit<EncodeOptions, 'client'>>;

/** Answers as files: kept while what they rest on is the same, and made once for all who ask the same at one time. */
export class Answers {
  readonly #parts: HttpParts;
  readonly #running = new Map<string, Promise<Encoded>>();
  readonly #kept = new LRUCache<string, Encoded>({
    maxSize: cacheBytesMax,
    maxEntrySize: cachedAnswerBytesMax,
    sizeCalculation: ({ body }) => Math.max(1, body.byteLength),
    ttl: cacheAgeMs,
  });

  constructor(parts: HttpParts) {
    this.#parts = parts;
  }

  /** The tag of an answer that was not made yet; undefined where only the answer itself tells whether it is the same. */
  tagOf({ cacheKey }: Prepared, look: Look): string | undefined {
    return cacheKey === null ? undefined : digest([cacheKey, look]);
  }

  async answer(prepared: Prepared, look: Look): Promise<Encoded> {
    const { query, caller, audit, told } = prepared;
    if (audit !== undefined) {
      // What a person looks at is made for this person, after it was written who looks.
      const view = { query: query.name, ...audit, parameters: told };
      return await this.#parts.audited(caller, view, () => this.#make(prepared, look));
    }
    const kept = this.tagOf(prepared, look);
    const found = kept === undefined ? undefined : this.#kept.get(kept);
    if (found !== undefined) return found;
    const { role, districtId, schoolId, classId } = caller;
    const shared = kept ?? digest([query.name, told, prepared.nowMs, role, districtId, schoolId, classId, look]);
    const encoded = await this.#once(shared, () => this.#make(prepared, look));
    if (kept !== undefined) this.#kept.set(kept, encoded);
    return encoded;
  }

  async #once(key: string, make: () => Promise<Encoded>): Promise<Encoded> {
    const running = this.#running.get(key) ?? make().finally(() => this.#running.delete(key));
    this.#running.set(key, running);
    return await running;
  }

  async #make(prepared: Prepared, look: Look): Promise<Encoded> {
    const answer = await this.#parts.desk.answer(prepared);
    return await encode(answer, { ...look, client: this.#parts.client() });
  }
}

/** Of the body itself, for answers that change with every tap. */
export function bodyTag(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('base64url');
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64url');
}
