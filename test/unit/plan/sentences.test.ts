import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { KERNEL_BECAUSE } from '../../../src/core/cgroup/because';
import { KERNEL_SENTENCES } from '../../../src/core/plan/kernelSentences';
import { bytesText, sentence } from '../../../src/core/plan/sentences';

const PLAN = join(__dirname, '../../../../src/core/plan');

/** Ids of reasons in the planner's own source. */
function idsInSource(): string[] {
  const source = readdirSync(PLAN).filter(name => name.endsWith('.ts')).map(name => readFileSync(join(PLAN, name), 'utf8')).join('\n');
  return [...new Set([...source.matchAll(/\b(?:reason|refuse|irreversible|conflict)\('([a-z0-9-]+)'|\bid: '([a-z0-9-]+)'/g)].map(match => match[1] ?? match[2]!))].sort();
}

describe('reasons as sentences', () => {
  for (const [id, details] of Object.entries(KERNEL_BECAUSE)) {
    it(`${id} says all that is known`, () => {
      const text = sentence({ id, details: Object.fromEntries(details.map(name => [name, `<${name}>`])) });
      assert.ok(KERNEL_SENTENCES[id], 'has a sentence');
      assert.doesNotMatch(text, /\{\d\}|\?/, 'nothing that is said is missing');
      assert.match(text, /[.]$/);
    });
  }

  it('there is none for what no prediction says', () => {
    assert.deepEqual(Object.keys(KERNEL_SENTENCES).filter(id => !(id in KERNEL_BECAUSE)), []);
  });

  const ids = idsInSource();
  it('the planner\'s own are found in its source', () => assert.ok(ids.length > 40, ids.join(' ')));
  for (const id of ids) {
    it(`${id} has a sentence`, () => assert.doesNotMatch(sentence({ id, details: {} }), new RegExp(`^${id}`)));
  }

  it('a host\'s strings in them are made visible', () => {
    assert.equal(sentence({ id: 'cgroup-gone', details: { path: '/a\u001b[31m\nb' } }), String.raw`there is no cgroup /a\u{1b}[31m\nb, or it is gone. Make it first, or refresh.`);
  });

  it('one that nobody worded still says what it has', () => {
    assert.equal(sentence({ id: 'strange', details: { a: 1 } }), 'strange {"a":1}');
  });

  it('bytes in the unit that fits', () => {
    assert.deepEqual([0, 1023, 1024, 1536, 805_306_368, 5 * 2 ** 40].map(bytesText), ['0 bytes', '1023 bytes', '1.0 KiB', '1.5 KiB', '768 MiB', '5.0 TiB']);
  });
});
