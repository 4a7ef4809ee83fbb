// Captures: opened, saved, closed, damaged, wrong and hostile; and what is there again after a reload.
import assert from 'node:assert/strict';
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../install.mjs';
import { GUEST, ICON, IMAGE, hostile } from '../hostile.mjs';
import { answerFile, answerInput, choose, clearToasts, cursorLine, dialog, editorLines, expand, foldView, hoverOver, inlineAction, nothingLive, openCapture, openSidebar, openWorkbench, quickInput, quickPick, restMouse, row, rows, runCommand, screenshot, toast, toastButton } from '../page.mjs';
import { eventually } from '../qemu.mjs';

const SAMPLE = path.join(root, 'media/sample.capture');
const sample = readFileSync(SAMPLE, 'utf8');

/** `alone`: the captures are all that is to be seen, whatever runs on this machine. */
const open = settings => openWorkbench({ alone: true, settings: { 'cgroupLens.autoRefresh': 0, 'files.simpleDialog.enable': true, ...settings } });
/** Counted from 1; the whole document is in view. */
const lineNumber = (lines, begin) => lines.findIndex(line => line.startsWith(begin)) + 1;
const labels = async page => (await rows(page)).map(label => label.split(', ')[0]);

describe('captures', () => {
  let workbench;
  let page;
  const file = name => path.join(workbench.folder, name);
  before(async () => {
    workbench = await open();
    ({ page } = workbench);
    await openSidebar(page, 'Cgroup Lens');
  });
  after(() => workbench?.close());

  it('the sample opens from the palette, with its machine', async () => {
    await runCommand(page, 'Cgroup Lens: Open Sample Capture');
    await row(page, 'serial, PID 450 · 4 vCPUs · ').waitFor({ timeout: 40_000 });
    assert.match(await row(page, 'sample,').getAttribute('aria-label'), /^sample, hybrid · /);
  });

  it('Save Capture… says what was removed; the preview is what will be written; nothing is written yet', async () => {
    await choose(page, 'sample,', 'Save Capture…');
    const box = dialog(page);
    await box.waitFor();
    assert.match(await box.innerText(), /Save a capture of sample\?[\s\S]*Removed before anything is written:[\s\S]*(•|Nothing had to be removed)[\s\S]*Names of machines, threads and cgroups stay\./);
    await box.getByRole('button', { name: 'Preview' }).click();
    await box.waitFor({ state: 'detached' });
    await eventually(async () => assert.equal((await editorLines(page))[0], 'cgroup-lens capture 1'));
    assert.equal(existsSync(file('sample.capture')), false);
    await runCommand(page, 'View: Revert and Close Editor');
  });

  it('Save Capture… writes a file that is a capture', async () => {
    await choose(page, 'sample,', 'Save Capture…');
    await dialog(page).getByRole('button', { name: 'Save…' }).click();
    await dialog(page).waitFor({ state: 'detached' });
    const input = quickInput(page).locator('input').first();
    await eventually(async () => assert.equal(await input.inputValue(), file('sample.capture')));
    await answerFile(page, file('saved.capture'));
    await toast(page, 'Capture saved:').waitFor();
    const text = readFileSync(file('saved.capture'), 'utf8');
    assert.match(text, /^cgroup-lens capture 1\n[\s\S]*\nend \d+\n$/);
    assert.doesNotMatch(text, /\/(home|root|var|tmp|work)\//);
  });

  it('opens what was saved, by Open Capture… and from the explorer', async () => {
    await clearToasts(page);
    await openCapture(page, file('saved.capture'));
    await eventually(async () => assert.deepEqual((await labels(page)).filter(it => /^(sample|saved)/.test(it)), ['sample', 'saved']));
    copyFileSync(file('saved.capture'), file('mailed.capture'));
    await openSidebar(page, 'Explorer');
    await choose(page, 'mailed.capture', 'Open Capture…');
    await openSidebar(page, 'Cgroup Lens');
    await eventually(async () => assert.deepEqual((await labels(page)).filter(it => /^(sample|saved|mailed)/.test(it)), ['sample', 'saved', 'mailed']));
  });

  it('Close Capture takes one away, and its document says so', async () => {
    await choose(page, 'mailed,', 'Close Capture');
    await row(page, 'mailed,').waitFor({ state: 'detached' });
    assert.deepEqual((await labels(page)).filter(it => /^(sample|saved)/.test(it)), ['sample', 'saved']);
  });

  it('after a reload the captures are there, and an open document fills when its host is read', async () => {
    await inlineAction(page, 'serial,', 'Open Placement');
    await eventually(async () => assert.match((await editorLines(page))[0] ?? '', /^machine serial /));
    const vcpu = lineNumber(await editorLines(page), 'vCPU 2');
    await page.locator('.view-line', { hasText: 'vCPU 2' }).first().click();
    await eventually(async () => assert.equal(await cursorLine(page), vcpu));
    await openSidebar(page, 'Explorer');
    await workbench.reload();
    await eventually(async () => assert.equal((await editorLines(page))[0], 'not connected: sample has not been read in this window'), 40_000);
    const lens = page.locator('.codelens-decoration a', { hasText: 'Read sample Now' });
    await lens.waitFor();
    await screenshot(page, 'after-reload');
    await lens.click();
    await eventually(async () => assert.match((await editorLines(page))[0] ?? '', /^machine serial /));
    await eventually(async () => assert.equal(await cursorLine(page), vcpu)); // at its thread again, not where an empty text left it
    await openSidebar(page, 'Cgroup Lens');
    await eventually(async () => assert.deepEqual((await labels(page)).filter(it => /^(sample|saved|mailed)/.test(it)), ['sample', 'saved']));
  });

  it('a machine that starts says at which stage it is, in its row and over it', async () => {
    writeFileSync(file('starting.capture'), sample.replace(/\/libvirt\/(vcpu|iothread)\d/g, '/libvirt/emulator').replace(/(?<=\/schedstat\n\t).*/g, '1000000 0 1')); // as it is until QEMU has answered: no vCPU has run
    await openCapture(page, file('starting.capture'));
    const starting = row(page, 'serial, PID 450 · starting: emulator · 4 vCPUs · 9 threads');
    await starting.waitFor();
    const hover = await hoverOver(page, starting, 'Placed by: libvirt with systemd, starting: emulator');
    assert.match(await hover.innerText(), /inherited: hugetlb misc rdma\s+scope: pids name=systemd 0:: \(v2\)\s+task added: blkio .*\s+emulator: cpu,cpuacct cpuset/);
    await screenshot(page, 'starting');
  });
});

describe('captures that are none, or damaged', () => {
  let workbench;
  let page;
  let line;
  before(async () => {
    workbench = await open();
    ({ page } = workbench);
    const broken = sample.replace('text /proc/1/comm', 'what is this\ntext /proc/1/comm');
    line = broken.split('\n').indexOf('what is this') + 1;
    writeFileSync(path.join(workbench.folder, 'letter.capture'), 'Dear support,\nmy machine is slow.\n');
    writeFileSync(path.join(workbench.folder, 'newer.capture'), sample.replace('capture 1', 'capture 9'));
    writeFileSync(path.join(workbench.folder, 'damaged.capture'), broken);
    writeFileSync(path.join(workbench.folder, 'none.capture'), 'cgroup-lens capture 1\ncomplete yes\n\ntext /proc/uptime\n\t1 1\n\nbroken\nend 1\n');
    writeFileSync(path.join(workbench.folder, 'hides.capture'), 'cgroup-lens capture 1\nhides yes\ncomplete yes\n\ntext /proc/uptime\n\t1 1\n\nend 1\n');
    await openSidebar(page, 'Cgroup Lens');
  });
  after(() => workbench?.close());

  it('a file that is no capture: which line should be what', async () => {
    await openCapture(page, path.join(workbench.folder, 'letter.capture'));
    await toast(page, 'is not a capture: line 1 should be "cgroup-lens capture 1" and is "Dear support,".').waitFor();
    await screenshot(page, 'not-a-capture');
    await toastButton(page, 'is not a capture', 'Show Log').waitFor();
    await clearToasts(page);
  });

  it('one of a newer version: what to do', async () => {
    await openCapture(page, path.join(workbench.folder, 'newer.capture'));
    await toast(page, 'Update the extension.').waitFor();
    assert.deepEqual((await labels(page)).filter(it => /^(letter|newer)/.test(it)), []);
    await clearToasts(page);
  });

  it('a damaged one: which line, and the rest is shown', async () => {
    await openCapture(page, path.join(workbench.folder, 'damaged.capture'));
    await toast(page, new RegExp(`line ${line} should be text, part, .* and is "what is this"`)).waitFor();
    await row(page, 'serial,').waitFor();
    assert.match(await row(page, 'damaged,').getAttribute('aria-label'), /partial.*1 damaged line/);
    await clearToasts(page);
  });

  it('a damaged one without a machine says so too', async () => {
    await openCapture(page, path.join(workbench.folder, 'none.capture'));
    await toast(page, /line 7 should be/).waitFor();
    await row(page, 'none,').waitFor();
    await clearToasts(page);
  });

  it('one of a reader from whom /proc hid others: that stands where "not found" would, in both views', async () => {
    const hides = "/proc hides other users' processes: needs root";
    await openCapture(page, path.join(workbench.folder, 'hides.capture'));
    await row(page, 'hides,').waitFor();
    assert.match(await row(page, 'hides,').getAttribute('aria-label'), /, other users' processes hidden, needs root$/);
    await row(page, hides).waitFor();
    await foldView(page, 'Machines', true);
    await foldView(page, 'Cgroups', false);
    await row(page, hides).waitFor();
    await screenshot(page, 'hides');
    await foldView(page, 'Cgroups', true);
    await foldView(page, 'Machines', false);
    await choose(page, 'hides,', 'Close Capture');
    await row(page, 'hides,').waitFor({ state: 'detached' });
  });

  it('one that is gone after a reload: an error row of its own, Retry, and the others as they were', async () => {
    const gone = path.join(workbench.folder, 'gone.capture');
    writeFileSync(gone, sample);
    await openCapture(page, gone);
    await row(page, 'gone,').waitFor();
    rmSync(gone);
    await workbench.reload();
    await openSidebar(page, 'Cgroup Lens');
    await eventually(async () => assert.match(await row(page, 'gone,').getAttribute('aria-label', { timeout: 1000 }), /cannot be read/), 40_000);
    await row(page, 'damaged,').waitFor();
    await row(page, 'serial,').waitFor();
    await screenshot(page, 'capture-gone');
    writeFileSync(gone, sample);
    const error = (await rows(page)).find(label => /gone\.capture/.test(label));
    assert.ok(error, (await rows(page)).join('\n'));
    await inlineAction(page, error, 'Retry');
    await eventually(async () => assert.match(await row(page, 'gone,').getAttribute('aria-label', { timeout: 1000 }), /^gone, hybrid/));
  });
});

describe('a hostile capture', () => {
  let workbench;
  let page;
  before(async () => {
    workbench = await open({ 'editor.links': false }); // VS Code's own offer to follow an address is not ours
    ({ page } = workbench);
    writeFileSync(path.join(workbench.folder, 'evil.capture'), hostile(sample));
    writeFileSync(path.join(workbench.folder, 'first.capture'), `${ICON} [x](command:cgroupLens.showLog) ${IMAGE}\n`);
    await openSidebar(page, 'Cgroup Lens');
  });
  after(() => workbench?.close());

  // The guest's name as a person sees it, without the word joiners that break markup.
  const seen = GUEST.replaceAll('%1B', '\\u{1b}').replaceAll('%07', '\\u{7}').replace('%E2%80%AE', '\\u{202e}').replace('%FF', '\\xff');
  const joined = text => text.replaceAll('\u2060', '').replaceAll('\u00a0', ' ');

  it('shows names as text in the tree: no icon, no link, no picture', async () => {
    await openCapture(page, path.join(workbench.folder, 'evil.capture'));
    await row(page, '[x]').waitFor({ timeout: 40_000 });
    await expand(page, '[x]');
    await eventually(async () => assert.ok((await rows(page)).length > 8));
    const found = await page.locator('.part.sidebar .monaco-list-row').evaluateAll(all => all.map(it => it.innerText));
    assert.ok(found.some(text => text.replaceAll('\u2060', '').includes(seen.slice(0, 60))), found.join('\n'));
    await nothingLive(page, '.part.sidebar .pane-body .monaco-list-rows .monaco-icon-label-container');
    await screenshot(page, 'hostile-tree');
  });

  it('in its tooltip', async () => {
    const hover = await hoverOver(page, row(page, '[x]').locator('.monaco-icon-label-container'));
    await eventually(async () => assert.ok(joined(await hover.innerText()).includes('onerror=alert(1)')));
    await nothingLive(page, '.monaco-hover');
    await screenshot(page, 'hostile-tooltip');
    await restMouse(page); // it would cover the next click
  });

  it('in the placement document and its hover', async () => {
    await inlineAction(page, '[x]', 'Open Placement');
    await hoverOver(page, page.locator('.view-line', { hasText: /^I\/O/ }).first().locator('span span').first(), 'TID');
    await nothingLive(page, '.monaco-hover');
    await screenshot(page, 'hostile-document');
  });

  it('in the quick pick', async () => {
    await runCommand(page, 'Cgroup Lens: Go to Machine or Thread…');
    await quickInput(page).locator('.monaco-list-row', { hasText: 'onerror=alert(1)' }).first().waitFor();
    const icons = await quickInput(page).locator('.monaco-list-row .codicon-error').count();
    assert.equal(icons, 0);
    await nothingLive(page, '.quick-input-widget .quick-input-list');
    await screenshot(page, 'hostile-quick-pick');
    await page.keyboard.press('Escape');
  });

  it('in a notification', async () => {
    await openCapture(page, path.join(workbench.folder, 'first.capture'));
    const found = toast(page, 'is not a capture');
    await found.waitFor();
    assert.ok(joined(await found.innerText()).includes(`${ICON} [x](command:cgroupLens.showLog) ${IMAGE}`));
    await nothingLive(page, '.notification-toast .notification-list-item-message');
    await screenshot(page, 'hostile-notification');
  });

  it('in the input box of a filter and the message above the tree', async () => {
    await runCommand(page, 'Cgroup Lens: Filter Machines…');
    await answerInput(page, `${ICON} [x](command:cgroupLens.showLog)`);
    const message = page.locator('.part.sidebar .pane-body .message').first();
    await eventually(async () => assert.ok(joined(await message.innerText()).includes(`"${ICON} [x](command:cgroupLens.showLog)"`)));
    await nothingLive(page, '.part.sidebar .pane-body .message');
  });
});

describe('a capture of a host with two nodes and siblings', () => {
  let workbench;
  let page;
  before(async () => {
    workbench = await open();
    ({ page } = workbench);
    await openSidebar(page, 'Cgroup Lens');
    copyFileSync(path.join(root, 'test/fixtures/hosts/numa-isolated.capture'), path.join(workbench.folder, 'numa.capture'));
    await openCapture(page, path.join(workbench.folder, 'numa.capture'));
    await expand(page, 'serial,');
  });
  after(() => workbench?.close());

  const pin = async title => {
    await choose(page, 'vCPU 0,', 'Pin to CPUs…');
    await quickPick(page, title);
  };

  it('a node or a core is refused where the cpuset has not got all of it, and what it has is offered: a plan that can only be copied', async () => {
    await pin('NUMA node 1');
    await toast(page, 'CPUs 2-3,6-7 are not all in its cpuset').waitFor();
    await clearToasts(page);
    await pin('Core of CPUs 2,6');
    await toastButton(page, 'CPUs 2,6 are not all in its cpuset', 'vCPU 0 → 2').click();
    await eventually(async () => assert.ok((await editorLines(page)).some(line => line.includes('CPUs 2')), (await editorLines(page)).join('\n')));
    const lenses = await page.locator('.codelens-decoration').first().innerText();
    assert.match(lenses, /Copy as Shell Script/);
    assert.doesNotMatch(lenses, /Apply/);
  });
});
