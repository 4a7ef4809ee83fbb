// Two captures of one machine, compared as a person does it: by the menu of its row, in the diff editor, with what moved in Problems.
import assert from 'node:assert/strict';
import { copyFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../install.mjs';
import { choose, openCapture, openSidebar, openWorkbench, problemsOf, quickInput, row, runCommand, screenshot } from '../page.mjs';
import { eventually } from '../qemu.mjs';

/** The list of problems shows what fits: it is to hold what moved alone. */
const { properties } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')).contributes.configuration.properties['cgroupLens.rules'];
const noRules = Object.fromEntries(Object.keys(properties).map(id => [id, 'off']));

for (const theme of ['Dark', 'Light']) {
  describe(`two captures compared, ${theme.toLowerCase()}`, () => {
    let workbench;
    let page;

    before(async () => {
      workbench = await openWorkbench({ alone: true, settings: { 'cgroupLens.autoRefresh': 0, 'cgroupLens.rules': noRules, 'files.simpleDialog.enable': true, 'workbench.colorTheme': `Default ${theme} Modern`, 'window.autoDetectColorScheme': false } });
      ({ page } = workbench);
      for (const [name, as] of [['guest-hybrid', 'monday'], ['misplaced-vcpus', 'tuesday']]) copyFileSync(path.join(root, `test/fixtures/hosts/${name}.capture`), path.join(workbench.folder, `${as}.capture`));
      await openSidebar(page, 'Cgroup Lens');
      await openCapture(page, path.join(workbench.folder, 'tuesday.capture'));
      await row(page, 'serial,').waitFor({ timeout: 40_000 });
    });
    after(() => workbench?.close());

    it('Compare Machine with… offers the machines of other hosts, and to open a capture', async () => {
      await choose(page, 'serial,', 'Compare Machine with…');
      await quickInput(page).locator('.monaco-list-row', { hasText: 'Open Capture…' }).first().click();
      const input = quickInput(page).locator('input').first();
      const accept = quickInput(page).getByRole('button', { name: /^(OK|Open)$/ });
      await accept.waitFor();
      await eventually(async () => {
        if (await accept.isVisible()) {
          if ((await input.inputValue({ timeout: 1000 })) !== path.join(workbench.folder, 'monday.capture')) await input.fill(path.join(workbench.folder, 'monday.capture'), { timeout: 1000 });
          else await accept.click({ timeout: 1000 });
        }
        assert.ok(await page.locator('.diff-editor, .monaco-diff-editor').first().isVisible());
      });
    });

    it('shows both, and what moved, by its words', async () => {
      await page.locator('.tab', { hasText: 'serial: monday ↔ tuesday' }).first().waitFor();
      await runCommand(page, 'Problems: Focus on Problems View');
      const found = await eventually(async () => {
        const all = await problemsOf(page, 'serial.compared');
        const texts = await Promise.all(all.map(one => one.textContent({ timeout: 1000 })));
        const moved = texts.filter(text => text.includes('placement-differs'));
        assert.ok(moved.length > 0, texts.join('\n')); // the list holds those that are in view; how many there are its first row says
        return moved;
      });
      assert.equal(await page.locator('.markers-panel .monaco-list-row[aria-level="1"]', { hasText: 'serial.compared' }).locator('.monaco-count-badge').textContent(), '4');
      assert.match(found[0], /vCPU 2, cpu,cpuacct: S\/vcpu2 in monday, S\/emulator in tuesday/);
      for (const [side, words] of [['original', 'S/vcpu2'], ['modified', 'S/emulator']]) await page.locator(`.monaco-diff-editor .editor.${side} .view-line`, { hasText: new RegExp(`cpu,cpuacct\\s+${words}`) }).first().waitFor();
      await eventually(async () => assert.ok((await page.locator('.monaco-diff-editor .line-insert, .monaco-diff-editor .char-insert').count()) > 0));
      await screenshot(page, `compare-${theme.toLowerCase()}`);
    });

    it('closed, nothing of it is left in Problems', async () => {
      await runCommand(page, 'View: Close All Editors');
      await eventually(async () => assert.equal(await page.locator('.markers-panel .monaco-list-row', { hasText: 'placement-differs' }).count(), 0));
    });
  });
}
