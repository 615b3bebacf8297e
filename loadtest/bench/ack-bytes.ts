/** Reads an ACK's `durableSeq` and counts its codes, without building a message. */
export function readAck(payload: Buffer, taps: number, codes: Float64Array): number {
  const at = { offset: 3 };
  const durableSeq = readUint(payload, at);
  readUint(payload, at);
  readUint(payload, at);
  at.offset += payload[at.offset] === 0xc4 ? 2 : 3;
  for (let place = 0; place < taps; place++) codes[payload[at.offset + place]]++;
  return durableSeq;
}

/** An unsigned MessagePack integer at an offset, which moves behind it. */
function readUint(bytes: Buffer, at: { offset: number }): number {
  const head = bytes[at.offset++];
  if (head < 0x80) return head;
  const size = 2 ** (head - 0xcc);
  const value = size === 8 ? Number(bytes.readBigUInt64BE(at.offset)) : bytes.readUIntBE(at.offset, size);
  at.offset += size;
  return value;
}
