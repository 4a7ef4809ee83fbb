// The window as a person uses it, on a host as it really is: systemd, machined and libvirt in a guest, reached by SSH. What it
// shows, and what it has done, is read in the guest by OpenSSH and the guest's own tools.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { work } from '../workbench/harness.mjs';
import { bulbRow, choose, dialog, editorLines, expand, foldView, inlineAction, openSidebar, openWorkbench, problemsOfRule, quickInput, replaceEnd, row, rows, runCommand, screenshot, widenSidebar } from '../workbench/page.mjs';
import { eventually } from '../workbench/qemu.mjs';

const require = createRequire(import.meta.url);
const { Guest } = require('../../out/test/guests/support/guest.js');
const { startDomain, startLab } = require('../../out/test/guests/support/lab.js');

/** A guest is emulated, and this machine may be busy. */
const PATIENCE = 120_000;
const home = path.join(work, `home-${process.pid}`);

describe('the workbench and a host with systemd, machined and libvirt', () => {
  let guest;
  let workbench;
  let page;

  before(async () => {
    guest = await Guest.boot('v2');
    await startLab(guest);
    mkdirSync(path.join(home, '.ssh'), { recursive: true, mode: 0o700 });
    writeFileSync(path.join(home, '.ssh/config'), readFileSync(guest.sshConfig));
    workbench = await openWorkbench({
      alone: true,
      viewport: { width: 1600, height: 1300 },
      env: { HOME: home, USER: 'root', SSH_AUTH_SOCK: '', VSCODE_CLI: '1' }, // VSCODE_CLI: the extension host takes this environment
      settings: { 'cgroupLens.autoRefresh': 0, 'files.autoSave': 'off', 'workbench.colorTheme': 'Default Dark Modern', 'window.autoDetectColorScheme': false },
      machineSettings: { 'cgroupLens.timeout': PATIENCE / 1000 },
    });
    ({ page } = workbench);
    page.setDefaultTimeout(PATIENCE / 2);
    await openSidebar(page, 'Cgroup Lens');
    await widenSidebar(page, 200);
  });
  after(async () => {
    await workbench?.close();
    await guest?.end();
    rmSync(home, { recursive: true, force: true });
  });

  describe('as a user who may become root', () => {
    it('a host of ssh_config is added, and connected without a question: its key is known', async () => {
      await add(guest.name('op'));
      await eventually(async () => assert.match(await label(`${guest.name('op')},`), new RegExp(`op@127\\.0\\.0\\.1:${guest.port} · unified · .* as user op`)), PATIENCE);
      assert.equal(await dialog(page).isVisible(), false);
    });

    for (const name of ['serial', 'byhand']) {
      it(`every thread of ${name} is there, with the CPUs that taskset tells`, async () => {
        await expand(page, `${name},`);
        await eventually(async () => {
          const threads = (await rows(page)).map(text => /^([^,]+), .*?\bCPUs (\S+) · last on/.exec(text)).filter(Boolean).map(([, role, cpus]) => `${role} ${cpus}`);
          assert.deepEqual(threads.sort(), (await threadsOf(name)).map(({ role, cpus }) => `${role} ${cpus}`).sort());
        }, PATIENCE);
        await row(page, `${name},`).locator('.monaco-tl-twistie').click();
        await row(page, `${name},`).and(page.locator('[aria-expanded="false"]')).waitFor();
      });
    }

    it('the placement says what /proc, taskset and the cgroups\' files say', async () => {
      await openPlacement();
      await eventually(async () => {
        const lines = await document();
        const pid = Number(await guest.run('cat /run/libvirt/qemu/serial.pid'));
        assert.match(lines[0], new RegExp(`^machine serial {3}PID ${pid} {3}qemu-system-x86_64 {3}.*libvirt.* {3}uuid ${(await guest.run('virsh domuuid serial')).trim()}$`));
        assert.deepEqual(threadsIn(lines), (await threadsOf('serial')).map(({ role: _, ...thread }) => thread));
      }, PATIENCE);
    });

    it('the Cgroups view leads from the slice to the group of a vCPU', async () => {
      await foldView(page, 'Cgroups', false);
      await foldView(page, 'Machines', true);
      for (const begin of ['0:: (v2),', 'machine.slice,', 'machine-qemu-1-serial.scope,', 'libvirt,', 'vcpu2,']) await expand(page, begin);
      assert.match(await label('machine-qemu-1-serial.scope,'), /QEMU threads/);
      assert.match(await label('vcpu2,'), /^vcpu2, .*cpus 0 .*1 QEMU thread/);
      await row(page, 'vCPU 2, serial').waitFor();
      await screenshot(page, 'guest-cgroups');
      await foldView(page, 'Cgroups', true);
      await foldView(page, 'Machines', false);
    });

    it('a vCPU that was moved into emulator by hand is a problem', async () => {
      await choose(page, `${guest.name('op')},`, 'Allow Reading as Root');
      await moveByHand(2, 'emulator');
      await refresh();
      await runCommand(page, 'Problems: Focus on Problems View');
      await eventually(async () => {
        const [found, ...others] = await problems();
        assert.match(await found.textContent({ timeout: 1000 }), /vCPU 2 is in S\/emulator \(v2\), expected S\/vcpu2 \(quota 80000\/100000 instead of 50000\/100000\).*vcpu-in-emulator/);
        assert.equal(others.length, 0);
      }, PATIENCE);
      await screenshot(page, 'guest-finding-dark');
      await runCommand(page, 'Preferences: Toggle between Light/Dark Themes');
      await page.locator('.monaco-workbench.vs:not(.vs-dark)').waitFor();
      await screenshot(page, 'guest-finding-light');
    });

    it('its Quick Fix by keyboard is shown first, and Apply moves it back', async () => {
      await quickFix();
      assert.equal(await groupOf(2), 'emulator');
      await screenshot(page, 'guest-plan');
      await apply();
      assert.equal(await groupOf(2), 'vcpu2');
      await eventually(async () => assert.equal((await problems()).length, 0), PATIENCE);
    });

    it('Undo Last Change moves it into emulator again, and Quick Fix out of it', async () => {
      await runCommand(page, 'Cgroup Lens: Undo Last Change…');
      await plan(/^Undo: /m);
      assert.equal(await groupOf(2), 'vcpu2');
      await apply();
      assert.equal(await groupOf(2), 'emulator');
      await closePlans();
      await eventually(async () => assert.equal((await problems()).length, 1), PATIENCE);
      await quickFix();
      await apply();
      assert.equal(await groupOf(2), 'vcpu2');
      await closePlans();
    });

    it('is removed again', async () => {
      await choose(page, `${guest.name('op')},`, 'Remove Host');
      await row(page, `${guest.name('op')},`).waitFor({ state: 'detached' });
      await runCommand(page, 'View: Close All Editors');
    });
  });

  describe('as root', () => {
    before(() => add(guest.name()));

    it('a placement is edited and saved: its plan widens the group and the pin of a vCPU', async () => {
      await openPlacement();
      await replaceEnd(page, 'vCPU 1 ', '1', '0-1');
      await replaceEnd(page, '0:: S/vcpu1 ', 'cpus 1  quota 50000/100000', 'cpus 0-1  quota 50000/100000');
      await page.keyboard.press('Control+S');
      await plan(/cpuset\.cpus[^]*pin vCPU 1/);
      await screenshot(page, 'guest-plan-edited');
      assert.deepEqual(await cpusOf(1), { affinity: '1', cpuset: '1', virsh: '1' });
      await apply();
      // libvirt was not asked, and does not see it.
      assert.deepEqual(await cpusOf(1), { affinity: '0-1', cpuset: '0-1', virsh: '1' });
      await closePlans();
    });

    it('by the owner\'s way libvirt knows of it', async () => {
      await expand(page, 'serial,');
      await choose(page, 'vCPU 1,', 'Pin to CPUs…');
      await quickInput(page).locator('.monaco-list-row', { hasText: /^\s*CPU 0/ }).first().click();
      await plan(/pin vCPU 1/);
      await lens('The Owner\'s Way Instead').click();
      await plan(/virsh -c qemu:\/\/\/system vcpupin --domain serial --vcpu 1 --cpulist 0 --live/);
      await screenshot(page, 'guest-plan-virsh');
      await apply();
      assert.deepEqual(await cpusOf(1), { affinity: '0', cpuset: '0', virsh: '0' });
      await guest.run('virsh -q vcpupin serial 1 1 --live');
      await closePlans();
    });

    it('a domain that is destroyed is gone, and one that is started is there', async () => {
      await guest.run('virsh -q destroy serial');
      await refresh();
      await row(page, 'serial,').waitFor({ state: 'detached' });
      assert.ok(await row(page, 'byhand,').isVisible());
      await screenshot(page, 'guest-destroyed');
      await startDomain(guest);
      await refresh();
      await row(page, 'serial,').waitFor();
      const pid = (await guest.run('cat /run/libvirt/qemu/serial.pid')).trim();
      assert.match(await label('serial,'), new RegExp(`PID ${pid} · 4 vCPUs`));
    });
  });

  // --- the window ---

  const label = begin => row(page, begin).getAttribute('aria-label', { timeout: 2000 });
  const refresh = () => runCommand(page, 'Cgroup Lens: Refresh');
  const document = async () => (await editorLines(page, '.placement')).map(text => text.replace(/ {2,}(?:waits|throttled|last on) .*/, '').trimEnd());
  const problems = () => problemsOfRule(page, 'serial', 'vcpu-in-emulator');
  const lens = title => page.locator('.editor-instance .codelens-decoration a', { hasText: new RegExp(`^${title}$`) }).first();
  const plan = (pattern, milliseconds = PATIENCE) => eventually(async () => assert.match((await editorLines(page, '.plan')).join('\n'), pattern), milliseconds);

  /** Its icon stands before the name. */
  const offer = name => quickInput(page).locator('.monaco-list-row').filter({ has: page.locator('.label-name', { hasText: new RegExp(`(^|\\s)${name}\\s*$`) }) }).first();

  async function add(name) {
    await runCommand(page, 'Cgroup Lens: Add SSH Host…');
    await offer(name).click();
    await row(page, 'serial,').waitFor();
    await row(page, 'byhand,').waitFor();
  }

  async function openPlacement() {
    // VS Code draws a row's buttons anew at every refresh: a click between two of them can be lost.
    await eventually(async () => {
      if ((await document()).length === 0) await inlineAction(page, 'serial,', 'Open Placement');
      await eventually(async () => assert.ok((await document()).some(line => line.startsWith('vCPU 3 '))), 5000);
    }, PATIENCE);
  }

  async function quickFix() {
    await eventually(async () => {
      await runCommand(page, 'Problems: Focus on Problems View');
      await (await problems())[0].click({ timeout: 1000 });
    }, PATIENCE);
    await page.keyboard.press('Enter'); // into the editor, at the words
    await page.locator('.editor-instance .monaco-editor.focused').first().waitFor();
    await bulbRow(page, 'Move vCPU 2 to S/vcpu2 (v2)', PATIENCE);
    await screenshot(page, 'guest-quick-fix');
    await page.keyboard.press('Enter');
    await plan(/move vCPU 2 /);
  }

  /**
   * Applies the plan that is shown, and returns when the window has the host's answer. A document that has just come up takes the
   * focus a moment later, and the palette goes: then it is asked again. No plan is applied twice.
   */
  async function apply() {
    await eventually(async () => {
      await runCommand(page, 'Cgroup Lens: Apply Plan');
      await plan(/^(Being applied|✓ Applied)/, 5000);
    }, PATIENCE);
    await plan(/^✓ Applied/);
  }

  async function closePlans() {
    const tabs = page.locator('.tabs-container .tab', { hasText: '.plan' });
    for (let left = await tabs.count(); left > 0; left--) {
      await tabs.first().click();
      await runCommand(page, 'View: Close Editor');
      await eventually(async () => assert.equal(await tabs.count(), left - 1), PATIENCE);
    }
  }

  // --- the guest ---

  /** Every thread of a machine; a vhost worker is a kernel thread beside it. Few processes: each takes an emulated guest long. */
  async function threadsOf(name) {
    const text = await guest.run(String.raw`
      pid=$(cat ${name === 'serial' ? '/run/libvirt/qemu/serial.pid' : '/run/byhand.pid'})
      vhost=$(pgrep -x "vhost-$pid")
      for process in $pid $vhost; do taskset -a -p -c $process; done
      for task in /proc/$pid/task/* $(printf '/proc/%s/task/*' $vhost); do
        IFS= read -r comm <$task/comm && IFS=: read -r id none at <$task/cgroup || continue
        directory=/sys/fs/cgroup$at
        for file in cgroup.type cpuset.cpus cpu.max; do value=; IFS= read -r value <$directory/$file; printf '%s\t' "$value"; done
        printf '%s\t%s\t%s\n' "$task" "$comm" "$at"
      done`);
    const affinity = new Map([...text.matchAll(/^pid (\d+)'s current affinity list: (.*)$/gm)].map(([, tid, list]) => [tid, list.replace('0,1', '0-1')])); // it joins no two
    return text.split('\n').filter(line => line.includes('\t')).map(line => {
      const [type, cpuset, max, task, comm, at] = line.split('\t');
      const [, pid, tid] = /^\/proc\/(\d+)\/task\/(\d+)$/.exec(task);
      const values = [...(type === 'domain' ? [] : [`type ${type}`]), ...(cpuset === '' ? [] : [`cpus ${cpuset}`]), ...(max.startsWith('max') ? [] : [`quota ${max.replace(' ', '/')}`])].join(' ');
      return { tid: Number(tid), comm, cpus: affinity.get(tid), path: at, role: roleOf(comm, tid === pid), values };
    }).sort((a, b) => a.tid - b.tid);
  }

  const vcpu = async n => (await threadsOf('serial')).find(({ role }) => role === `vCPU ${n}`);
  const groupOf = async n => path.posix.basename((await vcpu(n)).path);

  async function moveByHand(n, group) {
    const { tid, path: at } = await vcpu(n);
    await guest.run(`echo ${tid} >'/sys/fs/cgroup${path.posix.dirname(at)}/${group}/cgroup.threads'`);
  }

  async function cpusOf(n) {
    const { cpus: affinity, path: at } = await vcpu(n);
    const [cpuset, virsh] = (await guest.run(`cat '/sys/fs/cgroup${at}/cpuset.cpus'; virsh -q vcpupin serial ${n} | awk '{ print $2 }'`)).split('\n');
    return { affinity, cpuset, virsh };
  }
});

/** As QEMU names its threads. */
function roleOf(comm, isFirst) {
  if (comm.startsWith('vhost-')) return 'vhost';
  if (isFirst) return 'emulator';
  if (comm === 'worker' || comm === 'call_rcu') return comm; // the latter where that thread came to its name after debug-threads=on was read
  const [, vcpu, ioThread] = /^(?:CPU (\d+)\/(?:TCG|KVM)|IO ((?!mon_)\w+))$/.exec(comm) ?? [];
  return vcpu !== undefined ? `vCPU ${vcpu}` : ioThread !== undefined ? `I/O thread ${ioThread}` : 'other';
}

/** What the lines of a placement say of each thread, `S` written out. */
function threadsIn(lines) {
  const alias = lines.find(line => line.startsWith('S = ')).slice(4);
  return lines.flatMap((line, i) => {
    const [, tid, comm, cpus] = /^\S.*? {2,}(\d+) {2,}(\S.*?) {2,}\w+ \d+ {2,}cpus (\S+)$/.exec(line) ?? [];
    if (tid === undefined) return [];
    const [, at, values] = /^ {2}0:: +S(\S*) *(.*)$/.exec(lines[i + 1]);
    return [{ tid: Number(tid), comm, cpus, path: `${alias}${at}`, values: values.replace(/ +/g, ' ') }];
  }).sort((a, b) => a.tid - b.tid);
}
