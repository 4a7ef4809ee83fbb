// Hosts that are reached by SSH: a real sshd on this machine, a home folder of the suite's own, and QEMU processes to find.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { PASSWORD, Sshd, makeKey } from '../../../out/test/ssh/support/sshd.js';
import { work } from '../harness.mjs';
import { answerInput, choose, clearToasts, dialog, editorLines, inlineAction, openPalette, openSidebar, openWorkbench, quickInput, restMouse, row, rows, runCommand, screenshot, toast, waitForWorkbench, widenSidebar } from '../page.mjs';
import { eventually, startQemu } from '../qemu.mjs';

const NAME = `ssh-guest-${process.pid}`;
const PASSPHRASE = 'open sesame';
const themes = { dark: 'Default Dark Modern', light: 'Default Light Modern' };

const home = path.join(work, `home-${process.pid}`);
const inSsh = name => path.join(home, '.ssh', name);
let sshd;
let qemu;
let port;
let hostKey;
/** As known_hosts has it. */
let publicHostKey;

/** The host shows everybody's processes, whatever this machine does (hidepid). */
const setUp = ['mount -t proc proc /proc'];

/** What OpenSSH would use for a person whose home this is; no agent. VSCODE_CLI: the extension host takes this environment. */
const env = { HOME: home, USER: 'root', SSH_AUTH_SOCK: '', VSCODE_CLI: '1' };
const open = (options = {}) => openWorkbench({ alone: true, env, ...options, settings: { 'cgroupLens.autoRefresh': 0, ...options.settings } });

before(async () => {
  mkdirSync(path.join(home, '.ssh'), { recursive: true, mode: 0o700 });
  makeKey(inSsh('id_ed25519'));
  makeKey(inSsh('id_locked'), 'ed25519', PASSPHRASE);
  sshd = await Sshd.start({ setUp });
  ({ port } = sshd);
  hostKey = readFileSync(sshd.hostKey());
  publicHostKey = readFileSync(`${sshd.hostKey()}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
  letIn();
  writeFileSync(inSsh('config'), [
    ...['Host web1', '  HostName 127.0.0.1', `  Port ${port}`, '  User op', ''],
    ...['Host vault', '  HostName 127.0.0.1', `  Port ${port}`, '  User second', `  IdentityFile ${inSsh('id_locked')}`, '  IdentitiesOnly yes', ''],
    ...['Host behind-proxy', '  HostName 10.0.0.9', '  ProxyCommand nc %h %p', ''],
  ].join('\n'));
  qemu = await startQemu(NAME);
});
after(async () => {
  await sshd?.stop();
  await qemu?.stop();
  rmSync(home, { recursive: true, force: true });
});

function letIn() {
  for (const key of ['id_ed25519.pub', 'id_locked.pub']) sshd.authorize(inSsh(key));
}

/** The host comes up again, with the host key that it had, or as one that was installed anew. */
async function startAgain({ asBefore }) {
  await sshd.stop();
  const kept = path.join(home, 'host_key');
  writeFileSync(kept, hostKey, { mode: 0o600 });
  sshd = await Sshd.start(asBefore ? { port, setUp, hostKeys: [], config: [`HostKey ${kept}`] } : { port, setUp });
  letIn();
}

/** It is drawn a moment after its host's row. */
const errorRow = (page, text) => eventually(async () => {
  const all = await rows(page);
  const found = all.find(label => text.test(label));
  assert.ok(found, all.join('\n'));
  return found;
});
const hostRow = async (page, name) => {
  const label = await row(page, `${name},`).getAttribute('aria-label', { timeout: 1000 });
  return label;
};
const offer = (page, name) => quickInput(page).locator('.monaco-list-row', { hasText: name }).first();

async function addFromConfig(page, name) {
  await runCommand(page, 'Cgroup Lens: Add SSH Host…');
  await offer(page, name).click();
}

for (const [theme, colors] of Object.entries(themes)) {
  describe(`a host by SSH, from its first question to its loss (${theme})`, () => {
    let workbench;
    let page;
    before(async () => {
      await startAgain({ asBefore: true });
      workbench = await open({ settings: { 'workbench.colorTheme': colors, 'window.autoDetectColorScheme': false } });
      ({ page } = workbench);
      await openSidebar(page, 'Cgroup Lens');
      await widenSidebar(page, 160);
    });
    after(() => workbench?.close());

    it('is offered from ssh_config; the dialog says whose keys are used, and which entry cannot be', async () => {
      await runCommand(page, 'Cgroup Lens: Add SSH Host…');
      await offer(page, 'web1').waitFor({ timeout: 40_000 });
      const whose = await quickInput(page).locator('input').first().getAttribute('placeholder');
      assert.ok(/^Keys and known_hosts of root on remote machine /.test(whose) && whose.endsWith(` (${home}/.ssh); no agent`), whose);
      const text = await quickInput(page).innerText();
      assert.ok(text.includes(`cannot be used: ${inSsh('config')}:15: ProxyCommand`), text);
      await quickInput(page).evaluate(it => Promise.all(it.getAnimations().map(animation => animation.finished)));
      await screenshot(page, `ssh-add-${theme}`);
    });

    it('one that cannot be used is refused by name, and not added', async () => {
      await offer(page, 'behind-proxy').click();
      await toast(page, /Not supported: ssh_config has "ProxyCommand [^"]*" for behind-proxy/).waitFor();
      assert.ok((await rows(page)).every(label => !label.startsWith('behind-proxy')));
      await clearToasts(page);
    });

    it('its key is shown before it is trusted; refused, nothing is connected', async () => {
      await addFromConfig(page, 'web1');
      await dialog(page).waitFor({ timeout: 40_000 });
      assert.match(await dialog(page).innerText(), new RegExp(`web1: is this the host key of \\[127\\.0\\.0\\.1\\]:${port}\\?[\\s\\S]*ssh-ed25519\\s+SHA256:[\\w+/]{43}`));
      await screenshot(page, `ssh-host-key-${theme}`);
      await dialog(page).getByRole('button', { name: 'Cancel' }).click();
      await eventually(async () => assert.match(await hostRow(page, 'web1'), /^web1, cannot be read · op@127\.0\.0\.1:\d+$/));
      await errorRow(page, /Host key not accepted: web1 shows ssh-ed25519 SHA256:/);
    });

    it('accepted, its machines are there', async () => {
      await inlineAction(page, await errorRow(page, /not accepted/), 'Retry');
      await dialog(page).getByRole('button', { name: 'Connect' }).click();
      await row(page, `${NAME},`).waitFor({ timeout: 40_000 });
      assert.match(await hostRow(page, 'web1'), new RegExp(`^web1, (\\d+ (errors?|warnings?|threads? held back) · )*op@127\\.0\\.0\\.1:${port} · (hybrid|legacy|mixed|unified) · .*as user op`));
      // VS Code draws a row's buttons anew at every refresh: a click between two of them can be lost.
      await eventually(async () => {
        if ((await editorLines(page)).length === 0) await inlineAction(page, `${NAME},`, 'Open Placement');
        await eventually(async () => assert.ok((await editorLines(page)).some(line => line.startsWith('vCPU 2'))), 4000);
      });
      await screenshot(page, `ssh-host-${theme}`);
    });

    it('in a second window it is listed too, and its key is known there', async () => {
      const second = await page.context().newPage();
      await second.goto(workbench.server.url());
      await waitForWorkbench(second);
      await openSidebar(second, 'Cgroup Lens');
      await row(second, `${NAME},`).waitFor({ timeout: 40_000 });
      assert.equal(await dialog(second).isVisible(), false);
      await second.close();
    });

    it('lost, it says so and keeps what it showed; The next try connects anew', async () => {
      await sshd.stop();
      await choose(page, 'web1,', 'Refresh');
      await eventually(async () => assert.match(await hostRow(page, 'web1'), /^web1, stale · op@/));
      await row(page, `${NAME},`).waitFor();
      await screenshot(page, `ssh-lost-${theme}`);
      await startAgain({ asBefore: true });
      await inlineAction(page, await errorRow(page, /web1.*(cannot be reached|was lost)/), 'Retry');
      await eventually(async () => assert.match(await hostRow(page, 'web1'), /^web1, (\d+ (errors?|warnings?|threads? held back) · )*op@/), 30_000);
    });

    it('with another key it is refused: both fingerprints are told', async () => {
      await startAgain({ asBefore: false });
      await choose(page, 'web1,', 'Refresh');
      await eventually(() => errorRow(page, /Host key changed: web1 shows ssh-ed25519 SHA256:[\w+/]{43}, and known_hosts has ssh-ed25519 SHA256:[\w+/]{43} \(.*known_hosts:1\)/));
      await restMouse(page);
      await screenshot(page, `ssh-changed-${theme}`);
    });
  });
}

describe('a key with a passphrase', () => {
  let workbench;
  let page;
  before(async () => {
    await startAgain({ asBefore: true });
    writeFileSync(inSsh('known_hosts'), `[127.0.0.1]:${port} ${publicHostKey}\n`);
    workbench = await open({ machineSettings: { 'cgroupLens.hosts': ['vault'] } });
    ({ page } = workbench);
    await openSidebar(page, 'Cgroup Lens');
  });
  after(async () => {
    await workbench?.close();
    rmSync(inSsh('known_hosts'), { force: true });
  });

  it('is not asked for by itself: the row says what is needed', async () => {
    await eventually(() => errorRow(page, /Needs the passphrase for .*id_locked: vault is not connected, and refreshes by themselves do not ask/), 40_000);
    assert.equal(await quickInput(page).isVisible(), false);
    await screenshot(page, 'ssh-not-asked');
  });

  it('Retry asks, names the file, and asks again after a wrong one', async () => {
    await inlineAction(page, await errorRow(page, /Needs the passphrase/), 'Retry');
    await quickInput(page).getByText(`vault: Passphrase for ${inSsh('id_locked')}`).waitFor();
    assert.equal(await quickInput(page).locator('input').first().getAttribute('type'), 'password');
    await answerInput(page, 'wrong');
    await quickInput(page).getByText('It does not open the key').waitFor();
    await screenshot(page, 'ssh-passphrase');
    await answerInput(page, PASSPHRASE);
    await row(page, `${NAME},`).waitFor({ timeout: 30_000 });
  });

  it('Disconnect ends the connection, and only a person connects again', async () => {
    await choose(page, 'vault,', 'Disconnect');
    await eventually(async () => assert.match(await hostRow(page, 'vault'), /^vault, disconnected · stale/));
    await sshd.nothingLeft().catch(error => { if (!/sshd: \/usr/.test(error.message)) throw error; });
    await choose(page, 'vault,', 'Connect');
    await eventually(async () => assert.match(await hostRow(page, 'vault'), /^vault, (\d+ (errors?|warnings?|threads? held back) · )*second@/), 30_000);
  });

  it('the setting says which hosts there are: edited by hand, they come and go', async () => {
    writeFileSync(workbench.machineSettings, JSON.stringify({ 'cgroupLens.hosts': ['vault', 'web1'] }));
    await row(page, 'web1,').waitFor({ timeout: 30_000 });
    writeFileSync(workbench.machineSettings, JSON.stringify({ 'cgroupLens.hosts': ['web1'] }));
    await row(page, 'vault,').waitFor({ state: 'detached', timeout: 30_000 });
  });

  it('Allow Reading as Root and Remove Host change the settings', async () => {
    const settings = () => JSON.parse(readFileSync(workbench.machineSettings, 'utf8'));
    await eventually(async () => assert.match(await hostRow(page, 'web1'), /as user op/));
    await choose(page, 'web1,', 'Allow Reading as Root');
    await eventually(() => assert.deepEqual(settings()['cgroupLens.readAsRoot'], ['web1']));
    await choose(page, 'web1,', 'Stop Reading as Root');
    await eventually(() => assert.deepEqual(settings()['cgroupLens.readAsRoot'] ?? [], []));
    await choose(page, 'web1,', 'Remove Host');
    await row(page, 'web1,').waitFor({ state: 'detached' });
    await eventually(() => assert.deepEqual(settings()['cgroupLens.hosts'] ?? [], []));
  });
});

describe('a host that is typed', () => {
  let workbench;
  let page;
  let id;
  before(async () => {
    await startAgain({ asBefore: true });
    writeFileSync(path.join(sshd.folder, 'authorized_keys/banner'), ''); // no key of ours: a password is left
    writeFileSync(inSsh('known_hosts'), `[127.0.0.1]:${port} ${publicHostKey}\n`);
    id = `banner@127.0.0.1:${port}`;
    workbench = await open({ settings: { 'cgroupLens.timeout': 8 } }); // a busy machine needs some of it
    ({ page } = workbench);
    await openSidebar(page, 'Cgroup Lens');
  });
  after(async () => {
    await workbench?.close();
    rmSync(inSsh('known_hosts'), { force: true });
  });

  it('asks for its password, and waits for a person longer than for a host', async () => {
    await runCommand(page, 'Cgroup Lens: Add SSH Host…');
    await quickInput(page).locator('input').first().fill(id);
    await quickInput(page).locator('.monaco-list-row.focused', { hasText: id }).waitFor();
    await page.keyboard.press('Enter');
    const title = quickInput(page).getByText(`${id}: Password for banner on ${id}`);
    await title.waitFor();
    const until = Date.now() + 9000; // the time-out is 8 s
    await eventually(() => assert.ok(Date.now() > until));
    assert.ok(await title.isVisible());
    await answerInput(page, 'wrong');
    await quickInput(page).getByText('It was not accepted').waitFor();
    await screenshot(page, 'ssh-password');
    await answerInput(page, PASSWORD);
    await row(page, `${NAME},`).waitFor({ timeout: 30_000 });
    assert.deepEqual(JSON.parse(readFileSync(workbench.machineSettings, 'utf8'))['cgroupLens.hosts'], [id]);
  });

  it('whose question is closed is not connected, and says what was asked', async () => {
    await choose(page, `${id},`, 'Disconnect');
    await choose(page, `${id},`, 'Refresh');
    await quickInput(page).getByText('Password for banner').waitFor();
    await page.keyboard.press('Escape');
    await eventually(() => errorRow(page, /Not answered: .* is not connected, for the question for a password was closed/));
  });
});

describe('a host that takes a connection and says nothing', () => {
  let workbench;
  let page;
  let silent;
  const sockets = new Set();
  before(async () => {
    await startAgain({ asBefore: true });
    silent = createServer(socket => { sockets.add(socket.resume().on('close', () => sockets.delete(socket)).on('error', () => undefined)); });
    await new Promise(resolve => silent.listen(0, '127.0.0.1', resolve));
    writeFileSync(inSsh('known_hosts'), `[127.0.0.1]:${port} ${publicHostKey}\n`);
    const dead = `op@127.0.0.1:${silent.address().port}`;
    workbench = await open({ machineSettings: { 'cgroupLens.hosts': [dead, 'web1'] }, settings: { 'cgroupLens.autoRefresh': 1, 'cgroupLens.timeout': 600 } });
    ({ page } = workbench);
    await openSidebar(page, 'Cgroup Lens');
  });
  after(async () => {
    await workbench?.close();
    for (const socket of sockets) socket.destroy();
    silent?.close();
    rmSync(inSsh('known_hosts'), { force: true });
  });

  const time = async () => / (\d\d:\d\d:\d\d), /.exec(await hostRow(page, 'web1'))?.[1];

  it('delays no other: that one is read again and again', async () => {
    await row(page, `${NAME},`).waitFor({ timeout: 40_000 });
    const first = await time();
    await eventually(async () => assert.notEqual(await time(), first));
    const second = await time();
    await eventually(async () => assert.notEqual(await time(), second));
    assert.match(await hostRow(page, `op@127.0.0.1:${silent.address().port}`), /, connecting…$/);
    await screenshot(page, 'ssh-silent');
  });

  it('is given up at once when a person says so, and stays so', async () => {
    const dead = `op@127.0.0.1:${silent.address().port}`;
    await eventually(async () => {
      await inlineAction(page, `${dead},`, 'Disconnect');
      await eventually(async () => assert.match(await hostRow(page, dead), /, disconnected$/), 2000);
    });
    await eventually(() => assert.equal(sockets.size, 0));
    const before = await time();
    await eventually(async () => assert.notEqual(await time(), before));
    assert.equal(sockets.size, 0);
  });
});

describe('SSH hosts in Restricted Mode', () => {
  let workbench;
  let page;
  before(async () => {
    workbench = await open({ trust: true, settings: { 'security.workspace.trust.startupPrompt': 'never' }, machineSettings: { 'cgroupLens.hosts': ['web1'] } });
    ({ page } = workbench);
    await openSidebar(page, 'Cgroup Lens');
  });
  after(() => workbench?.close());

  it('are not listed, and cannot be added', async () => {
    await runCommand(page, 'Cgroup Lens: Open Sample Capture');
    await row(page, 'serial,').waitFor({ timeout: 40_000 });
    assert.ok((await rows(page)).every(label => !label.startsWith('web1')));
    await assert.rejects(openPalette(page, 'Cgroup Lens: Add SSH Host…'));
    await page.keyboard.press('Escape');
  });

  it('are listed as soon as the folder is trusted', async () => {
    await runCommand(page, 'Workspaces: Manage Workspace Trust');
    await page.locator('.workspace-trust-editor .monaco-button', { hasText: /^Trust$/ }).first().click();
    await row(page, 'web1,').waitFor({ timeout: 30_000 });
  });
});

describe('a setting with hostile hosts', () => {
  const LINK = '$(error) [x](command:cgroupLens.showLog) <img src=x>';
  let workbench;
  let page;
  before(async () => {
    workbench = await open({ machineSettings: { 'cgroupLens.hosts': [LINK, '-oProxyCommand=touch', 42, 'a\u202etxt.invalid'] } });
    ({ page } = workbench);
    await openSidebar(page, 'Cgroup Lens');
  });
  after(() => workbench?.close());

  it('is told, as text', async () => {
    const told = toast(page, 'cgroupLens.hosts has entries that name no host');
    await told.waitFor({ timeout: 40_000 });
    const text = (await told.innerText()).replaceAll('\u2060', '');
    assert.ok(text.includes(LINK) && text.includes('-oProxyCommand=touch') && text.includes('42'), text);
    assert.equal(await told.locator('.notification-list-item-message a, .notification-list-item-message img, .notification-list-item-message .codicon').count(), 0);
    await screenshot(page, 'ssh-hostile');
  });

  it('lists what is left, with nothing invisible in it', async () => {
    await eventually(async () => assert.ok((await rows(page)).some(label => label.startsWith('a\\u{202e}txt.invalid, '))), 30_000);
    assert.ok((await rows(page)).every(label => !label.includes('\u202e')));
  });
});
