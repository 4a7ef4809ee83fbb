import { decodeBytes } from '../parse/bytes';

/** Bytes of a line without an end: no header of a frame is nearly as long. */
const LONGEST_LINE = 1 << 16;

/** Buffers that are made one at a time. */
const FEW = 1024;

/**
 * What came and cannot be decoded yet. It is joined once, when all that is waited for is there: a host that sends its
 * answer a byte at a time costs no more than one that sends it whole.
 */
export class Pending {
  private chunks: Buffer[] = [];
  /** The latest, while they are few: a million buffers of a byte would take a hundred times their room. */
  private few: Buffer[] = [];
  private length = 0;
  /** Bytes that are waited for; 0 for the end of a line. */
  private wanted = 0;

  /** All that came, when it may be enough. */
  add(chunk: Buffer): Buffer | undefined {
    this.few.push(chunk);
    this.length += chunk.length;
    if (this.few.length === FEW) this.gather();
    if (this.wanted > 0 ? this.length < this.wanted : !chunk.includes(0x0a)) return undefined;
    this.gather();
    const all = this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks);
    this.chunks = [];
    this.length = 0;
    return all;
  }

  /** What is left of it, and how many bytes from its beginning are needed. */
  keep(rest: Buffer, wanted = 0): void {
    if (rest.length > 0) this.chunks.push(Buffer.from(rest)); // a copy: the whole would be held for its sake
    this.length = rest.length;
    this.wanted = wanted;
  }

  /** Whole lines of what came; the rest is kept. For answers that are lines alone. */
  lines(chunk: Buffer): string[] {
    const bytes = this.add(chunk);
    if (bytes === undefined) return [];
    const end = bytes.lastIndexOf(0x0a) + 1;
    this.keep(bytes.subarray(end));
    return decodeBytes(bytes.subarray(0, end)).split('\n');
  }

  get isTooLong(): boolean {
    return this.wanted === 0 && this.length > LONGEST_LINE;
  }

  private gather(): void {
    if (this.few.length > 0) this.chunks.push(this.few.length === 1 ? this.few[0]! : Buffer.concat(this.few));
    this.few = [];
  }
}
