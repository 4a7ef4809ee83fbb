/**
 * A line of a placement document is made of cells, with two spaces or more between them. Inside a cell single spaces
 * are text. A cell that could be mistaken, or that holds what is not visible (controls, bidirectional marks, broken
 * bytes), is quoted as in JSON.
 */
export interface Cell {
  readonly text: string;
  /** Columns in the line, in UTF-16 units. */
  readonly start: number;
  readonly end: number;
}

const QUOTED = /"(?:[^"\\]|\\.)*"/gsu;

export function cell(text: string): string {
  // A pattern with classes of Unicode takes milliseconds to make: not at the start, but where it is used first.
  return /^(?:(?!")[\p{L}\p{M}\p{N}\p{P}\p{S}])+(?: (?:(?!")[\p{L}\p{M}\p{N}\p{P}\p{S}])+)*$/u.test(text) ? text : quote(text);
}

/** Like {@link cell}, where several stand in one cell with spaces between. */
export function word(text: string): string {
  return text.includes(' ') ? quote(text) : cell(text);
}

/** `keyword value`, as one cell. */
export function keyed(keyword: string, value: string): string {
  return `${keyword} ${cell(value)}`;
}

function quote(text: string): string {
  const escaped = text.replace(/["\\]/g, '\\$&').replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, char =>
    Array.from({ length: char.length }, (_, i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  );
  return `"${escaped}"`;
}

/** Whether every quote in it is closed. */
export function isClosed(text: string): boolean {
  return !text.replace(QUOTED, '').includes('"');
}

/** The reverse of {@link cell}. */
export function unquote(text: string): string {
  if (!text.startsWith('"')) return text;
  return text.slice(1, -1).replace(/\\u([0-9a-f]{4})|\\(.)/gsu, (_, hex: string | undefined, char: string) => (hex === undefined ? char : String.fromCharCode(Number.parseInt(hex, 16))));
}

/** Splits a line; spaces inside quotes are kept together. */
export function splitCells(line: string): Cell[] {
  const cells: Cell[] = [];
  const pattern = /(?:"(?:[^"\\]|\\.)*"|[^ ]| (?! |$))+/gsu;
  for (const match of line.matchAll(pattern)) {
    const lead = match[0].length - match[0].trimStart().length;
    const text = match[0].trim();
    if (text !== '') cells.push({ text, start: match.index + lead, end: match.index + lead + text.length });
  }
  return cells;
}

/** Puts cells into columns: each at least as wide as `widths` says, two spaces between. */
export function joinCells(cells: readonly string[], widths: readonly number[]): string {
  return cells
    .map((text, i) => (i === cells.length - 1 ? text : text.padEnd(widths[i] ?? 0)))
    .join('  ')
    .trimEnd();
}
