// Editing what a host says: drafts of placement documents and their plans, files of cgroups, and which saves count.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { clearToasts, editorLines, endOfLine, hoverOver, inlineAction, openSidebar, openWorkbench, quickInput, replaceEnd, row, runCommand, screenshot, toast } from '../page.mjs';
import { eventually, makeCgroup, startQemu } from '../qemu.mjs';

const NAME = `00-edit-${process.pid}`;

/** What stands above the text. */
const lenses = page => page.locator('.editor-instance .codelens-decoration').evaluateAll(all => all.flatMap(it => it.textContent.split('|').map(text => text.trim())));
const dirty = (page, title) => page.locator('.tabs-container .tab.dirty', { hasText: title });

const tab = (page, title) => page.locator('.tabs-container .tab', { hasText: title });
const lens = (page, title) => page.locator('.editor-instance .codelens-decoration a', { hasText: new RegExp(`^${title}$`) });
/** The plan that has come up. */
const plan = (page, pattern) => eventually(async () => assert.match((await editorLines(page, '.plan')).join('\n'), pattern));

/** Gives a plan up, and goes back to the document. */
async function giveUp(page, title) {
  await hasLens(page, 'Discard');
  await lens(page, 'Discard').click();
  await tab(page, '.plan').waitFor({ state: 'detached' });
  await tab(page, title).click();
}

/** VS Code keeps the lines where they are when something comes up above them: out of view, at the top. */
async function scrollUp(page) {
  await page.locator('.editor-instance .monaco-editor').first().hover({ position: { x: 12, y: 60 }, timeout: 2000 }); // beside the text: a hover of it would take the wheel
  await page.mouse.wheel(0, -500);
}

const hasLens = (page, text, milliseconds) => eventually(async () => {
  await scrollUp(page);
  assert.ok((await lenses(page)).includes(text), (await lenses(page)).join(' | '));
}, milliseconds);
const noLens = page => eventually(async () => {
  await scrollUp(page);
  assert.deepEqual(await lenses(page), []);
});

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
    workbench = await openWorkbench({ settings: { 'cgroupLens.autoRefresh': 0, 'files.autoSave': 'off' } });
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
  const document = () => editorLines(page, '.placement');
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

  it('a save opens the plan of what was changed, and nothing is done', async () => {
    await replaceEnd(page, 'vCPU 1 ', '0-1', '0');
    await page.keyboard.press('Control+S');
    await plan(page, /1 step[^]*pin vCPU 1[^]*CPUs 0/);
    await screenshot(page, 'editing-plan');
    untouched();
  });

  it('a plan that is given up leaves a draft, which no refresh changes', async () => {
    await giveUp(page, '.placement');
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
    await hasLens(page, 'Draft, not applied');
    await lens(page, 'Discard').click();
    await eventually(async () => assert.match(await vcpu(1), /cpus 0-1$/));
    await noLens(page);
  });

  it('Apply does it, and the document says what the host says', async () => {
    await replaceEnd(page, 'vCPU 1 ', '0-1', '1');
    await page.keyboard.press('Control+S');
    await plan(page, /pin vCPU 1[^]*CPUs 1/);
    await lens(page, 'Apply').click();
    await eventually(() => assert.equal(qemu.proc(qemu.vcpus[1]).cpusAllowed, '1'));
    await plan(page, /^✓ Applied/);
    await tab(page, '.placement').click();
    await eventually(async () => assert.match(await vcpu(1), /cpus 1$/));
    await noLens(page);
    // Undo goes through what was edited and applied: none of it is an edit of what the host says now.
    await page.locator('.editor-instance .monaco-editor .view-lines').first().click();
    await page.keyboard.press('Control+Z');
    await page.keyboard.press('Control+Z');
    await dirty(page, NAME).waitFor();
    await page.keyboard.press('Control+S');
    await eventually(async () => assert.match(await vcpu(1), /cpus 1$/));
    await noLens(page);
    assert.equal(qemu.proc(qemu.vcpus[1]).cpusAllowed, '1');
    execFileSync('taskset', ['-pc', '0-1', String(qemu.vcpus[1])]);
    await tab(page, '.plan').first().click();
    await runCommand(page, 'View: Close Editor');
    await runCommand(page, 'Cgroup Lens: Refresh');
    await eventually(async () => assert.match(await vcpu(1), /cpus 0-1$/));
  });

  it('what changed on the host meanwhile is left out of the plan, which says so', async () => {
    await replaceEnd(page, 'vCPU 0 ', '0-1', '1');
    await replaceEnd(page, 'vCPU 3 ', '0-1', '0');
    execFileSync('taskset', ['-pc', '1', String(qemu.vcpus[3])]);
    await page.keyboard.press('Control+S');
    await plan(page, /1 step[^]*CPU 3\/TCG\) might run on 0-1 when the edit began and may on 1 by now[^]*pin vCPU 0/);
    await screenshot(page, 'editing-plan-conflict');
    await lens(page, 'Apply').click();
    await eventually(() => assert.equal(qemu.proc(qemu.vcpus[0]).cpusAllowed, '1'));
    await tab(page, '.placement').click();
    await eventually(async () => assert.match(await vcpu(0), /cpus 1$/));
    await eventually(async () => assert.match(await vcpu(3), /cpus 1$/));
    assert.equal(qemu.proc(qemu.vcpus[3]).cpusAllowed, '1');
    await noLens(page);
    await tab(page, '.plan').first().click();
    await runCommand(page, 'View: Close Editor');
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

describe('editing in Restricted Mode', () => {
  let workbench;
  before(async () => (workbench = await openWorkbench({ trust: true, settings: { 'security.workspace.trust.startupPrompt': 'never' } })));
  after(() => workbench?.close());

  it('a placement can be read, and not be written', async () => {
    const { page } = workbench;
    await runCommand(page, 'Cgroup Lens: Open Sample Capture');
    await openPlacement(page, 'serial');
    const text = async () => (await editorLines(page)).map(line => line.replace(/ {2}(last on|\d{4}-).*/, '').trimEnd());
    const before = await text();
    await page.locator('.editor-instance .view-line', { hasText: /^vCPU\s0/ }).first().click({ position: { x: 20, y: 8 } });
    await page.keyboard.press('End');
    await page.keyboard.type('1');
    await page.locator('.monaco-editor-overlaymessage', { hasText: 'read-only' }).waitFor();
    await page.keyboard.press('Control+S');
    await sleep(700);
    assert.deepEqual(await text(), before);
    assert.equal(await page.locator('.tabs-container .tab.dirty').count(), 0);
  });
});

describe('editing an interface file of a cgroup', () => {
  let qemu;
  let workbench;
  let page;
  let cgroup;

  before(async () => {
    qemu = await startQemu(`${NAME}-files`);
    cgroup = makeCgroup('cpu', `cgroup-lens-test-files-${process.pid}`);
    assert.ok(cgroup, 'the cgroup v1 hierarchy of cpu cannot be written to');
    cgroup.take(qemu.vcpus[2]);
    workbench = await openWorkbench({ settings: { 'cgroupLens.autoRefresh': 0, 'files.autoSave': 'afterDelay', 'files.autoSaveDelay': 100, 'cgroupLens.expertMode': true } });
    page = workbench.page;
    await openPlacement(page, `${NAME}-files`);
  });
  after(async () => {
    await workbench?.close();
    await qemu?.stop();
    cgroup?.remove();
  });
  const onHost = () => readFileSync(path.join(cgroup.directory, 'cpu.shares'), 'utf8').trim();
  const shown = async () => (await editorLines(page, 'cpu.shares'))[0];

  it('links lead there: from the placement to the page of a cgroup, and to each file', async () => {
    await page.locator('.editor-instance .detected-link', { hasText: path.basename(cgroup.path) }).first().click({ modifiers: ['Control'] });
    await page.locator('.editor-instance .detected-link', { hasText: 'cpu.shares' }).first().click({ modifiers: ['Control'] });
    await tab(page, 'cpu.shares').waitFor();
    await eventually(async () => assert.equal(await shown(), onHost()));
  });

  it('a hover explains it', async () => {
    await hoverOver(page, page.locator('.editor-instance .view-line', { hasText: '1024' }).first().locator('span span').first(), 'the share of CPU time against the siblings');
    await screenshot(page, 'editing-file-hover');
    await page.mouse.move(5, 5);
  });

  it('what the kernel refuses is not saved, and the reason is told', async () => {
    await setText('abc');
    await page.keyboard.press('Control+S');
    // Where the answer is not known before, it is a plan, and the kernel says it.
    const isPlanned = await Promise.race([toast(page, 'Not possible').waitFor().then(() => false, () => false), tab(page, '.plan').waitFor().then(() => true)]);
    if (isPlanned) {
      await lens(page, 'Apply').click();
      await toast(page, '"abc" was not written to cpu.shares').waitFor();
      await tab(page, '.plan').click();
      await runCommand(page, 'View: Close Editor');
      await tab(page, 'cpu.shares').click();
    }
    await screenshot(page, 'editing-file-refused');
    await dirty(page, 'cpu.shares').waitFor();
    assert.equal(onHost(), '1024');
    await clearToasts(page);
  });

  it('a save is a plan of one write, and one that is given up leaves the editor dirty', async () => {
    await setText('512');
    await sleep(700); // time enough for auto save
    assert.equal(await page.locator('.notification-toast').count(), 0);
    await page.keyboard.press('Control+S');
    await plan(page, /1 step[^]*write cpu\.shares[^]*512/);
    await giveUp(page, 'cpu.shares');
    await toast(page, 'its plan was refused or not applied').waitFor();
    await dirty(page, 'cpu.shares').waitFor();
    assert.equal(onHost(), '1024');
    await clearToasts(page);
  });

  it('Apply writes it, and the editor shows what the kernel made of it', async () => {
    await setText('1');
    await page.keyboard.press('Control+S');
    await plan(page, /write cpu\.shares/);
    await lens(page, 'Apply').click();
    await eventually(() => assert.equal(onHost(), '2')); // clamped without a word
    await tab(page, 'cpu.shares').click();
    await dirty(page, 'cpu.shares').waitFor({ state: 'detached' });
    await eventually(async () => assert.equal(await shown(), '2'));
  });

  it('what has changed on the host since is not overwritten', async () => {
    await setText('300');
    writeFileSync(path.join(cgroup.directory, 'cpu.shares'), '400');
    await page.keyboard.press('Control+S');
    await toast(page, 'it reads "400" now, and the edit began from "2"').waitFor();
    assert.equal(onHost(), '400');
    assert.ok(await dirty(page, 'cpu.shares').isVisible());
    await clearToasts(page);
    await runCommand(page, 'File: Revert File');
    await eventually(async () => assert.equal(await shown(), '400'));
  });

  async function setText(text) {
    await page.locator('.editor-instance .monaco-editor .view-lines').first().click();
    await page.keyboard.press('Control+A');
    await page.keyboard.type(text);
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
      assert.deepEqual(await page.locator('.notification-toast').allInnerTexts(), []);
      assert.ok(await dirty(page, NAME).isVisible());
      assert.equal(await tab(page, '.plan').count(), 0);
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
    await hasLens(page, 'A stale draft: what it began from is not known', 40_000);
    await page.locator('.editor-instance .monaco-editor .view-lines').first().click();
    await page.keyboard.press('Control+S');
    await toast(page, 'what it began from is not known').waitFor();
    await screenshot(page, 'editing-stale');
    assert.ok(await dirty(page, NAME).isVisible());
    assert.equal(qemu.proc(qemu.vcpus[1]).cpusAllowed, '0-1');
  });
});
