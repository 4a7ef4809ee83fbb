import { cell } from '../placement/cells';
import { type Steps, atOnce } from '../model/pace';
import type { Span } from '../placement/parse';
import type { Difference } from './compare';
import type { Section } from './side';

/** One side as a text for a diff: a line for each fact. */
export interface PrintedSide {
  readonly text: string;
  /** The words that a difference is about; where this side has nothing of it, the nearest that it has. */
  spanOf(difference: Difference): Span;
}

/** The columns before a value. */
const NAME = 16;

/** {@link printingSide}, at once. */
export function printSide(sections: readonly Section[]): PrintedSide {
  return atOnce(printingSide(sections));
}

export function* printingSide(sections: readonly Section[]): Steps<PrintedSide> {
  const lines: string[] = [];
  const spans = new Map<string, Span>();
  const add = (key: string, lead: string, words: string): void => {
    spans.set(key, { line: lines.length, start: lead.length, end: lead.length + words.length });
    lines.push(lead + words);
  };
  for (const { key, title, facts } of sections) {
    yield;
    if (lines.length > 0) lines.push('');
    add(key, '', cell(title));
    for (const { name, value } of facts) add(`${key}\n${name}`, `  ${cell(name).padEnd(NAME)}  `, cell(value === '' ? 'none' : value));
  }
  return {
    text: `${lines.join('\n')}\n`,
    spanOf: ({ section, fact }) => (fact === undefined ? undefined : spans.get(`${section}\n${fact}`)) ?? spans.get(section) ?? { line: 0, start: 0, end: lines[0]?.length ?? 0 },
  };
}
