// The pictures of the README, taken of what is really there. UPDATE_SCREENSHOTS=1 writes them to media/.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../install.mjs';
import { clearToasts, collapse, editorLines, expand, inlineAction, openSidebar, openWorkbench, restMouse, row, runCommand, screenshot, widenSidebar } from '../page.mjs';
import { withPalette } from '../png.mjs';
import { eventually } from '../qemu.mjs';

const themes = { dark: 'Default Dark Modern', light: 'Default Light Modern' };

for (const [name, theme] of Object.entries(themes)) {
  describe(`the ${name} picture`, () => {
    let workbench;
    before(async () => {
      workbench = await openWorkbench({
        alone: true,
        viewport: { width: 1200, height: 720 },
        settings: { 'workbench.colorTheme': theme, 'window.autoDetectColorScheme': false, 'cgroupLens.autoRefresh': 0, 'editor.minimap.enabled': false, 'editor.fontSize': 12, 'window.commandCenter': false },
      });
    });
    after(() => workbench?.close());

    it('shows the sample and its placement', async () => {
      const { page } = workbench;
      await page.locator(name === 'dark' ? '.monaco-workbench.vs-dark' : '.monaco-workbench.vs:not(.vs-dark)').waitFor();
      await openSidebar(page, 'Cgroup Lens');
      await runCommand(page, 'Cgroup Lens: Open Sample Capture');
      await row(page, 'serial,').waitFor({ timeout: 40_000 });
      await collapse(page, 0);
      await widenSidebar(page, 80);
      await expand(page, 'vCPU 2,');
      await inlineAction(page, 'serial,', 'Open Placement');
      await eventually(async () => assert.ok((await editorLines(page)).some(line => /^vCPU 2 .*last on \d/.test(line))));
      await clearToasts(page);
      await restMouse(page);
      const file = await screenshot(page, name);
      const small = withPalette(readFileSync(file));
      writeFileSync(file, small);
      assert.ok(small.length < 90_000, `${file} has ${small.length} bytes`);
      if (process.env.UPDATE_SCREENSHOTS === '1') writeFileSync(path.join(root, `media/screenshot-${name}.png`), small);
    });
  });
}
