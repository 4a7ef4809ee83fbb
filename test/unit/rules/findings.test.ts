import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ALL_RULES, findingsOf } from '../../../src/core/rules/allRules';
import type { Finding } from '../../../src/core/rules/rule';
import { ALL_HOSTS, HOSTS, modelOf } from '../fixtures';

const update = process.env['UPDATE_GOLDENS'] === '1';

describe('what the rules find on a recorded host', () => {
  for (const name of ALL_HOSTS) {
    it(`is what was reviewed: ${name}`, async () => {
      const { model } = await modelOf(name);
      const text = findingsText(findingsOf(model));
      const golden = join(HOSTS, `${name}.findings.txt`);
      if (update) writeFileSync(golden, text);
      assert.equal(text, readFileSync(golden, 'utf8'), 'run with UPDATE_GOLDENS=1 and review the diff');
    });
  }

  it('each rule has an id of its own, in words', () => {
    assert.deepEqual(ALL_RULES.map(({ id }) => id), [...new Set(ALL_RULES.map(({ id }) => id))]);
    for (const { id } of ALL_RULES) assert.match(id, /^[a-z0-9]+(-[a-z0-9]+)*$/);
  });

  it('each rule has a file and a test that are called as it is', () => {
    for (const { id } of ALL_RULES) {
      const name = id.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
      for (const file of [`src/core/rules/${name}.ts`, `test/unit/rules/${name}.test.ts`]) assert.ok(existsSync(join(HOSTS, '../../..', file)), file);
    }
  });
});

function findingsText(findings: readonly Finding[]): string {
  const shown = (path: string): string => path;
  return findings.length === 0 ? 'no findings\n' : findings.map(({ rule, severity, machine, threads, at, sentence, cost, advice, evidence, fixes }) => [
    [rule, severity, machine.name, ...threads.map(({ tid, comm }) => `${tid} (${comm})`), whereText(at)].join('   '),
    `  ${sentence(shown)}`,
    `  cost   ${cost()}`,
    `  do     ${advice(shown)}`,
    ...evidence.map(({ file, value }) => `  read   ${file}   ${value}`),
    ...fixes.map(fix => `  fix    ${fix.title(shown)}`),
    '',
  ].join('\n')).join('\n');
}

function whereText(at: Finding['at']): string {
  return at.kind === 'place' ? at.hierarchy : at.kind === 'value' ? `${at.hierarchy} ${at.name}` : at.kind;
}
