import { isUtf8 } from 'node:buffer';

/** Bytes that are converted at once where they are valid, and one after the other where they are not. */
const BLOCK = 1 << 14;

/**
 * Names of threads and cgroups are bytes to the kernel, not text. A byte that is not valid UTF-8 is kept as a lone
 * surrogate U+DC80…U+DCFF (Python's "surrogateescape"), so that `encodeBytes(decodeBytes(b))` gives back `b` and a
 * path can be written to exactly as it was read.
 */
export function decodeBytes(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (isUtf8(buffer)) return buffer.toString('utf8');
  // In blocks, so that one bad byte in a large file costs one block, and not every character a string of its own.
  const parts: string[] = [];
  for (let at = 0; at < buffer.length; ) {
    const end = blockEnd(buffer, at);
    if (isUtf8(buffer.subarray(at, end))) {
      parts.push(buffer.toString('utf8', at, end));
      at = end;
    } else {
      const units: number[] = [];
      while (at < end) at = decodeOne(buffer, at, units);
      parts.push(String.fromCharCode(...units)); // as many as a block has bytes, at most
    }
  }
  return parts.join('');
}

/** The reverse of {@link decodeBytes}. */
export function encodeBytes(text: string): Buffer {
  if (!/[\udc80-\udcff]/.test(text)) return Buffer.from(text, 'utf8');
  const runs = text.split(/([\udc80-\udcff]+)/u); // text and broken bytes by turns; `u`: not the half of a pair
  return Buffer.concat(runs.map((run, i) => (i % 2 === 0 ? Buffer.from(run, 'utf8') : Buffer.from(run, 'utf16le').filter((_, j) => j % 2 === 0))));
}

/** The longest text that is shown of what a stranger named: no name that the kernel or libvirt gives is as long. */
const LONGEST = 4096;

/** The text, or its beginning and `…`: what comes from a file of a stranger may have any length. */
export function shorten(text: string): string {
  if (text.length <= LONGEST) return text;
  const isHalf = /[\ud800-\udbff]/.test(text[LONGEST - 2]!);
  return `${text.slice(0, LONGEST - (isHalf ? 2 : 1))}…`;
}

/** Where a block that begins at `at` ends: not within a character, so that a valid text has valid blocks. */
function blockEnd(buffer: Buffer, at: number): number {
  const end = Math.min(at + BLOCK, buffer.length);
  for (let i = end; i > end - 4 && i > at; i--) if (i === buffer.length || !isContinuation(buffer[i])) return i;
  return end;
}

/** Appends the UTF-16 units of the character at `at`, or of its one byte when it is none; returns where the next begins. */
function decodeOne(buffer: Buffer, at: number, units: number[]): number {
  const first = buffer[at]!;
  const length = sequenceLength(buffer, at);
  if (length === 0) units.push(0xdc00 + first);
  else if (length === 1) units.push(first);
  else {
    let code = first & (0x7f >> length);
    for (let i = 1; i < length; i++) code = (code << 6) | (buffer[at + i]! & 0x3f);
    if (code < 0x10000) units.push(code);
    else units.push(0xd800 + ((code - 0x10000) >> 10), 0xdc00 + ((code - 0x10000) & 0x3ff));
  }
  return at + Math.max(1, length);
}

/** Bytes of the valid UTF-8 sequence that starts at `at`, or 0 when none does (RFC 3629, section 4). */
function sequenceLength(buffer: Buffer, at: number): number {
  const first = buffer[at]!;
  if (first < 0x80) return 1;
  const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  for (let i = 1; i < length; i++) if (!isContinuation(buffer[at + i])) return 0;
  const second = buffer[at + 1]!;
  const overlong = (first === 0xe0 && second < 0xa0) || (first === 0xf0 && second < 0x90);
  const isSurrogate = first === 0xed && second > 0x9f;
  const beyondUnicode = first === 0xf4 && second > 0x8f;
  return overlong || isSurrogate || beyondUnicode ? 0 : length;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
