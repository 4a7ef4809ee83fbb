import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shippedWith } from '../../../src/cli/shipped';
import { ALL_RULES } from '../../../src/core/rules/allRules';
import { NOT_RULES } from '../../../src/core/rules/notRules';
import { cli } from './support';

describe('cgroup-lens explain', () => {
  it('without an id: each finding with its title, then what cannot be seen', async () => {
    const { code, stdout } = await cli('explain');
    assert.equal(code, 0);
    const lines = stdout.split('\n');
    for (const { id, title } of ALL_RULES) assert.ok(lines.some(line => line.startsWith(`${id} `) && line.endsWith(`   ${title()}`)), id);
    for (const id of NOT_RULES.keys()) assert.ok(lines.includes(id), id);
  });

  it('what cannot be seen: why', async () => {
    const { code, stdout } = await cli('explain', 'no-internal-process');
    assert.equal(code, 0);
    assert.match(stdout, /^no-internal-process is not found: .*EBUSY/);
  });

  it('a page that is not here, and a finding that is none, are said to be that', async () => {
    const absent = await cli('explain', 'vcpu-in-emulator'); // pages are shipped beside the bundle: here there is none
    assert.deepEqual([absent.code, absent.stdout], [1, '']);
    assert.match(absent.stderr, /^the page of vcpu-in-emulator is not here: it is shipped beside this program, in \S+\/rules\n$/);
    const none = await cli('explain', '../vcpu');
    assert.deepEqual([none.code, none.stderr], [2, 'there is no rule "../vcpu"; see: cgroup-lens explain\n']);
    assert.equal((await cli('explain', '--host', 'web1')).code, 2);
  });

  it('what is shipped beside it is found', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cgroup-lens-pages-'));
    try {
      mkdirSync(join(folder, 'dist/rules'), { recursive: true });
      writeFileSync(join(folder, 'dist/rules/vcpu-in-emulator.md'), '# The page\n');
      const { page, version } = shippedWith(join(folder, 'dist'));
      assert.equal(await page('vcpu-in-emulator'), '# The page\n');
      assert.equal(await page('frozen'), undefined);
      assert.equal(await version(), undefined);
      writeFileSync(join(folder, 'package.json'), '{"version":"1.2.3"}');
      assert.equal(await version(), '1.2.3');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
