import { isUtf8 } from 'node:buffer';

/**
 * Names of threads and cgroups are bytes to the kernel, not text. A byte that is not valid UTF-8 is kept as a lone
 * surrogate U+DC80…U+DCFF (Python's "surrogateescape"), so that `encodeBytes(decodeBytes(b))` gives back `b` and a
 * path can be written to exactly as it was read.
 */
export function decodeBytes(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isUtf8(buffer)) return buffer.toString('utf8');
  let text = '';
  let i = 0;
  while (i < buffer.length) {
    const length = sequenceLength(buffer, i);
    if (length === 0) {
      text += String.fromCharCode(0xdc00 + buffer[i]!);
      i += 1;
    } else {
      text += buffer.toString('utf8', i, i + length);
      i += length;
    }
  }
  return text;
}

/** The reverse of {@link decodeBytes}. */
export function encodeBytes(text: string): Buffer {
  if (!/[\udc80-\udcff]/.test(text)) return Buffer.from(text, 'utf8');
  const parts: Buffer[] = [];
  for (const char of text) {
    const code = char.codePointAt(0)!;
    parts.push(code >= 0xdc80 && code <= 0xdcff ? Buffer.of(code - 0xdc00) : Buffer.from(char, 'utf8'));
  }
  return Buffer.concat(parts);
}

/** Bytes of the valid UTF-8 sequence that starts at `i`, or 0 when none does. */
function sequenceLength(buffer: Buffer, i: number): number {
  const first = buffer[i]!;
  const length = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  return length > 0 && i + length <= buffer.length && isUtf8(buffer.subarray(i, i + length)) ? length : 0;
}
