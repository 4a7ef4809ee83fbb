import assert from 'node:assert/strict';

/** One test a case: its name is the sentence, `expected` what `parse` must make of `text`. */
export function cases<T>(parse: (text: string) => T, table: Readonly<Record<string, readonly [text: string, expected: T]>>): void {
  for (const [name, [text, expected]] of Object.entries(table)) it(name, () => assert.deepEqual(parse(text), expected));
}
