const SPACE = 0x20;
const NEWLINE = 0x0a;
const MINUS = 0x2d;
const ZERO = 0x30;

/**
 * The whole numbers of a line, one space between two, from `from` on and `most` of them; what is no number is NaN. Reads
 * the characters where they stand: to cut a line of `stat` into fifty strings first costs five times as much.
 */
export function readNumbers(text: string, from: number, most: number): number[] {
  const numbers: number[] = [];
  for (let at = from; at < text.length && numbers.length < most; at++) {
    const negative = text.charCodeAt(at) === MINUS;
    const first = negative ? at + 1 : at;
    let value = 0;
    let code = 0;
    for (at = first; at < text.length; at++) {
      code = text.charCodeAt(at);
      if (code === SPACE || code === NEWLINE) break;
      value = code >= ZERO && code <= ZERO + 9 ? value * 10 + (code - ZERO) : Number.NaN;
    }
    numbers.push(at === first ? Number.NaN : negative ? -value : value);
    if (code === NEWLINE) break;
  }
  return numbers;
}
