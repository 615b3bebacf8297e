import { createHash } from 'node:crypto';

/** WebSocket (RFC 6455) by hand, client side, as far as binary messages, pings and closes go. */

export const Opcode = { binary: 2, close: 8, ping: 9, pong: 10 } as const;

const acceptGuid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const shortLengthMax = 125;
const extendedLength16 = 126;
const extendedLength64 = 127;

export function upgradeRequest(url: URL, key: string): string {
  return [
    `GET ${url.pathname}${url.search} HTTP/1.1`,
    `Host: ${url.host}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${key}`,
    'Sec-WebSocket-Version: 13',
    '\r\n',
  ].join('\r\n');
}

/** True if a response head accepts the upgrade that carried `key`. */
export function isUpgraded(head: string, key: string): boolean {
  const accept = createHash('sha1')
    .update(key + acceptGuid)
    .digest('base64');
  return /^HTTP\/1\.1 101 /.test(head) && head.includes(accept);
}

/** Bytes before the payload of a masked frame. */
export function maskedHeadBytes(payloadBytes: number): number {
  return (payloadBytes > shortLengthMax ? 4 : 2) + 4;
}

/** One whole masked frame; payloads up to 65,535 bytes. */
export function maskedFrame(opcode: number, payload: Uint8Array, key: Uint8Array): Buffer {
  const head = maskedHeadBytes(payload.length);
  const frame = Buffer.allocUnsafe(head + payload.length);
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | Math.min(payload.length, extendedLength16);
  if (payload.length > shortLengthMax) frame.writeUInt16BE(payload.length, 2);
  else frame[1] = 0x80 | payload.length;
  frame.set(key, head - 4);
  for (let at = 0; at < payload.length; at++) frame[head + at] = payload[at] ^ key[at & 3];
  return frame;
}

/** Cuts a byte stream into the frames of a server; a server does not mask and, here, does not fragment. */
export class ServerFrames {
  #rest: Buffer = Buffer.alloc(0);

  /** Calls `onFrame` for each whole frame; the payload is good until the call returns. */
  push(chunk: Buffer, onFrame: (opcode: number, payload: Buffer) => void): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= 2) {
      const short = bytes[at + 1] & 0x7f;
      const head = short === extendedLength16 ? 4 : short === extendedLength64 ? 10 : 2;
      if (bytes.length - at < head) break;
      const length =
        head === 2 ? short : head === 4 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
      if (bytes.length - at < head + length) break;
      onFrame(bytes[at] & 0x0f, bytes.subarray(at + head, at + head + length));
      at += head + length;
    }
    this.#rest = at === bytes.length ? Buffer.alloc(0) : Buffer.from(bytes.subarray(at));
  }
}
