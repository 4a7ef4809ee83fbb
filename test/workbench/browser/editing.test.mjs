// Editing what a host says: drafts of placement documents and their plans, files of cgroups, and which saves count.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { clearToasts, editorLines, inlineAction, openSidebar, openWorkbench, quickInput, row, runCommand, screenshot, toast } from '../page.mjs';
import { eventually, makeCgroup, startQemu } from '../qemu.mjs';

const NAME = `00-edit-${process.pid}`;

/** What stands above the text. */
const lenses = page => page.locator('.editor-instance .codelens-decoration').evaluateAll(all => all.flatMap(it => it.textContent.split('|').map(text => text.trim())));
const dirty = (page, title) => page.locator('.tabs-container .tab.dirty', { hasText: title });

/** Puts the cursor behind the last word of a line, by the words that it begins with. */
async function endOfLine(page, begin) {
  const words = new RegExp(`^\\s*${begin.trim().split(/\s+/).map(part => part.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')).join('\\s+')}(\\s|$)`);
  await page.locator('.editor-instance .view-line', { hasText: words }).first().click({ position: { x: 20, y: 8 } });
  await page.keyboard.press('End');
}

/** Puts other words at the end of a line. */
async function replaceEnd(page, begin, old, text) {
  await endOfLine(page, begin);
  for (let i = 0; i < old.length; i++) await page.keyboard.press('Backspace');
  await page.keyboard.type(text);
}

const hasLens = (page, text) => eventually(async () => assert.ok((await lenses(page)).includes(text), (await lenses(page)).join(' | ')));
const noLens = page => eventually(async () => assert.deepEqual(await lenses(page), []));

async function openPlacement(page, name) {
  await openSidebar(page, 'Cgroup Lens');
  await row(page, name).waitFor({ timeout: 40_000 });
  await eventually(async () => {
    if (!(await editorLines(page)).some(line => line.startsWith('vCPU '))) await inlineAction(page, name, 'Open Placement');
    await eventually(async () => assert.ok((await editorLines(page)).some(line => line.startsWith('vCPU 1 '))), 4000);
  }, 30_000);
}

/** A file of the workspace, which somebody has open beside. */
async function openFile(page, { folder }, name) {
  writeFileSync(path.join(folder, name), '');
  await eventually(async () => {
    await page.keyboard.press('Control+P');
    await quickInput(page).locator('input').first().fill(name, { timeout: 2000 });
    await quickInput(page).locator('.monaco-list-row.focused', { hasText: name }).waitFor({ timeout: 3000 });
  });
  await page.keyboard.press('Enter');
  await page.locator('.tabs-container .tab.active', { hasText: name }).waitFor();
  await page.locator('.editor-instance .monaco-editor').first().click();
}

describe('editing a placement document', () => {
  let qemu;
  let workbench;
  let page;
  let cgroup;
  let allowed;

  before(async () => {
    qemu = await startQemu(NAME);
    workbench = await openWorkbench({ settings: { 'cgroupLens.autoRefresh': 0 } });
    page = workbench.page;
    allowed = qemu.proc(qemu.vcpus[1]).cpusAllowed;
    assert.equal(allowed, '0-1', 'this test needs the two CPUs of its machine');
    await openPlacement(page, NAME);
  });
  after(async () => {
    await workbench?.close();
    await qemu?.stop();
    cgroup?.remove();
  });
  const document = () => editorLines(page, NAME);
  const vcpu = async n => (await document()).find(line => line.startsWith(`vCPU ${n} `)).replace(/ {2,}last on.*/, '');
  const untouched = () => assert.equal(qemu.proc(qemu.vcpus[1]).cpusAllowed, allowed);

  it('what cannot be understood is marked, and is not saved', async () => {
    await replaceEnd(page, 'vCPU 1 ', '0-1', 'x');
    await page.locator('.editor-instance .squiggly-error').first().waitFor();
    await hasLens(page, 'Edited, not planned');
    await page.keyboard.press('Control+S');
    await toast(page, 'not understood; expected: cpus LIST or cpus all').waitFor();
    await screenshot(page, 'editing-not-understood');
    assert.ok(await dirty(page, NAME).isVisible());
    await clearToasts(page);
    await runCommand(page, 'File: Revert File');
    await noLens(page);
    assert.match(await vcpu(1), /cpus 0-1$/);
    untouched();
  });

  it('a save keeps a draft: it is not applied, and a refresh leaves it alone', async () => {
    await replaceEnd(page, 'vCPU 1 ', '0-1', '0');
    await page.keyboard.press('Control+S');
    await hasLens(page, 'Draft, not applied');
    await dirty(page, NAME).waitFor({ state: 'detached' });
    assert.match(await vcpu(1), /cpus 0$/);
    await runCommand(page, 'Cgroup Lens: Refresh');
    await sleep(1500);
    assert.match(await vcpu(1), /cpus 0$/);
    await hasLens(page, 'Draft, not applied');
    untouched();
    await screenshot(page, 'editing-draft');
  });

  it('Discard brings the host\'s text back', async () => {
    await runCommand(page, 'Cgroup Lens: Discard Edited Placement');
    await eventually(async () => assert.match(await vcpu(1), /cpus 0-1$/));
    await noLens(page);
  });

  it('Ctrl+Z after a refresh brings back no state of the host as an edit', async () => {
    const controller = ['cpu', 'cpuset', 'pids', 'freezer', 'devices'].find(name => (cgroup = makeCgroup(name, `cgroup-lens-test-edit-${process.pid}`)));
    assert.ok(controller, 'no cgroup v1 hierarchy can be written to');
    cgroup.take(qemu.vcpus[2]);
    await runCommand(page, 'Cgroup Lens: Refresh');
    await eventually(async () => assert.ok((await document()).some(line => line.includes(cgroup.path))));
    await page.locator('.editor-instance .monaco-editor .view-lines').first().click();
    await page.keyboard.press('Control+Z');
    await eventually(async () => assert.ok(!(await document()).some(line => line.includes(cgroup.path))));
    await dirty(page, NAME).waitFor();
    await page.keyboard.press('Control+S');
    // Nobody's edit: there is no draft, and the host's text comes back.
    await eventually(async () => assert.ok((await document()).some(line => line.includes(cgroup.path))));
    await noLens(page);
    await dirty(page, NAME).waitFor({ state: 'detached' });
    assert.equal(qemu.proc(qemu.vcpus[2]).paths.get(controller === 'cpu' ? [...qemu.proc(qemu.vcpus[2]).paths.keys()].find(key => key.split(',').includes('cpu')) : controller), cgroup.path);
  });

  it('what changed on the host meanwhile is a conflict, and nothing is planned over it', async () => {
    const { path } = cgroup;
    const line = (await document()).find(text => text.startsWith('  ') && text.includes(path));
    await endOfLine(page, line);
    for (let i = 0; i < path.length; i++) await page.keyboard.press('Backspace');
    await page.keyboard.type('/elsewhere');
    cgroup.remove(); // it moves the thread back to the root
    cgroup = undefined;
    await page.keyboard.press('Control+S');
    await toast(page, 'the host has changed meanwhile').waitFor();
    await page.locator('.editor-instance .squiggly-warning').first().waitFor();
    await hasLens(page, 'Draft, not applied');
    await screenshot(page, 'editing-conflict');
    await clearToasts(page);
    await runCommand(page, 'Cgroup Lens: Discard Edited Placement');
    await eventually(async () => assert.ok(!(await document()).some(line => line.includes('/elsewhere'))));
    await noLens(page);
  });

  for (const active of ['another file', 'the placement']) {
    it(`Save All saves nothing of it, seen from ${active}`, async () => {
      await openFile(page, workbench, 'notes.txt');
      await page.keyboard.type('x');
      await dirty(page, 'notes.txt').waitFor();
      await inlineAction(page, NAME, 'Open Placement');
      await replaceEnd(page, 'vCPU 1 ', '0-1', '1');
      if (active === 'another file') await page.locator('.tabs-container .tab', { hasText: 'notes.txt' }).click();
      await runCommand(page, 'File: Save All Files');
      await toast(page, 'Save All never changes a host').waitFor();
      await dirty(page, 'notes.txt').waitFor({ state: 'detached' });
      assert.ok(await dirty(page, NAME).isVisible());
      untouched();
      await clearToasts(page);
      await inlineAction(page, NAME, 'Open Placement');
      await runCommand(page, 'File: Revert File');
      await eventually(async () => assert.match(await vcpu(1), /cpus 0-1$/));
    });
  }
});

for (const autoSave of ['afterDelay', 'onFocusChange', 'onWindowChange']) {
  describe(`editing with auto save ${autoSave}`, () => {
    let qemu;
    let workbench;
    let page;

    before(async () => {
      qemu = await startQemu(`${NAME}-${autoSave}`);
      workbench = await openWorkbench({ settings: { 'cgroupLens.autoRefresh': 0, 'files.autoSave': autoSave, 'files.autoSaveDelay': 100 } });
      page = workbench.page;
      await openPlacement(page, `${NAME}-${autoSave}`);
    });
    after(async () => {
      await workbench?.close();
      await qemu?.stop();
    });

    const leave = async () => {
      await sleep(700);
      await page.locator('.part.sidebar .pane-header').first().click();
      await runCommand(page, 'View: Toggle Output');
      await page.evaluate(() => window.dispatchEvent(new Event('blur')));
      await sleep(700);
    };

    it('nothing is saved by itself, for our languages do not want it', async () => {
      await replaceEnd(page, 'vCPU 1 ', '0-1', '0');
      await leave();
      assert.ok(await dirty(page, NAME).isVisible());
      assert.ok((await lenses(page)).includes('Edited, not planned'), (await lenses(page)).join(' | '));
      assert.equal(qemu.proc(qemu.vcpus[1]).cpusAllowed, '0-1');
    });
  });
}

describe('editing with auto save for our own language', () => {
  let qemu;
  let workbench;
  let page;

  before(async () => {
    qemu = await startQemu(`${NAME}-own`);
    workbench = await openWorkbench({ settings: { 'cgroupLens.autoRefresh': 0, '[cgroup-placement]': { 'files.autoSave': 'afterDelay', 'files.autoSaveDelay': 100 } } });
    page = workbench.page;
    await openPlacement(page, `${NAME}-own`);
  });
  after(async () => {
    await workbench?.close();
    await qemu?.stop();
  });

  it('it is refused, by name, and the editor stays dirty', async () => {
    await replaceEnd(page, 'vCPU 1 ', '0-1', '0');
    await toast(page, 'auto save never changes a host').waitFor();
    assert.ok(await dirty(page, NAME).isVisible());
    assert.ok(!(await lenses(page)).includes('Draft, not applied'));
    assert.equal(qemu.proc(qemu.vcpus[1]).cpusAllowed, '0-1');
  });

  it('a text that is brought back with the window is stale, and is not planned', async () => {
    await clearToasts(page);
    await sleep(1500); // hot exit writes what is unsaved a second after it was typed
    await workbench.reload();
    await eventually(async () => assert.ok((await lenses(page)).includes('A stale draft: what it began from is not known'), (await lenses(page)).join(' | ')), 40_000);
    await page.locator('.editor-instance .monaco-editor .view-lines').first().click();
    await page.keyboard.press('Control+S');
    await toast(page, 'what it began from is not known').waitFor();
    await screenshot(page, 'editing-stale');
    assert.ok(await dirty(page, NAME).isVisible());
    assert.equal(qemu.proc(qemu.vcpus[1]).cpusAllowed, '0-1');
  });
});
