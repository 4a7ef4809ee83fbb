// Findings where a person meets them: rows, status bar, Problems, hover, light bulb, Explain, and what they do not want to hear of.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../install.mjs';
import { answerInput, choose, editorLines, expand, hoverOver, openCapture, openSidebar, openWorkbench, problemsOf, quickInput, restMouse, row, runCommand, screenshot } from '../page.mjs';
import { eventually } from '../qemu.mjs';

const CAPTURE = path.join(root, 'test/fixtures/hosts/misplaced-vcpus.capture');
const RULE = 'vcpu-in-emulator';
/** As the page begins. */
const TITLE = /^# (.*)$/m.exec(readFileSync(path.join(root, `dist/rules/${RULE}.md`), 'utf8'))[1];
const themes = { dark: 'Default Dark Modern', light: 'Default Light Modern' };

for (const [name, theme] of Object.entries(themes)) {
  describe(`findings of a capture (${name})`, () => {
    let workbench;
    let page;
    before(async () => {
      workbench = await openWorkbench({
        alone: true, viewport: { width: 1500, height: 950 },
        settings: { 'cgroupLens.autoRefresh': 0, 'files.simpleDialog.enable': true, 'workbench.colorTheme': theme, 'window.autoDetectColorScheme': false },
      });
      ({ page } = workbench);
      await openSidebar(page, 'Cgroup Lens');
      assert.equal(await status().count(), 0);
      await openCapture(page, CAPTURE);
      await row(page, 'serial, ').waitFor({ timeout: 40_000 });
    });
    after(() => workbench?.close());

    const status = () => page.locator('.statusbar [id="cgroup-lens.cgroup-lens.cgroupLens.findings"], .statusbar .statusbar-item', { hasText: /QEMU \d/ }).first();
    const problems = () => problemsOf(page, 'serial.placement');
    const label = async begin => row(page, begin).getAttribute('aria-label');
    const shown = pattern => eventually(async () => {
      const lines = await editorLines(page);
      assert.ok(lines.some(line => pattern.test(line)), lines.join('\n'));
    });

    it('rows say how many there are up to the host, in words and in a badge; a thread says which', async () => {
      await expand(page, 'serial, ');
      assert.match(await label('misplaced-vcpus, '), /^misplaced-vcpus, 3 warnings · hybrid/);
      assert.match(await label('serial, '), /^serial, 3 warnings · PID 450/);
      assert.match(await label('vCPU 2,'), /^vCPU 2, vcpu-in-emulator: expected …\/vcpu2 \(cpu,cpuacct\) · /);
      assert.match(await label('vCPU 3,'), /^vCPU 3, vcpu-in-emulator: expected …\/vcpu3 \((cpu,cpuacct, cpuset|cpuset, cpu,cpuacct)\) · /);
      assert.doesNotMatch(await label('vCPU 1,'), /vcpu-in-emulator|warning/);
      await screenshot(page, `findings-tree-${name}`);
    });

    it('the status bar says the worst of all hosts, and leads to the words', async () => {
      await status().waitFor();
      assert.match(await status().innerText(), /QEMU 3/);
      assert.match(await status().locator('[aria-label]').first().getAttribute('aria-label'), /^Cgroup Lens: 3 warnings on one host/);
      await status().locator('a').first().click();
      const picks = quickInput(page).locator('.monaco-list-row');
      await picks.first().waitFor();
      await screenshot(page, `findings-pick-${name}`);
      await picks.filter({ hasText: 'vCPU 2 is in' }).first().click();
      await shown(/^vCPU 2 /);
      await eventually(async () => assert.ok((await page.locator('.editor-instance .squiggly-warning').count()) >= 3));
    });

    it('Problems shows each with its rule, which leads to its page', async () => {
      await runCommand(page, 'Problems: Focus on Problems View');
      await eventually(async () => assert.equal((await problems()).length, 3));
      assert.match(await (await problems())[0].textContent(), /vCPU 2 is in S\/emulator \(cpu,cpuacct\), expected S\/vcpu2.*vcpu-in-emulator/);
      await screenshot(page, `findings-problems-${name}`);
      await (await problems())[0].locator('a', { hasText: RULE }).first().click();
      await explained();
      await screenshot(page, `findings-explain-${name}`);
      await runCommand(page, 'View: Close Editor');
    });

    it('the hover has cost, advice and evidence, with links to the page and to the plan', async () => {
      await shown(/^vCPU 2 /);
      const hover = await hoverOver(page, { hover: topmostWarning }, 'What to do');
      await eventually(async () => {
        const text = await hover.innerText();
        for (const part of ['Cost: it has the CPUs', 'What to do: write 460 to tasks', 'as it was read', 'cpu.cfs_quota_us', 'Explain', 'Fix…']) assert.equal(text.split(part).length > 1, true, text);
        assert.equal(text.split('What to do').length, 2, 'said twice');
      });
      await screenshot(page, `findings-hover-${name}`);
      await hover.locator('a', { hasText: /^Explain$/ }).first().click();
      await explained();
      await runCommand(page, 'View: Close Editor');
      await restMouse(page);
    });

    it('a row has its fix and its page too: the same plan', async () => {
      await choose(page, 'vCPU 2,', 'Fix…');
      await quickInput(page).locator('.monaco-list-row', { hasText: 'Move vCPU 2 to' }).first().click();
      await shown(/move vCPU 2 /);
      await runCommand(page, 'View: Close Editor');
      await choose(page, 'vCPU 2,', 'Explain…');
      const choice = quickInput(page).locator('.monaco-list-row', { hasText: TITLE }).first(); // it shares its CPU, too
      await choice.click();
      await explained();
      await runCommand(page, 'View: Close Editor');
    });

    it('suppressed for the machine, with a reason, it is silent everywhere, and the machine says why', async () => {
      await choose(page, 'vCPU 2,', 'Suppress…');
      const input = quickInput(page).locator('input').first();
      await input.waitFor();
      await page.keyboard.press('Enter'); // without a reason nothing happens
      assert.ok(await input.isVisible());
      await answerInput(page, 'on purpose');
      await eventually(async () => assert.match(await label('serial, '), /^serial, PID 450/));
      assert.doesNotMatch(await label('vCPU 2,'), /vcpu-in-emulator/);
      await status().waitFor({ state: 'hidden' });
      await eventually(async () => assert.equal(await page.locator('.editor-instance .squiggly-warning').count(), 0));
      assert.match(readFileSync(path.join(path.dirname(workbench.folder), 'data/User/settings.json'), 'utf8'), /"reason": "on purpose"/);
      const hover = await hoverOver(page, row(page, 'serial, '), '3 findings are suppressed');
      assert.match(await hover.innerText(), /vcpu-in-emulator: on purpose/);
      await screenshot(page, `findings-suppressed-${name}`);
      await restMouse(page);
    });

    /** The wavy line lies below the text: the mouse is over it, and touches the text. */
    const topmostWarning = async () => {
      const boxes = await Promise.all((await page.locator('.editor-instance .squiggly-warning').all()).map(one => one.boundingBox({ timeout: 1000 })));
      const { x, y, width, height } = boxes.sort((a, b) => a.y - b.y)[0];
      await page.mouse.move(x + width / 2, y + height / 2, { steps: 4 });
    };

    const explained = () => eventually(async () => {
      assert.ok(await page.locator('.tab.active', { hasText: `Preview ${RULE}.md` }).isVisible());
      const texts = await Promise.all(page.frames().map(frame => frame.locator('body').innerText({ timeout: 1000 }).catch(() => '')));
      assert.ok(texts.some(text => text.includes(TITLE) && text.includes('Sources')));
    });
  });
}
