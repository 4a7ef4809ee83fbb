// Changing things: threads of a real QEMU process are moved and pinned from the window, and what was done is read in /proc.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { answerInput, choose, clearToasts, clipboard, editorLines, expand, foldView, openMachine, quickInput, quickPick, restMouse, row, runCommand, screenshot, toast, toastButton } from '../page.mjs';
import { eventually, makeTree, startQemu } from '../qemu.mjs';

const NAME = `00-plans-${process.pid}`;

describe('plans', () => {
  let qemu;
  let workbench;
  let page;
  let tree;

  before(async () => {
    qemu = await startQemu(NAME);
    tree = makeTree(['cpuset', 'cpu'], `cgroup-lens-plans-${process.pid}`, ['emulator', 'vcpu1', 'vcpu2']);
    assert.ok(tree.keys.length > 0, 'no cgroup v1 hierarchy can be written to');
    tree.takeProcess(qemu.pid);
    for (const tid of qemu.vcpus) tree.take('emulator', tid);
    workbench = await openMachine(NAME, { width: 1600, height: 1100 });
    ({ page } = workbench);
  });
  after(async () => {
    await workbench?.close();
    await qemu?.stop();
    tree?.remove();
  });

  it('a thread is moved from its menu: shown first, done by Apply', async () => {
    await move('vCPU 2', 'vcpu2', 'plan-move-pick');
    await shown(/move vCPU 2 .*vcpu2/);
    await lens('Apply').waitFor();
    await screenshot(page, 'plan-move-preview');
    assertPlaces(2, 'emulator'); // shown, and nothing is done
    await runCommand(page, 'Cgroup Lens: Apply Plan');
    await eventually(() => assertPlaces(2, 'vcpu2'));
    await shown(/^✓ Applied/);
    await lens('Apply').waitFor({ state: 'detached' }); // once only
    await screenshot(page, 'plan-move-applied');
  });

  it('the palette undoes it: a plan as any other', async () => {
    await runCommand(page, 'Cgroup Lens: Undo Last Change…');
    await shown(/^Undo: /);
    assertPlaces(2, 'vcpu2');
    await lens('Apply').click();
    await eventually(() => assertPlaces(2, 'emulator'));
    await shown(/^✓ Applied/);
    await closeEditors();
  });

  it('a script of it can be copied, and does the same under sh', async () => {
    await move('vCPU 2', 'vcpu2');
    await lens('Copy as Shell Script').click();
    const script = await eventually(async () => {
      const text = await clipboard(page);
      assert.match(text, /^#!\/bin\/sh/);
      return text;
    });
    await lens('Discard').click();
    await eventually(async () => assert.equal(await page.locator('.tab', { hasText: '.plan' }).count(), 0));
    assertPlaces(2, 'emulator');
    execFileSync('sh', { input: script, timeout: 30_000 });
    assertPlaces(2, 'vcpu2');
    tree.take('emulator', qemu.vcpus[2]);
  });

  it('all that are selected are pinned, one each', async () => {
    await selectVcpus();
    await runCommand(page, 'Cgroup Lens: Pin to CPUs…');
    await quickPick(page, 'One each…');
    await answerInput(page, '0-1');
    await shown(/pin vCPU 0/);
    await screenshot(page, 'plan-pin-preview');
    assert.deepEqual([0, 1].map(n => qemu.proc(qemu.vcpus[n]).cpusAllowed), ['0-1', '0-1']);
    await lens('Apply').click();
    await eventually(() => assert.deepEqual([0, 1].map(n => qemu.proc(qemu.vcpus[n]).cpusAllowed), ['0', '1']));
    await shown(/^✓ Applied/);
    await lens('Undo…').click();
    await shown(/^Undo: /);
    await lens('Apply').click();
    await eventually(() => assert.deepEqual([0, 1].map(n => qemu.proc(qemu.vcpus[n]).cpusAllowed), ['0-1', '0-1']));
    await closeEditors();
  });

  it('a thread that is dragged onto a cgroup is shown as a plan of that hierarchy alone', async () => {
    const key = tree.keys.at(-1);
    await foldView(page, 'Cgroups', false);
    await growCgroups(400);
    const target = await unfoldTo(key, 'vcpu1');
    await row(page, 'vCPU 1,').dragTo(target);
    await shown(/move vCPU 1 /);
    assertPlaces(1, 'emulator');
    await screenshot(page, 'plan-drop-preview');
    await lens('Apply').click();
    await eventually(() => assert.equal(qemu.proc(qemu.vcpus[1]).paths.get(key), tree.pathOf(key, 'vcpu1')));
    for (const other of tree.keys.filter(it => it !== key)) assert.equal(qemu.proc(qemu.vcpus[1]).paths.get(other), tree.pathOf(other, 'emulator'));
    await closeEditors();
  });

  it('what was moved meanwhile is not overwritten, and that is told', async () => {
    await move('vCPU 3', 'vcpu2');
    await shown(/move vCPU 3 /);
    tree.take('vcpu1', qemu.vcpus[3]);
    await lens('Apply').click();
    await toast(page, 'stopped at step 1 of').waitFor();
    await shown(/^✗ Stopped: 0 of/);
    assertPlaces(3, 'vcpu1');
    await lens('Plan Again').waitFor();
    assert.equal(await lens('Apply').count(), 0, 'a plan is applied once');
    await screenshot(page, 'plan-changed-meanwhile');
    await clearToasts(page);
    tree.take('emulator', qemu.vcpus[3]);
    await closeEditors();
  });

  it('what was done of a plan that stopped can be undone from its message', async () => {
    await selectVcpus();
    await runCommand(page, 'Cgroup Lens: Pin to CPUs…');
    await quickPick(page, 'One each…');
    await answerInput(page, '0-1');
    await shown(/pin vCPU 1/);
    execFileSync('taskset', ['-p', '-c', '0', String(qemu.vcpus[1])]);
    await lens('Apply').click();
    await toast(page, 'stopped at step 2 of 2').waitFor();
    assert.deepEqual([0, 1].map(n => qemu.proc(qemu.vcpus[n]).cpusAllowed), ['0', '0'], 'the first is done, the second is left as it was found');
    await shown(/^✗ Stopped: 1 of 2 steps were done/);
    await toastButton(page, 'stopped at step 2 of 2', 'Undo What Was Done').click();
    await shown(/^Undo: /);
    await lens('Apply').click();
    await eventually(() => assert.deepEqual([0, 1].map(n => qemu.proc(qemu.vcpus[n]).cpusAllowed), ['0-1', '0']));
    execFileSync('taskset', ['-p', '-c', '0-1', String(qemu.vcpus[1])]);
    await clearToasts(page);
    await closeEditors();
  });

  it('a cgroup is made, limited and removed', async () => {
    const key = tree.keys.find(it => it.split(',').includes('cpu'));
    await unfoldTo(key, 'vcpu1');
    await choose(page, 'vcpu1', 'New Cgroup…');
    await answerInput(page, 'of mine');
    await shown(/make a cgroup/);
    await lens('Apply').click();
    await eventually(() => assert.ok(existsSync(tree.directoryOf(key, 'vcpu1/of mine'))));
    await closeEditors();
    await expand(page, 'vcpu1');
    await choose(page, 'of mine', 'Change Limit…');
    await quickPick(page, 'CPU quota');
    await answerInput(page, '50000/100000');
    await shown(/write cpu\.cfs_quota_us/);
    await screenshot(page, 'plan-limit-preview');
    await lens('Apply').click();
    await eventually(() => assert.equal(readFileSync(`${tree.directoryOf(key, 'vcpu1/of mine')}/cpu.cfs_quota_us`, 'utf8'), '50000\n'));
    await closeEditors();
    await choose(page, 'of mine', 'Remove Cgroup');
    await shown(/remove a cgroup/);
    await lens('Apply').click();
    await eventually(() => assert.ok(!existsSync(tree.directoryOf(key, 'vcpu1/of mine'))));
    await closeEditors();
  });

  it('closing the preview gives the plan up', async () => {
    await choose(page, 'vCPU 3,', 'Pin to CPUs…');
    await quickPick(page, 'CPU 1');
    await shown(/pin vCPU 3/);
    await runCommand(page, 'View: Close Editor');
    await eventually(async () => assert.equal(await page.locator('.tab', { hasText: '.plan' }).count(), 0));
    assert.equal(qemu.proc(qemu.vcpus[3]).cpusAllowed, '0-1');
  });

  it('what is refused says why, and plans nothing', async () => {
    await choose(page, 'vCPU 3,', 'Scheduling…');
    await quickInput(page).locator('.monaco-list-row', { hasText: 'fifo' }).first().click();
    await answerInput(page, '10');
    await toast(page, 'Not possible').waitFor();
    await screenshot(page, 'plan-refused');
    assert.equal(await page.locator('.tab', { hasText: '.plan' }).count(), 0);
    await clearToasts(page);
  });

  it('the history has all of it, the latest first', async () => {
    await runCommand(page, 'Cgroup Lens: Show History');
    await shown(/What was changed on/);
    await runCommand(page, 'Preferences: Toggle between Light/Dark Themes');
    await screenshot(page, 'plan-history');
    await closeEditors();
  });

  /** From the row's menu, whose click may be lost, or done twice, while the rows are drawn anew: then it is chosen again. */
  async function move(role, to, picture) {
    const picker = quickInput(page).filter({ hasText: `Move ${role} of ` });
    await eventually(async () => {
      if (await quickInput(page).isVisible()) await page.keyboard.press('Escape');
      await choose(page, `${role},`, 'Move to Cgroup…');
      await picker.locator('.monaco-list-row').first().waitFor({ timeout: 4000 });
      if (picture) await screenshot(page, picture);
      await picker.locator('input').first().fill(to, { timeout: 2000 });
      await page.keyboard.press('Enter');
    }, 40_000);
  }

  const lens = title => page.locator('.codelens-decoration a', { hasText: new RegExp(`^${title}$`) }).first();

  const shown = pattern => eventually(async () => {
    const lines = await editorLines(page);
    assert.ok(lines.some(line => pattern.test(line)), lines.join('\n'));
  });

  function assertPlaces(n, group) {
    for (const key of tree.keys) assert.equal(qemu.proc(qemu.vcpus[n]).paths.get(key), tree.pathOf(key, group), `vCPU ${n} in ${key}`);
  }

  async function closeEditors() {
    await runCommand(page, 'View: Close All Editors');
  }

  /** Drags the edge between the two views upwards. */
  async function growCgroups(by) {
    const { x, y, width, height } = await page.locator('.part.sidebar .monaco-pane-view .monaco-sash.horizontal:not(.disabled)').last().boundingBox();
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.mouse.down();
    await page.mouse.move(x + width / 2, y + height / 2 - by, { steps: 8 });
    await page.mouse.up();
    await restMouse(page);
  }

  async function selectVcpus() {
    await row(page, 'vCPU 0,').click();
    await row(page, 'vCPU 1,').click({ modifiers: ['Control'] });
    await eventually(async () => assert.equal(await page.locator('.part.sidebar .monaco-list-row.selected').count(), 2));
  }

  /** Unfolds the Cgroups view down to one of the machine's own. */
  async function unfoldTo(key, group) {
    const cgroups = page.locator('.part.sidebar .pane', { has: page.locator('.pane-header[aria-label^="Cgroups"]') });
    const at = begin => cgroups.locator(`.monaco-list-row[aria-label^="${begin}"]`).first();
    for (const begin of [`${key} (v`, `cgroup-lens-plans-${process.pid}`]) {
      await at(begin).waitFor();
      if ((await at(begin).getAttribute('aria-expanded')) !== 'true') await at(begin).locator('.monaco-tl-twistie').click();
    }
    await at(group).waitFor();
    return at(group);
  }
});
