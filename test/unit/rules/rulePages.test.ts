import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ALL_RULES } from '../../../src/core/rules/allRules';

interface Pages {
  writeRulePages(rules: string, target: string): void;
  rulePages(file: string, source: string): { readonly id: string; readonly title: string; readonly text: string }[];
}

const root = path.resolve(__dirname, '../../../..');

const COMMENT = `/**
 * \`some-fault\`: something is <wrong> with {@link Thing} and \`<kept>\`.
 *
 * **Cause.** Because.
 *
 * libvirt did it.
 *
 * **Signature.** It reads
 * so.
 *
 * **Cost.** Time.
 *
 * **Fix.** None.
 *
 * **Sources.** cgroup-v2.rst
 */`;
const RULE = "export const someFault: Rule = { id: 'some-fault', title: () => t('Something is wrong'), check };";
const SEVERITY = "const finding = { severity: isBad ? 'error' : 'hint', other: 'warning' };";

describe('the pages of rules', () => {
  let pages: Pages;
  before(async () => {
    pages = (await import(pathToFileURL(path.join(root, 'src/rulePages.mjs')).href)) as Pages;
  });

  it('are what the comment says, with nothing that only its source needs and nothing that is HTML', () => {
    const [page, ...others] = pages.rulePages('someFault.ts', `${COMMENT}\n${RULE}\n${SEVERITY}\n`);
    assert.deepEqual(others, []);
    assert.equal(page!.id, 'some-fault');
    assert.equal(page!.text, `# Something is wrong

\`some-fault\` · error or hint

Something is &lt;wrong> with \`Thing\` and \`<kept>\`.

## Cause

Because.

libvirt did it.

## Signature

It reads
so.

## Cost

Time.

## Fix

None.

## Sources

cgroup-v2.rst

---

Another severity, or \`off\`: \`"some-fault"\` in the setting \`cgroupLens.rules\`. Silent for one machine, with a reason: the setting \`cgroupLens.suppressed\`, or the light bulb of a finding.
`);
  });

  const faults: readonly (readonly [name: string, source: string, said: RegExp])[] = [
    ['no comment', RULE, /someFault\.ts: the rule someFault has no doc comment/],
    ['a section that is missing', `${COMMENT.replace('**Cost.** Time.', 'Time.')}\n${RULE}`, /someFault says nothing of \*\*Cost\.\*\*/],
    ['an id that is no file\'s name', `${COMMENT}\n${RULE.replace("'some-fault'", "'../some'")}`, /has no id/],
    ['an id that is made', `${COMMENT}\n${RULE.replace("'some-fault'", 'ID')}`, /has no id/],
    ['a title that is made', `${COMMENT}\n${RULE.replace("t('Something is wrong')", 'titleOf(x)')}`, /has no title/],
  ];
  for (const [name, source, said] of faults) {
    it(`are refused: ${name}`, () => assert.throws(() => pages.rulePages('someFault.ts', source), said));
  }

  it('there is one of each rule, and of nothing else', () => {
    const target = mkdtempSync(path.join(tmpdir(), 'cgroup-lens-pages-'));
    try {
      pages.writeRulePages(path.join(root, 'src/core/rules'), target);
      assert.deepEqual(readdirSync(target).sort(), ALL_RULES.map(({ id }) => `${id}.md`).sort());
      for (const { id, title } of ALL_RULES) {
        const text = readFileSync(path.join(target, `${id}.md`), 'utf8');
        assert.ok(text.startsWith(`# ${title()}\n\n\`${id}\` · `), id);
        assert.doesNotMatch(text, /^(?:VCPU|Libvirt)/m, `${id}: a name is written as it is`);
        assert.doesNotMatch(text, /&lt;/, `${id}: a terminal shows it as it is; in backquotes, or without the <`);
      }
    } finally {
      rmSync(target, { recursive: true });
    }
  });
});
