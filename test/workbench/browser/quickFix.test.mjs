// A finding on a real QEMU process: seen in the tree, the Problems panel and the text, put right by keyboard, read in /proc.
import assert from 'node:assert/strict';
import { bulbRow, editorLines, inlineAction, openMachine, problemsOfRule, row, runCommand, screenshot } from '../page.mjs';
import { eventually, makeTree, startQemu } from '../qemu.mjs';

const NAME = `00-fix-${process.pid}`;

describe('a vCPU that is not in its group', () => {
  let qemu;
  let workbench;
  let page;
  let tree;

  before(async () => {
    qemu = await startQemu(NAME);
    // As libvirt does it with systemd (before 7.1, without one level more).
    tree = makeTree(['cpuset', 'cpu'], String.raw`machine-qemu\x2d${process.pid}\x2d${NAME.replaceAll('-', String.raw`\x2d`)}.scope`, ['emulator', 'iothread1', 'vcpu0', 'vcpu1', 'vcpu2', 'vcpu3']);
    assert.ok(tree.keys.length > 0, 'no cgroup v1 hierarchy can be written to');
    tree.takeProcess(qemu.pid);
    for (const tid of qemu.tids()) tree.take('emulator', tid);
    qemu.vcpus.forEach((tid, n) => tree.take(`vcpu${n}`, tid));
    tree.take('iothread1', qemu.ioThread);
    tree.take('emulator', qemu.vcpus[2]); // by hand
    workbench = await openMachine(NAME, { width: 1600, height: 1000 });
    ({ page } = workbench);
  });
  after(async () => {
    await workbench?.close();
    await qemu?.stop();
    tree?.remove();
  });

  it('is said in its row and in its machine\'s', async () => {
    const label = await row(page, 'vCPU 2,').getAttribute('aria-label');
    assert.match(label, /^vCPU 2, vcpu-in-emulator: expected …\/vcpu2 \(/);
    for (const key of tree.keys) assert.ok(label.includes(key), label);
    assert.match(await row(page, NAME).getAttribute('aria-label'), new RegExp(`^${NAME}, \\d+ warnings? ·`));
    assert.doesNotMatch(await row(page, 'vCPU 1,').getAttribute('aria-label'), /emulator/);
  });

  it('is a problem for each hierarchy, with a wavy line under the words', async () => {
    await inlineAction(page, 'vCPU 2,', 'Open Placement');
    await shown(/^machine /);
    await runCommand(page, 'Problems: Focus on Problems View');
    const found = await eventually(async () => {
      const all = await problems();
      assert.equal(all.length, tree.keys.length);
      return all;
    });
    assert.match(await found[0].textContent(), /vCPU 2 is in S\/emulator \([^)]*\), expected S\/vcpu2.*vcpu-in-emulator/);
    await eventually(async () => assert.ok((await page.locator('.editor-instance .squiggly-warning').count()) >= tree.keys.length));
    await screenshot(page, 'finding-problems');
  });

  it('its Quick Fix by keyboard shows a plan, and Apply moves the thread back', async () => {
    for (let left = tree.keys.length; left > 0; left--) {
      await runCommand(page, 'Problems: Focus on Problems View');
      await eventually(async () => (await problems())[0].click({ timeout: 1000 }));
      await page.keyboard.press('Enter'); // into the editor, at the words
      await focusedEditor();
      await bulbRow(page, 'Move vCPU 2 to S/vcpu2 (');
      await screenshot(page, `quick-fix-${left}`);
      const isThere = () => tree.keys.filter(key => qemu.proc(qemu.vcpus[2]).paths.get(key) === tree.pathOf(key, 'vcpu2')).length;
      const before = isThere();
      await page.keyboard.press('Enter'); // the first is the preferred one
      await shown(/move vCPU 2 /);
      assert.equal(isThere(), before); // shown, and nothing is done
      await page.locator('.codelens-decoration a', { hasText: /^Apply$/ }).first().click();
      await eventually(() => assert.equal(isThere(), before + 1));
      await eventually(async () => assert.equal((await problems()).length, left - 1));
      await runCommand(page, 'View: Close Editor');
      await shown(/^vCPU 2 /);
    }
    for (const key of tree.keys) assert.equal(qemu.proc(qemu.vcpus[2]).paths.get(key), tree.pathOf(key, 'vcpu2'));
  });

  it('then nothing is said of it any more', async () => {
    await eventually(async () => assert.doesNotMatch(await row(page, 'vCPU 2,').getAttribute('aria-label'), /vcpu-in-emulator/));
    assert.equal((await problems()).length, 0);
    await screenshot(page, 'finding-fixed');
  });

  it('anywhere on a thread the same menu says where it may go, and to which CPUs', async () => {
    await page.locator('.editor-instance .view-line', { hasText: /^vCPU/ }).first().click();
    await bulbRow(page, /Move vCPU \d to S\/emulator/);
    const titles = await page.locator('.action-widget .monaco-list-row').allTextContents();
    for (const title of [/Move vCPU \d to Other Cgroup…/, /Pin vCPU \d to CPUs…/, /Pin vCPU \d to All CPUs/]) assert.ok(titles.some(it => title.test(it)), titles.join('\n'));
    await screenshot(page, 'move-and-pin');
    await page.keyboard.press('Escape');
  });

  const problems = () => problemsOfRule(page, `${NAME}-${qemu.pid}.placement`, 'vcpu-in-emulator');
  const focusedEditor = () => page.locator('.editor-instance .monaco-editor.focused').first().waitFor();
  const shown = pattern => eventually(async () => {
    const lines = await editorLines(page);
    assert.ok(lines.some(line => pattern.test(line)), lines.join('\n'));
  });
});
