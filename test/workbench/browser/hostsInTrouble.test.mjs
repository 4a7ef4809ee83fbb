// Hosts where there is nothing to see, that must not be read, or that cannot be read.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { choose, clearToasts, dialog, editorLines, expand, inlineAction, openSidebar, openWorkbench, row, rows, runCommand, screenshot } from '../page.mjs';
import { work } from '../harness.mjs';
import { eventually } from '../qemu.mjs';

const welcome = page => page.locator('.part.sidebar .welcome-view-content').first();

describe('a host on which no QEMU runs', () => {
  let workbench;
  before(async () => { workbench = await openWorkbench({ alone: true }); });
  after(() => workbench?.close());

  it('is told in the welcome text, with what was looked for', async () => {
    const { page } = workbench;
    await openSidebar(page, 'Cgroup Lens');
    await eventually(async () => assert.match(await welcome(page).innerText({ timeout: 1000 }), /No QEMU process found on this machine\. Looked for qemu-system-\*, qemu-kvm, kvm/), 40_000);
    assert.match(await welcome(page).innerText(), /Shows where every QEMU thread really sits/);
    await screenshot(page, 'welcome');
  });

  it('whose welcome text opens the sample', async () => {
    const { page } = workbench;
    await welcome(page).locator('.monaco-button', { hasText: 'Open Sample Capture' }).click();
    await row(page, 'serial,').waitFor();
    assert.ok((await rows(page)).some(label => /No QEMU process found\. Looked for qemu-system-\*/.test(label)));
  });

  it('and the same host with faults, on which there is something to find', async () => {
    const { page } = workbench;
    await choose(page, 'sample,', 'Close Capture');
    await welcome(page).locator('a', { hasText: 'the same host with two vCPUs moved by hand' }).click();
    await row(page, 'sample-with-faults, 3 warnings').waitFor();
    await expand(page, 'serial,');
    await screenshot(page, 'sample-with-faults');
  });
});

describe('a folder that is not trusted', () => {
  let workbench;
  before(async () => { workbench = await openWorkbench({ trust: true, settings: { 'security.workspace.trust.startupPrompt': 'never' } }); });
  after(() => workbench?.close());

  it('leaves this machine unread, and captures work', async () => {
    const { page } = workbench;
    await openSidebar(page, 'Cgroup Lens');
    await eventually(async () => assert.match(await welcome(page).innerText({ timeout: 1000 }), /In Restricted Mode this machine is not read/), 40_000);
    assert.deepEqual(await rows(page), []);
    await screenshot(page, 'restricted');
    await runCommand(page, 'Cgroup Lens: Open Sample Capture');
    await row(page, 'serial,').waitFor();
    assert.deepEqual((await rows(page)).filter(label => /^\S+, (legacy|hybrid|mixed|unified)/.test(label)).map(label => label.split(',')[0]), ['sample']);
    await inlineAction(page, 'serial,', 'Open Placement');
    await eventually(async () => assert.match((await editorLines(page))[0] ?? '', /^machine serial /));
  });

  it('lists this machine as soon as the folder is trusted', async () => {
    const { page } = workbench;
    await runCommand(page, 'Workspaces: Manage Workspace Trust');
    await page.locator('.workspace-trust-editor .monaco-button', { hasText: /^Trust$/ }).first().click();
    await eventually(async () => assert.ok((await rows(page))[0] && !(await rows(page))[0].startsWith('sample')), 30_000);
    assert.equal(await dialog(page).isVisible(), false);
  });
});

describe('a host that does not answer', () => {
  const bin = path.join(work, `bin-${process.pid}`);
  let workbench;
  before(async () => {
    // First in the PATH: a shell that says nothing for as long as the file `stuck` is there.
    mkdirSync(bin, { recursive: true });
    writeFileSync(path.join(bin, 'stuck'), '');
    writeFileSync(path.join(bin, 'sh'), `#!/bin/sh\nif [ $# = 0 ] && [ -e '${bin}/stuck' ]; then exec sleep 3600; fi\nexec /bin/sh "$@"\n`);
    chmodSync(path.join(bin, 'sh'), 0o755);
    // VSCODE_CLI: the extension host takes this environment, not that of a login shell.
    workbench = await openWorkbench({ alone: true, env: { PATH: `${bin}:${process.env.PATH}`, VSCODE_CLI: '1' }, settings: { 'cgroupLens.autoRefresh': 0, 'cgroupLens.timeout': 5 } });
  });
  after(async () => {
    await workbench?.close();
    rmSync(bin, { recursive: true, force: true });
  });

  it('has a row that says why, and leaves others alone', async () => {
    const { page } = workbench;
    await openSidebar(page, 'Cgroup Lens');
    await runCommand(page, 'Cgroup Lens: Open Sample Capture');
    await row(page, 'serial,').waitFor();
    await eventually(async () => assert.ok((await rows(page)).some(label => / has not answered within 5 s\. Try again, or raise the setting cgroupLens\.timeout\./.test(label))), 40_000);
    assert.match((await rows(page))[0], /, cannot be read$/);
    assert.match(await row(page, 'sample,').getAttribute('aria-label'), /^sample, hybrid · /);
    await screenshot(page, 'host-error');
  });

  it('stands in the log', async () => {
    const { page } = workbench;
    await runCommand(page, 'Cgroup Lens: Show Log');
    await eventually(async () => assert.ok((await page.locator('.part.panel .view-line').allTextContents()).some(line => line.replaceAll('\u00a0', ' ').includes('has not answered within 5 s'))));
  });

  it('is told in full, and read by Retry when it answers again, without a mouse', async () => {
    const { page } = workbench;
    rmSync(path.join(bin, 'stuck'));
    const error = (await rows(page)).find(label => label.includes('has not answered'));
    await clearToasts(page);
    await row(page, error).click();
    await dialog(page).waitFor();
    assert.match(await dialog(page).innerText(), /has not answered within 5 s/);
    await page.keyboard.press('Escape');
    await dialog(page).waitFor({ state: 'hidden' });
    await page.keyboard.press('Enter'); // the row has the focus again
    await dialog(page).locator('.monaco-button', { hasText: 'Retry' }).waitFor();
    await page.keyboard.press('Enter');
    await eventually(async () => assert.ok((await rows(page)).every(label => !/has not answered|cannot be read/.test(label))));
  });
});
