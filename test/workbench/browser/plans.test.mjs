// Changing things: threads of a real QEMU process are moved and pinned from the window, and what was done is read in /proc.
import assert from 'node:assert/strict';
import { answerInput, choose, clearToasts, clipboard, editorLines, expand, focusRow, foldView, openSidebar, openWorkbench, quickInput, quickPick, row, rows, runCommand, screenshot, toast, toastButton } from '../page.mjs';
import { eventually, makeTree, startQemu } from '../qemu.mjs';

const NAME = `00-plans-${process.pid}`;

describe('plans', () => {
  let qemu;
  let workbench;
  let page;
  let tree;

  before(async () => {
    qemu = await startQemu(NAME);
    tree = makeTree(['cpuset', 'cpu'], `cgroup-lens-plans-${process.pid}`, ['emulator', 'vcpu2']);
    tree.takeProcess(qemu.pid);
    for (const n of [0, 1, 2, 3]) tree.take('emulator', qemu.vcpus[n]);
    workbench = await openWorkbench({ settings: { 'cgroupLens.autoRefresh': 0 }, viewport: { width: 1600, height: 1100 } });
    page = workbench.page;
    await openSidebar(page, 'Cgroup Lens');
    await row(page, NAME).waitFor({ timeout: 40_000 });
    await expand(page, NAME);
  });
  after(async () => {
    await workbench?.close();
    await qemu?.stop();
    tree?.remove();
  });

  it('a thread is moved from its menu: shown first, done by Apply, and back by Undo', async () => {
    const [cpuset] = tree.keys;
    const before = tree.pathOf(cpuset, 'emulator');
    assert.equal(qemu.proc(qemu.vcpus[2]).paths.get(cpuset), before);
    await choose(page, 'vCPU 2,', 'Move to Cgroup…');
    await quickInput(page).locator('.monaco-list-row').first().waitFor();
    await screenshot(page, 'plan-move-pick');
    await quickInput(page).locator('input').first().fill('vcpu2');
    await page.keyboard.press('Enter');
    await eventually(async () => assert.ok((await editorLines(page)).some(line => line.includes('vcpu2'))));
    await screenshot(page, 'plan-move-preview');
    // Shown, and nothing is done.
    assert.equal(qemu.proc(qemu.vcpus[2]).paths.get(cpuset), before);
    await runCommand(page, 'Cgroup Lens: Apply Plan');
    await eventually(() => { for (const key of tree.keys) assert.equal(qemu.proc(qemu.vcpus[2]).paths.get(key), tree.pathOf(key, 'vcpu2')); });
    await screenshot(page, 'plan-move-applied');
  });
});
