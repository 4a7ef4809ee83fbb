// The Cgroups view: host → hierarchy → cgroup → threads, of the sample and of this machine.
import assert from 'node:assert/strict';
import { expand, foldView, openSidebar, openWorkbench, row, runCommand, screenshot, widenSidebar } from '../page.mjs';

describe('the cgroups of the sample', () => {
  for (const theme of ['Dark', 'Light']) {
    it(`are found from hierarchy to thread (${theme})`, async () => {
      const workbench = await openWorkbench({ alone: true, settings: { 'cgroupLens.autoRefresh': 0, 'workbench.colorTheme': `Default ${theme} Modern`, 'window.autoDetectColorScheme': false } });
      const { page } = workbench;
      await openSidebar(page, 'Cgroup Lens');
      await runCommand(page, 'Cgroup Lens: Open Sample Capture');
      await row(page, 'serial,').waitFor({ timeout: 40_000 });
      await widenSidebar(page, 160);
      await foldView(page, 'Cgroups', false);
      await foldView(page, 'Machines', true);
      await row(page, 'cpu,cpuacct (v1)').waitFor({ timeout: 40_000 });
      await expand(page, 'cpu,cpuacct (v1)');
      await expand(page, 'machine.slice');
      await expand(page, 'machine-qemu');
      await expand(page, 'libvirt');
      await expand(page, 'vcpu2');
      await row(page, 'vcpu2').locator('.monaco-icon-label-container').hover();
      await page.locator('.monaco-hover:visible').first().waitFor();
      await screenshot(page, `cgroups-${theme}`);
      await workbench.close();
    });
  }
});
