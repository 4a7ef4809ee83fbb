// This machine: a real QEMU process, and what the window says of it, compared with /proc.
import assert from 'node:assert/strict';
import { answerInput, choose, clipboard, cursorLine, editorLines, expand, focusRow, inlineAction, openSidebar, openWorkbench, quickInput, row, rows, runCommand, screenshot, titleAction } from '../page.mjs';
import { eventually, makeCgroup, startQemu } from '../qemu.mjs';

// Sorted before any other machine of this host: rows out of view are not there.
const NAME = `00-lens-${process.pid}`;

describe('this machine', () => {
  let qemu;
  let workbench;
  let page;
  let cgroup;

  before(async () => {
    qemu = await startQemu(NAME);
    workbench = await openWorkbench({ settings: { 'cgroupLens.autoRefresh': 0 } });
    page = workbench.page;
    await openSidebar(page, 'Cgroup Lens');
    await row(page, NAME).waitFor({ timeout: 40_000 });
  });
  after(async () => {
    await workbench?.close();
    await qemu?.stop();
    cgroup?.remove();
  });

  it('a machine says its PID, how many vCPUs and how many threads', async () => {
    const { threads } = qemu.proc(qemu.pid);
    // On a machine where others are busy it may wait for a CPU, which is said first.
    assert.match(await row(page, NAME).getAttribute('aria-label'), new RegExp(`^${NAME}, (\\d+ (errors?|warnings?|threads? held back) · )*PID ${qemu.pid} · 4 vCPUs · ${threads} threads$`));
  });

  it('a thread says its CPUs and where it ran last, as /proc does', async () => {
    await expand(page, NAME);
    for (const [n, tid] of qemu.vcpus.entries()) {
      const check = async () => {
        const { cpusAllowed, lastCpu } = qemu.proc(tid);
        assert.match(await row(page, `vCPU ${n},`).getAttribute('aria-label'), new RegExp(`^vCPU ${n}, CPUs ${cpusAllowed} · last on ${lastCpu}( ·|$)`));
      };
      await eventually(check, 2000).catch(async () => { // it ran once more since it was read
        await runCommand(page, 'Cgroup Lens: Refresh');
        await eventually(check);
      });
    }
    await row(page, 'I/O thread iothread1,').waitFor();
    await row(page, 'emulator,').waitFor();
  });

  it('a membership is where /proc says, in every hierarchy once', async () => {
    await expand(page, 'vCPU 2,');
    const { paths, lines } = qemu.proc(qemu.vcpus[2]);
    const labels = await placeLabels();
    const seen = [];
    for (const label of labels) {
      const keys = label.split(', ')[0].split(' ');
      const copied = (title, text) => choose(page, label, title).then(() => eventually(async () => assert.equal(await clipboard(page), text)));
      for (const key of keys) assert.equal(paths.get(key), paths.get(keys[0]), key);
      await copied('Copy Cgroup Path', paths.get(keys[0]));
      await copied('Copy /proc Line', lines.filter(line => keys.includes(line.startsWith('0::') ? '0::' : line.split(':')[1])).join('\n'));
      await copied('Copy TID', String(qemu.vcpus[2]));
      seen.push(...keys);
    }
    assert.deepEqual(seen.sort(), [...paths.keys()].sort());
  });

  it('what is unfolded stays unfolded when all is read anew', async () => {
    // Other machines of this host may come and go, and threads run elsewhere meanwhile.
    const ofOurs = all => {
      const from = all.findIndex(label => label.startsWith(`${NAME}, `));
      const next = all.findIndex((label, i) => i > from && / PID \d+ · /.test(label)); // another machine
      return all.slice(from, next < 0 ? undefined : next).map(beginning);
    };
    const before = await rows(page);
    assert.ok(ofOurs(before).length > 8);
    await runCommand(page, 'Cgroup Lens: Refresh');
    await eventually(async () => {
      const after = await rows(page);
      assert.notEqual(after[0], before[0]); // the time of the reading
      assert.deepEqual(ofOurs(after), ofOurs(before));
    });
  });

  it('Open Placement, from the row and from its menu by keyboard, shows the text at the thread', async () => {
    await inlineAction(page, 'vCPU 3,', 'Open Placement');
    const lines = await eventually(async () => {
      const found = await editorLines(page);
      assert.match(found[0] ?? '', new RegExp(`^machine ${NAME} +PID ${qemu.pid} +qemu-system-x86_64 +[a-z ]+ +uuid ${qemu.uuid}`));
      return found;
    });
    for (const [n, tid] of qemu.vcpus.entries()) assert.ok(lines.some(line => new RegExp(`^vCPU ${n} +${tid} +CPU ${n}/TCG +other 0 +cpus ${qemu.proc(tid).cpusAllowed}`).test(line)), `vCPU ${n}`);
    await eventually(async () => assert.equal(await cursorLine(page), lines.findIndex(line => line.startsWith('vCPU 3 ')) + 1));

    await focusRow(page, 'I/O thread iothread1,');
    await page.keyboard.press('Shift+F10');
    await page.locator('.monaco-menu .action-label', { hasText: 'Open Placement' }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await eventually(async () => assert.equal(await cursorLine(page), (await editorLines(page)).findIndex(line => line.startsWith('I/O thread iothread1 ')) + 1));
  });

  it('a thread that was moved is shown where it is now, and the cursor stays at its thread', async () => {
    const controller = ['cpu', 'cpuset', 'pids', 'freezer', 'devices'].find(name => (cgroup = makeCgroup(name, `cgroup-lens-test-${process.pid}`)));
    assert.ok(controller, 'no cgroup v1 hierarchy can be written to');
    const thread = 'I/O thread iothread1 ';
    cgroup.take(qemu.vcpus[2]);
    await runCommand(page, 'Cgroup Lens: Refresh');
    await eventually(async () => {
      const lines = await editorLines(page);
      const at = lines.findIndex(line => line.startsWith('vCPU 2 '));
      const below = lines.slice(at + 1).findIndex(line => !line.startsWith('  '));
      assert.ok(lines.slice(at + 1, at + 1 + below).some(line => line.includes(cgroup.path)), lines.join('\n'));
      assert.equal(await cursorLine(page), lines.findIndex(line => line.startsWith(thread)) + 1);
    });
    await eventually(async () => assert.ok((await placeLabels()).some(label => label.includes(cgroup.path.slice(1)))));
  });

  it('Go to Machine or Thread… finds a TID, a UUID and a name', async () => {
    const selected = begin => row(page, begin).and(page.locator('.selected')).waitFor();
    await goTo(String(qemu.vcpus[1]), `vCPU 1 · ${NAME}`);
    await selected('vCPU 1,');
    await goTo(qemu.uuid, NAME);
    await selected(NAME);
    await goTo(`iothread1 · ${NAME}`, `I/O thread iothread1 · ${NAME}`);
    await selected('I/O thread iothread1,');
  });

  it('Filter Machines… leaves what fits, says so, and is cleared', async () => {
    const message = page.locator('.part.sidebar .pane-body .message').first();
    const text = `${NAME} ${qemu.vcpus[1]}`; // a number alone may be part of another machine's path
    await filter(text);
    await eventually(async () => assert.deepEqual((await rows(page)).map(beginning).slice(1), [NAME, 'vCPU 1']));
    assert.match((await message.innerText()).trim(), new RegExp(`^Filter "${text}": 1 threads?$`));

    const { cpusAllowed } = qemu.proc(qemu.pid);
    assert.match(cpusAllowed, /^0\b/);
    await filter(`${NAME} cpu:0`);
    await eventually(async () => assert.match(await row(page, NAME).getAttribute('aria-label'), new RegExp(`PID ${qemu.pid} · 4 vCPUs · \\d+ threads$`)));
    await filter(`${NAME} cpu:999`);
    await eventually(async () => assert.equal((await rows(page)).filter(label => label.startsWith(NAME)).length, 0));

    await filter(cgroup.path.slice(1));
    await eventually(async () => assert.deepEqual((await rows(page)).map(beginning).slice(1, 3), [NAME, 'vCPU 2']));

    await runCommand(page, 'Cgroup Lens: Clear Filter');
    await row(page, 'vCPU 0,').waitFor();
    assert.equal(await message.isVisible() && (await message.innerText()).trim() !== '', false);
  });

  it('Collapse All folds the machines', async () => {
    await titleAction(page, 'Collapse All');
    await row(page, 'vCPU 0,').waitFor({ state: 'detached' });
  });

  const beginning = label => label.split(', ')[0];

  /** The rows below vCPU 2. */
  async function placeLabels() {
    const all = await rows(page);
    const at = all.findIndex(label => label.startsWith('vCPU 2,'));
    const next = all.findIndex((label, i) => i > at && /^(vCPU|I\/O thread|other|emulator|worker|call_rcu)\b/.test(label));
    return all.slice(at + 1, next < 0 ? undefined : next);
  }

  async function goTo(text, label) {
    await runCommand(page, 'Cgroup Lens: Go to Machine or Thread…');
    await quickInput(page).locator('input').first().fill(text);
    await quickInput(page).locator('.monaco-list-row.focused', { hasText: label }).waitFor();
    await page.keyboard.press('Enter');
  }

  async function filter(text) {
    await runCommand(page, 'Cgroup Lens: Filter Machines…');
    await answerInput(page, text);
  }
});

describe('this machine, read by itself every second', () => {
  let qemu;
  let workbench;
  let cgroup;

  before(async () => {
    qemu = await startQemu(`${NAME}-auto`);
    workbench = await openWorkbench({ settings: { 'cgroupLens.autoRefresh': 1 } });
  });
  after(async () => {
    await workbench?.close();
    await qemu?.stop();
    cgroup?.remove();
  });

  it('shows a move without being asked, in the view and in the document', async () => {
    const { page } = workbench;
    await openSidebar(page, 'Cgroup Lens');
    await row(page, `${NAME}-auto`).waitFor({ timeout: 40_000 });
    // VS Code draws a row's buttons anew at every refresh: a click between two of them can be lost.
    await eventually(async () => {
      if (!(await editorLines(page)).some(line => line.startsWith('vCPU '))) await inlineAction(page, `${NAME}-auto`, 'Open Placement');
      await eventually(async () => assert.ok((await editorLines(page)).some(line => line.startsWith('vCPU 1 '))), 4000);
    }, 30_000);
    cgroup = makeCgroup('cpu', `cgroup-lens-test-${process.pid}-auto`);
    cgroup.take(qemu.vcpus[1]);
    await eventually(async () => assert.ok((await editorLines(page)).some(line => line.includes(cgroup.path))), 30_000);
    // The hints beside the text come back, though a reading follows the other.
    await eventually(async () => assert.ok((await editorLines(page)).some(line => /^vCPU 1 .*last on \d/.test(line))), 30_000);
    await screenshot(page, 'this-machine');
  });
});
