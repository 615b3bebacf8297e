/** Bytes behind the lead byte of a sequence; -1 where it is no lead byte. */
function continuationBytes(lead: number): number {
  if (lead < 0x80) return 0;
  if (lead >= 0xc2 && lead <= 0xdf) return 1;
  if (lead >= 0xe0 && lead <= 0xef) return 2;
  return lead >= 0xf0 && lead <= 0xf4 ? 3 : -1;
}

/** The first continuation byte is narrower behind these leads: no overlong forms, no surrogates, nothing above U+10FFFF. */
function isSecondByte(lead: number, byte: number): boolean {
  const min = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const max = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  return byte >= min && byte <= max;
}

/** The index of the first byte in `[from, to)` that cannot stand there in UTF-8 (RFC 3629); -1 if all can. */
export function firstInvalidUtf8(bytes: Uint8Array, from: number, to: number): number {
  let at = from;
  while (at < to) {
    const lead = bytes[at];
    const following = continuationBytes(lead);
    // A sequence cut off by the end of the str is blamed on its lead byte.
    if (following < 0 || at + following >= to) return at;
    for (let place = 1; place <= following; place++) {
      const byte = bytes[at + place];
      if (place === 1 ? !isSecondByte(lead, byte) : (byte & 0xc0) !== 0x80) return at + place;
    }
    at += 1 + following;
  }
  return -1;
}
