import { sign } from 'node:crypto';
import { encodeHello, helloSigningBytes } from '../../ingest/protocol/encode.ts';
import { decodeMessage, type Message } from '../../ingest/protocol/messages.ts';
import { OperatorError } from '../errors.ts';
import { FrameTemplate } from '../scenarios/frame-templates.ts';
import { maskedHeadBytes } from '../scenarios/websocket-bytes.ts';
import { type BenchReader, stepMsOf } from './bench-reader.ts';

const messagePack = 'application/msgpack';
const noMask = Buffer.alloc(4);
/** As long as a real token, so that the floor reads as many bytes of head. */
const floorToken = 'x'.repeat(118);

/** The requests of one reader over HTTP, one tap each. */
export class HttpReader {
  readonly headers: Readonly<Record<string, string>>;
  readonly #templates: readonly FrameTemplate[];
  readonly #reader: BenchReader;
  readonly #stepMs: number;
  readonly #firstMs: number;
  #made = 0;

  private constructor(reader: BenchReader, token: string) {
    this.#reader = reader;
    this.#templates = reader.framesOf(1).map((taps) => new FrameTemplate(taps, noMask));
    this.#stepMs = stepMsOf(this.#templates.length);
    this.#firstMs = reader.nextMs;
    this.headers = { 'Content-Type': messagePack, Authorization: `Bearer ${token}` };
  }

  /** Says HELLO, unless the server is the floor. */
  static async open(reader: BenchReader, server: URL, isEcho: boolean): Promise<HttpReader> {
    return new HttpReader(reader, isEcho ? floorToken : await sessionToken(reader, server));
  }

  /** The next request's body. */
  nextBody(): Buffer {
    const template = this.#templates[this.#made % this.#templates.length];
    const frame = Buffer.allocUnsafe(template.bytes);
    template.write(frame, 0, this.#made + 1, this.#firstMs + this.#made * this.#stepMs);
    this.#made++;
    return frame.subarray(maskedHeadBytes(1));
  }

  close(): void {
    this.#reader.spend(this.#made, this.#stepMs);
  }
}

async function sessionToken(reader: BenchReader, server: URL): Promise<string> {
  const { readerId, key } = reader;
  const challenge = await ask(new Request(new URL('/v1/challenge', server)));
  if (challenge.type !== 'challenge') throw notLetIn(readerId);
  const { nonce } = challenge;
  const bootEpoch = reader.nextEpoch();
  const signature = sign(null, helloSigningBytes(nonce, readerId, bootEpoch), key);
  const fields = { readerId, bootEpoch, nextSeq: 1, clockMs: Date.now(), firmware: 'bench 1', rulesVersion: 0 };
  const body = Buffer.from(encodeHello({ ...fields, signature, nonce }));
  const headers = { 'Content-Type': messagePack };
  const welcome = await ask(new Request(new URL('/v1/hello', server), { method: 'POST', headers, body }));
  if (welcome.type !== 'welcome') throw notLetIn(readerId);
  return welcome.sessionToken;
}

async function ask(request: Request): Promise<Message> {
  const response = await fetch(request);
  const decoded = decodeMessage(new Uint8Array(await response.arrayBuffer()));
  if (!decoded.ok) throw new OperatorError('UNDECODABLE', `the service answered ${response.status}`, 'See its log');
  return decoded.message;
}

function notLetIn(readerId: number): OperatorError {
  return new OperatorError('NOT_WELCOMED', `reader ${readerId} got no session over HTTP`, 'See the log of the service');
}
