import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plan, Step } from '../../src/core/plan/plan';
import { planScript } from '../../src/core/plan/script';
import { type OwnCgroup, makeCgroup } from './support/cgroups';
import { cleanUp, newFolder, required } from './support/cleanUp';
import { asNobody } from './support/collect';
import { namedThreads } from './support/helper';
import { moveStep, pinStep, placeOf, planOf, scheduleStep, stepOf, taskOf, undoOf, valueStep } from './support/plans';
import { affinityOf } from './support/readers';
import { type RanScript, runScript } from './support/scripts';
import { SHELLS, withPrograms } from './support/tools';

describe('the script of a plan, run by itself', () => {
  let threads: { readonly pid: number; readonly tids: number[] };
  let from: OwnCgroup;
  let to: OwnCgroup;
  let folder: string;
  beforeEach(async () => {
    folder = newFolder('here');
    threads = await namedThreads(['CPU 0/KVM', 'CPU 1/KVM', 'CPU 2/KVM'].map(name => Buffer.from(name)));
    [from, to] = [makeCgroup('cpu', 'script', 'from'), makeCgroup('cpu', 'script', 'to')];
    for (const tid of threads.tids) from.addThread(tid);
  });
  afterEach(cleanUp);

  const move = (i: number): Step => moveStep(taskOf(threads.pid, threads.tids[i]), from, to);
  const places = (): unknown => threads.tids.map(tid => placeOf(taskOf(threads.pid, tid), 'cpu'));

  for (const shell of SHELLS) {
    const run = (plan: Plan, through: readonly string[] = []): Promise<RanScript> => runScript(planScript(plan), { shell, folder, through });

    it(`${shell}: does it, says so, and its way back does that too`, async () => {
      const steps = [move(0), pinStep(taskOf(threads.pid, threads.tids[0]), '1'), scheduleStep(taskOf(threads.pid, threads.tids[1]), 'batch', 0, 3), valueStep(to, 'cpu.shares', '700')];
      const { code, stdout, stderr } = await run(planOf(steps, { asRoot: true }));
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, /^Step 1 of 4, thread \d+ \(CPU 0\/KVM\) to cpu \S+\/to: done\.\nStep 2 of 4, thread \d+ \(CPU 0\/KVM\) on CPUs 1: done\.\n {2}Step 2, now: 1\n.*\n {2}Step 3, now: batch 0 nice 3\n.*\n {2}Step 4, now: 700\n {2}Step 1, now: \S+\/to\nAll 4 steps are done\.\n$/);
      assert.deepEqual([places(), affinityOf(threads.tids[0]!), to.read('cpu.shares')], [[to.path, from.path, from.path], [1], '700']);
      assert.equal((await run(undoOf(steps))).code, 0);
      assert.deepEqual([places(), affinityOf(threads.tids[0]!), to.read('cpu.shares')], [[from.path, from.path, from.path], [0, 1], '1024']);
    });

    it(`${shell}: of a made-up capture: nothing is written where no cgroups are mounted, by no way around`, async () => {
      const [lure, prey] = [newFolder('lure'), join(newFolder('prey'), 'tasks')];
      for (const file of ['cgroup.procs', 'cpu.shares']) writeFileSync(join(lure, file), '1024\n');
      writeFileSync(prey, 'precious');
      symlinkSync(prey, join(lure, 'tasks'));
      for (const directory of [lure, `${String(from.directory)}/../../../../..${lure}`]) {
        const cgroup = { hierarchy: 'cpu', path: '/lure', directory };
        const task = taskOf(threads.pid, threads.tids[0]);
        for (const step of [
          stepOf({ kind: 'move', task, from: from.path, to: cgroup, file: 'tasks' }, [{ kind: 'alive', task }, { kind: 'place', task, hierarchy: 'cpu', path: from.path }], []),
          stepOf({ kind: 'write', cgroup, file: 'cpu.shares', value: '2' }, [{ kind: 'value', cgroup, file: 'cpu.shares', value: '1024' }], []),
          stepOf({ kind: 'make', cgroup: { ...cgroup, directory: `${directory}/made` } }, [], []),
        ]) {
          const { code, stdout, stderr } = await run(planOf([step]));
          assert.deepEqual([code, stdout], [1, '']);
          assert.match(stderr, /^This host has no cgroups at \/\S+; nothing was done\.\n$/);
        }
      }
      assert.deepEqual([readFileSync(prey, 'utf8'), readFileSync(join(lure, 'cpu.shares'), 'utf8'), existsSync(join(lure, 'made'))], ['precious', '1024\n', false]);
    });

    it(`${shell}: run twice, the second time it stops at once and changes nothing`, async () => {
      const plan = planOf([move(0), move(1)]);
      assert.equal((await run(plan)).code, 0);
      from.addThread(threads.tids[1]!);
      const { code, stdout } = await run(plan);
      assert.equal(code, 1);
      assert.match(stdout, /^Step 1 of 2, .*: NOT DONE, it is not as it was read; found: \S+\/to\n$/);
      assert.deepEqual(places(), [to.path, from.path, from.path]);
    });

    it(`${shell}: refused by the kernel: says why, gives 1, and does no more`, async () => {
      const void_ = makeCgroup('cpuset', 'script', 'void').write('cpuset.cpus', '\n');
      const refused = moveStep(taskOf(threads.pid, threads.tids[1]), makeCgroup('cpuset', 'script'), void_);
      makeCgroup('cpuset', 'script').addThread(threads.tids[1]!);
      const { code, stdout } = await run(planOf([move(0), refused, move(2)]));
      assert.equal(code, 1);
      assert.match(stdout, /\nStep 2 of 3, .*: REFUSED: .*No space left on device\n/);
      assert.deepEqual(places(), [to.path, from.path, from.path]);
    });

    it(`${shell}: without root, without a tool: nothing is done, and it says why`, async () => {
      const plan = planOf([move(0), pinStep(taskOf(threads.pid, threads.tids[0]), '1')], { asRoot: true });
      assert.deepEqual(await run(plan, asNobody()), { code: 1, stdout: '', stderr: 'This needs root; nothing was done.\n' });
      const bare = planOf([move(0), stepOf({ kind: 'tool', argv: ['virsh-that-is-not-here', 'x'] }, [], [])]);
      const { code, stdout } = await run(bare);
      assert.deepEqual([code, stdout], [1, 'Step 2 of 2 cannot be done here: virsh-that-is-not-here is not here. Nothing was done.\n']);
      assert.deepEqual(places(), [from.path, from.path, from.path]);
    });

    it(`${shell}: a part of it does nothing`, async () => {
      const text = planScript(planOf([move(0), move(1)]));
      for (const part of [0.5, 0.9, 0.97]) {
        const { status } = spawnSync(required(shell), shell === 'busybox' ? ['sh'] : [], { input: text.slice(0, text.length * part), encoding: 'utf8' });
        assert.deepEqual(places(), [from.path, from.path, from.path], `${part}: ${status}`);
      }
    });
  }

  it('needs but a shell, awk and cat for moves and values', async () => {
    const through = withPrograms({ dash: 'dash', awk: 'mawk', cat: 'cat' });
    const { code, stdout, stderr } = await runScript(planScript(planOf([move(0), valueStep(to, 'cpu.shares', '700')])), { shell: 'dash', folder, through });
    assert.deepEqual([code, stderr], [0, ''], stdout);
    assert.deepEqual(places(), [to.path, from.path, from.path]);
  });
});
