// The Cgroups view: host → hierarchy → cgroup → threads, of the sample and of this machine, compared with /proc and /sys.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../install.mjs';
import { hostile } from '../hostile.mjs';
import { answerInput, choose, editorLines, expand, foldView, hoverOver, inlineAction, nothingLive, openCapture, openSidebar, openWorkbench, quickPick, restMouse, row, rows, runCommand, screenshot, titleAction, widenSidebar } from '../page.mjs';
import { begin, stop } from '../../processes.mjs';
import { eventually, makeCgroup, startQemu } from '../qemu.mjs';

const NAME = `00-lens-${process.pid}`;
const selected = (page, text) => row(page, text).and(page.locator('.selected')).waitFor();

for (const theme of ['Dark', 'Light']) {
  describe(`the cgroups of the sample (${theme})`, () => {
    let workbench;
    let page;
    before(async () => {
      workbench = await openWorkbench({ alone: true, settings: { 'cgroupLens.autoRefresh': 0, 'workbench.colorTheme': `Default ${theme} Modern`, 'window.autoDetectColorScheme': false } });
      ({ page } = workbench);
      await openSidebar(page, 'Cgroup Lens');
      await runCommand(page, 'Cgroup Lens: Open Sample Capture');
      await row(page, 'serial,').waitFor({ timeout: 40_000 });
      await widenSidebar(page, 160);
      await foldView(page, 'Cgroups', false);
      await foldView(page, 'Machines', true);
      await row(page, 'cpuset (v1),').waitFor({ timeout: 40_000 });
    });
    after(() => workbench?.close());

    it('are found from hierarchy to thread', async () => {
      assert.equal(await row(page, '0:: (v2)').getAttribute('aria-label'), '0:: (v2), 9 QEMU threads · no controllers');
      for (const name of ['cpuset (v1),', 'machine.slice,', 'machine-qemu-1-serial.scope,', 'libvirt,', 'vcpu2,']) await expand(page, name);
      assert.equal(await row(page, 'vcpu2,').getAttribute('aria-label'), 'vcpu2, cpus 0 · 1 QEMU thread');
      assert.equal(await row(page, 'emulator,').getAttribute('aria-label'), 'emulator, cpus 0 · 3 QEMU threads');
      assert.equal(await row(page, 'vCPU 2,').getAttribute('aria-label'), 'vCPU 2, serial · CPUs 0 · last on 0');
    });

    it('say in their tooltip whose they are and what holds', async () => {
      const hover = await hoverOver(page, row(page, 'vcpu2,').locator('.monaco-icon-label-container'), 'Owner of the cgroup');
      await eventually(async () => {
        const text = await hover.innerText();
        for (const part of [/Owner of the cgroup: nobody: systemd does not manage this controller in cgroup v1/, /Owner of its values: libvirt, by the name machine-qemu\\x2d1\\x2dserial\.scope/, /cpus: 0, set here/, /QEMU threads: 1 here, 0 below/]) assert.match(text, part);
      });
      await screenshot(page, `cgroups-${theme}`);
    });

    it('open as files', async () => {
      await inlineAction(page, 'vcpu2,', 'Open Cgroup Files');
      await eventually(async () => assert.ok((await editorLines(page)).some(line => /^ {2}cpuset\.cpus +0$/.test(line))));
    });

    it('a capture says who else of QEMU is there, and that it holds no other tasks', async () => {
      await inlineAction(page, 'vcpu2,', 'Who Else Is Here');
      const lines = await eventually(async () => {
        const found = await editorLines(page, 'CPUs 0.neighbours');
        assert.match(found[0] ?? '', /^CPUs 0 of sample, read 2026-11-22/);
        return found;
      });
      assert.ok(lines.includes('QEMU threads that may run there: 6'), lines.join('\n'));
      assert.ok(lines.includes('A capture holds no other tasks and no interrupts.'));
      await screenshot(page, `who-else-capture-${theme}`);
    });

    it('Reveal in Machines, and Reveal in Cgroups back', async () => {
      await inlineAction(page, 'vCPU 2,', 'Reveal in Machines');
      await selected(page, 'vCPU 2, CPUs 0');
      await foldView(page, 'Cgroups', true);
      await choose(page, 'vCPU 3, CPUs 1', 'Reveal in Cgroups');
      await selected(page, 'vCPU 3, serial');
      await row(page, 'vcpu3, cpus 1').waitFor();
    });
  });
}

describe('the cgroups of a hostile capture', () => {
  let workbench;
  let page;
  before(async () => {
    workbench = await openWorkbench({ alone: true, settings: { 'cgroupLens.autoRefresh': 0, 'files.simpleDialog.enable': true } });
    ({ page } = workbench);
    writeFileSync(path.join(workbench.folder, 'evil.capture'), hostile(readFileSync(path.join(root, 'media/sample.capture'), 'utf8')));
    await openSidebar(page, 'Cgroup Lens');
    await openCapture(page, path.join(workbench.folder, 'evil.capture'));
    await row(page, '[x]').waitFor({ timeout: 40_000 });
    await widenSidebar(page, 160);
    await foldView(page, 'Cgroups', false);
    await foldView(page, 'Machines', true);
    await row(page, 'cpuset (v1),').waitFor();
  });
  after(() => workbench?.close());

  it('have names that stay text, in rows, tooltips and the document of who else is here', async () => {
    for (const name of ['cpuset (v1),', 'machine.slice,', 'machine-qemu', 'l [x]', 'b> https:', '/,', 'example.invalid,', ' *e*', '[x]']) await expand(page, name);
    const threads = page.locator('.part.sidebar .monaco-list-row[role="treeitem"]', { hasText: ' · CPUs ' });
    await threads.first().waitFor();
    await nothingLive(page, '.part.sidebar .pane-body .monaco-list-rows .monaco-icon-label-container');
    await hoverOver(page, threads.first().locator('.monaco-icon-label-container'));
    await nothingLive(page, '.monaco-hover');
    await screenshot(page, 'hostile-cgroups');
    await restMouse(page);
    await runCommand(page, 'Cgroup Lens: Who Else Is Here');
    await quickPick(page, 'evil');
    await answerInput(page, '0-1');
    await eventually(async () => assert.equal((await editorLines(page)).filter(line => line.startsWith('  cpus ')).length, 9));
  });
});

describe('the cgroups of this machine', () => {
  let qemu;
  let workbench;
  let page;
  let cgroup;
  let empty;
  let bound;
  let throttled;

  before(async () => {
    qemu = await startQemu(NAME);
    cgroup = makeCgroup('cpuset', `00-cgroup-lens-test-${process.pid}`);
    const directory = `/sys/fs/cgroup/cpuset${cgroup.path}`;
    writeFileSync(`${directory}/cpuset.cpus`, '1');
    writeFileSync(`${directory}/cpuset.mems`, '0');
    cgroup.take(qemu.vcpus[2]);
    empty = `${directory}/${'0'.repeat(3)} $(x) \u202eempty`;
    mkdirSync(empty);
    bound = begin('taskset', ['-c', '1', 'sleep', '1000'], { stdio: 'ignore' });
    workbench = await openWorkbench({ settings: { 'cgroupLens.autoRefresh': 0 } });
    ({ page } = workbench);
    await openSidebar(page, 'Cgroup Lens');
    await row(page, NAME).waitFor({ timeout: 40_000 });
    await widenSidebar(page, 160);
  });
  after(async () => {
    await workbench?.close();
    await qemu?.stop();
    if (bound) await stop(bound);
    if (empty) rmdirSync(empty);
    cgroup?.remove();
    throttled?.remove();
  });

  it('Reveal in Cgroups goes to the cpuset of a thread', async () => {
    await expand(page, NAME);
    await choose(page, 'vCPU 2,', 'Reveal in Cgroups');
    await selected(page, `vCPU 2, ${NAME}`);
    await foldView(page, 'Machines', true);
    await row(page, `${cgroup.path.slice(1)}, cpus 1 · 1 QEMU thread`).waitFor();
  });

  it('all cgroups are shown when they are asked for, whatever their names, and are hidden again', async () => {
    assert.equal((await rows(page)).some(label => label.includes('empty')), false);
    await titleAction(page, 'Show All Cgroups', 'Cgroups');
    await eventually(async () => assert.ok((await rows(page)).some(label => label.startsWith('000 $\u2060(x) \\u{202e}empty')), (await rows(page)).join('\n')), 40_000);
    await screenshot(page, 'all-cgroups');
    await titleAction(page, 'Show Cgroups With QEMU Only', 'Cgroups');
    await eventually(async () => assert.equal((await rows(page)).some(label => label.includes('empty')), false));
  });

  it('Who Else Is Here, of a cgroup and from the palette, finds a task that taskset bound', async () => {
    const expected = new RegExp(`^ {2}cpus 1 +sleep +PID ${bound.pid} +TID ${bound.pid}$`);
    const seen = () => eventually(async () => {
      const lines = await editorLines(page, 'CPUs 1.neighbours');
      assert.ok(lines.some(line => expected.test(line)), lines.join('\n'));
      assert.ok(lines.some(line => new RegExp(`^ {2}cpus 1 +${NAME} +vCPU 2 +${qemu.vcpus[2]} +last on`).test(line)), lines.join('\n'));
    }, 30_000);
    await inlineAction(page, `${cgroup.path.slice(1)},`, 'Who Else Is Here');
    await seen();
    await screenshot(page, 'who-else');
    await runCommand(page, 'View: Revert and Close Editor');
    await runCommand(page, 'Cgroup Lens: Who Else Is Here');
    await answerInput(page, '1');
    await seen();
  });

  it('a thread that is held back has a badge at every level, in both views, and each says so in words', async () => {
    throttled = makeCgroup('cpu', `00-cgroup-lens-test-${process.pid}`);
    const directory = `/sys/fs/cgroup/cpu${throttled.path}`;
    writeFileSync(`${directory}/cpu.cfs_quota_us`, '1000');
    const busy = begin('sh', ['-c', 'while :; do :; done'], { stdio: 'ignore' });
    writeFileSync(`${directory}/tasks`, String(busy.pid));
    throttled.take(qemu.vcpus[1]);
    try {
      const group = `${throttled.path.slice(1)},`;
      await runCommand(page, 'Cgroup Lens: Refresh');
      await expand(page, 'cpu (v1),');
      await eventually(async () => {
        for (const signal of ['SIGSTOP', 'SIGCONT']) process.kill(qemu.pid, signal); // wakes it: who sleeps is not held back
        await runCommand(page, 'Cgroup Lens: Refresh');
        await eventually(async () => assert.match(await row(page, group).getAttribute('aria-label', { timeout: 1000 }), /, (throttled · )?throttled \S+ % of the time · quota 1000\/100000 · (\d warnings? · )?1 thread held back · 1 QEMU thread$/), 3000);
      }, 40_000);
      await expand(page, group);
      assert.match(await row(page, 'cpu (v1),').getAttribute('aria-label'), /\d threads? held back/); // others may wait for a CPU
      const badges = begin => row(page, begin).locator('.monaco-icon-label').evaluateAll(all => all.map(it => getComputedStyle(it, '::after').content));
      // The sum of what the row says in words: findings may say it too.
      const said = label => [...label.matchAll(/(\d+) (errors?|warnings?|threads? held back)/g)].reduce((sum, [, n]) => sum + Number(n), 0);
      for (const begin of ['cpu (v1),', group]) await eventually(async () => assert.ok((await badges(begin)).includes(`"${said(await row(page, begin).getAttribute('aria-label'))}"`), begin));
      await eventually(async () => assert.ok((await badges('vCPU 1, throttled')).some(badge => /^"[1-9]"$/.test(badge))));
      assert.equal((await rows(page)).some(label => /^(memory|pids|freezer) .*held back/.test(label)), false); // they have no part in it
      await screenshot(page, 'badges');
      await foldView(page, 'Cgroups', true);
      await foldView(page, 'Machines', false);
      await eventually(async () => assert.match(await row(page, `${NAME}, `).getAttribute('aria-label'), /, (\d warnings? · )?\d threads? held back · PID/)); // others may wait for a CPU; a view that was hidden is drawn anew
      await eventually(async () => assert.ok((await badges(`${NAME}, `)).includes(`"${said(await row(page, `${NAME}, `).getAttribute('aria-label'))}"`)));
      await eventually(async () => assert.ok((await badges('vCPU 1, throttled')).some(badge => /^"[1-9]"$/.test(badge))));
      assert.match((await rows(page))[0], /\d threads? held back/);
      await screenshot(page, 'badges-machines');
    } finally {
      await stop(busy);
    }
  });

  it('what was chosen is there again after a reload', async () => {
    await foldView(page, 'Cgroups', false);
    await titleAction(page, 'Show All Cgroups', 'Cgroups');
    await workbench.reload();
    await openSidebar(page, 'Cgroup Lens');
    await page.locator('.part.sidebar .pane', { has: page.locator('.pane-header[aria-label^="Cgroups"]') }).hover();
    await page.locator('.pane-header .action-label[aria-label="Show Cgroups With QEMU Only"]').waitFor({ timeout: 40_000 });
  });
});
