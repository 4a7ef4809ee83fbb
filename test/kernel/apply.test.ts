import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import type { TaskRef } from '../../src/core/cgroup/action';
import type { Step } from '../../src/core/plan/plan';
import { makeCgroup, notYet } from './support/cgroups';
import { cleanUp } from './support/cleanUp';
import { applied, apply, applyThrough, inWords, makeStep, moveStep, pinStep, placeOf, planOf, refOf, removeStep, scheduleStep, schedulingOf, stepOf, taskOf, undoOf, valueStep } from './support/plans';
import { type PlacedQemu, placedQemu } from './support/placedQemu';
import { affinityOf, run, tidsOf } from './support/readers';
import { SHELLS, shellFolder } from './support/tools';

describe('a plan on real QEMU threads', () => {
  let placed: PlacedQemu;
  let vcpu: TaskRef;
  before(async () => {
    placed = await placedQemu('apply');
    run('chrt', '--other', '-p', '0', String(placed.vcpus['1'])); // real-time tasks may not go everywhere
    vcpu = taskOf(placed.qemu.pid, placed.vcpus['0']!);
  });
  after(cleanUp);

  /** Done, read back by the independent reader, undone, read back. */
  async function thereAndBack(steps: readonly Step[], read: () => unknown, after: unknown): Promise<void> {
    const before = read();
    assert.notDeepEqual(before, after, 'nothing would change');
    await applied(planOf(steps));
    assert.deepEqual(read(), after);
    await applied(undoOf(steps));
    assert.deepEqual(read(), before);
  }

  for (const key of ['cpu', 'cpuset', '0::'] as const) {
    const name = key === '0::' ? 'v2, threaded' : `v1 ${key}`;

    it(`${name}: one thread is moved, and no other`, async () => {
      const [from, to] = [placed.places.get(vcpu.tid)![key], placed.places.get(placed.vcpus['1']!)![key]];
      const others = (): unknown => tidsOf(vcpu.pid).filter(tid => tid !== vcpu.tid).map(tid => placeOf(taskOf(vcpu.pid, tid), key));
      const before = others();
      await thereAndBack([moveStep(vcpu, from, to)], () => placeOf(vcpu, key), to.path);
      assert.deepEqual(others(), before);
    });

    it(`${name}: a whole process is moved`, async () => {
      const { pid } = placed.qemu;
      const to = makeCgroup(key, 'elsewhere');
      const places = (): unknown => tidsOf(pid).map(tid => placeOf(taskOf(pid, tid), key));
      const [from] = [placed.own[key]];
      await applied(planOf([moveStep(taskOf(pid), from, to, true)]));
      assert.deepEqual(places(), tidsOf(pid).map(() => to.path));
      await applied(planOf([moveStep(taskOf(pid), to, from, true)]));
      const back = [...placed.places].map(([tid, there]) => moveStep(taskOf(pid, tid), from, there[key]));
      const done = await applied(planOf(back));
      assert.deepEqual(done.map(({ found }) => found), [...placed.places.values()].map(there => there[key].path));
    });
  }

  it('many threads in all hierarchies at once, each read back', async () => {
    const steps = [...placed.places].flatMap(([tid, there]) => (['cpu', 'cpuset', '0::'] as const).map(key => moveStep(taskOf(vcpu.pid, tid), there[key], placed.places.get(placed.vcpus['2']!)![key])).filter(step => step.action.kind === 'move' && step.action.from !== step.action.to.path));
    const read = (): unknown => steps.map(({ action }) => (action.kind === 'move' ? placeOf(action.task, action.to.hierarchy) : undefined));
    await thereAndBack(steps, read, steps.map(({ action }) => (action.kind === 'move' ? action.to.path : undefined)));
  });

  it('a thread that one plan moves twice: each step says where its own move took it', async () => {
    const [a, b] = [placed.places.get(vcpu.tid)!.cpu, placed.places.get(placed.vcpus['1']!)!.cpu];
    const done = await applied(planOf([moveStep(vcpu, a, b), moveStep(vcpu, b, a)]));
    assert.deepEqual(done.map(({ found }) => found), [b.path, a.path]);
  });

  it('affinity', async () => {
    const task = taskOf(vcpu.pid, placed.qemu.pid);
    await thereAndBack([pinStep(task, '1')], () => affinityOf(task.tid), [1]);
  });

  it('scheduling: policy, priority, nice', async () => {
    const task = taskOf(vcpu.pid);
    await thereAndBack([scheduleStep(task, 'batch', 0, 5)], () => schedulingOf(task), { policy: 'batch', priority: 0, nice: 5 });
    await thereAndBack([scheduleStep(task, 'idle', 0, 0)], () => schedulingOf(task), { policy: 'idle', priority: 0, nice: 0 });
    const rt = taskOf(vcpu.pid, placed.vcpus['1']!);
    await thereAndBack([scheduleStep(rt, 'rr', 4, 0)], () => schedulingOf(rt), { policy: 'rr', priority: 4, nice: 0 });
  });

  it('an interface file, and what the kernel made of the value', async () => {
    const { cpu } = placed.places.get(vcpu.tid)!;
    await thereAndBack([valueStep(cpu, 'cpu.shares', '512')], () => cpu.read('cpu.shares'), '512');
    const step = valueStep(cpu, 'cpu.shares', '1');
    const done = await applied(planOf([step]));
    assert.equal(done[0]!.found, '2', 'clamped');
    await applied(undoOf([step]));
  });

  it('an empty value is written too: of a cpuset that nobody is in', async () => {
    const cpuset = makeCgroup('cpuset', 'nobody');
    await thereAndBack([valueStep(cpuset, 'cpuset.cpus', '')], () => cpuset.read('cpuset.cpus'), '');
  });

  it('quota and period in the order that works', async () => {
    const { cpu } = placed.places.get(vcpu.tid)!;
    const steps = [valueStep(cpu, 'cpu.cfs_quota_us', '20000'), valueStep(cpu, 'cpu.cfs_period_us', '50000')];
    await thereAndBack(steps, () => [cpu.read('cpu.cfs_quota_us'), cpu.read('cpu.cfs_period_us')], ['20000', '50000']);
    const { steps: results } = await apply(planOf([valueStep(cpu, 'cpu.cfs_quota_us', '90000'), valueStep(cpu, 'cpu.cfs_period_us', '500000')]));
    assert.deepEqual(results.map(inWords), ['refused EINVAL', 'not done']);
  });

  it('a cgroup is made, filled and used; undone, it is gone (v1 cpuset)', async () => {
    const { cpuset } = placed.own;
    const fresh = notYet(cpuset, 'fresh');
    const write = (file: string, value: string): Step => stepOf({ kind: 'write', cgroup: { hierarchy: 'cpuset', path: fresh.path, directory: String(fresh.directory) }, file, value }, [], []);
    const from = placed.places.get(vcpu.tid)!.cpuset;
    await thereAndBack([makeStep(fresh), write('cpuset.cpus', '0-1'), write('cpuset.mems', '0'), moveStep(vcpu, from, fresh)], () => [existsSync(fresh.directory), placeOf(vcpu, 'cpuset')], [true, fresh.path]);
  });

  it('a cgroup is made, threaded and used; undone, it is gone (v2)', async () => {
    const own = placed.own['0::'];
    const fresh = notYet(own, 'fresh');
    const threaded = stepOf({ kind: 'write', cgroup: { hierarchy: '0::', path: fresh.path, directory: String(fresh.directory) }, file: 'cgroup.type', value: 'threaded' }, [], []);
    const from = placed.places.get(vcpu.tid)!['0::'];
    await thereAndBack([makeStep(fresh), threaded, moveStep(vcpu, from, fresh)], () => [existsSync(fresh.directory), placeOf(vcpu, '0::')], [true, fresh.path]);
  });

  it('a cgroup is removed, and made again', async () => {
    const empty = makeCgroup('cpu', 'empty');
    await thereAndBack([removeStep(empty)], () => existsSync(empty.directory), false);
  });

  it('a tool of the owner is run by its arguments, and what it says is told', async () => {
    const odd = 'a b; $(id) \'"`\n*';
    const { steps } = await apply(planOf([stepOf({ kind: 'tool', argv: ['printf', '%s|', odd, '-n'] }, [], []), stepOf({ kind: 'tool', argv: ['sh', '-c', 'echo no; exit 3'] }, [], []), stepOf({ kind: 'tool', argv: ['true'] }, [], [])]));
    assert.deepEqual(steps.map(({ state, said }) => [state, said]), [['done', `${odd}|-n|`], ['refused', 'no'], ['not done', undefined]]);
  });

  for (const [what, refused, errno] of [
    ['v1, a cpuset without CPUs', (): Step => moveStep(vcpu, placed.places.get(vcpu.tid)!.cpuset, makeCgroup('cpuset', 'void').write('cpuset.cpus', '\n')), 'ENOSPC'],
    ['v2, a thread into another domain', (): Step => moveStep(vcpu, placed.places.get(vcpu.tid)!['0::'], makeCgroup('0::', 'domain')), 'EOPNOTSUPP'],
    ['v2, a cgroup below a threaded one that is not', (): Step => moveStep(vcpu, placed.places.get(vcpu.tid)!['0::'], makeCgroup('0::', 'apply', 'vcpu0', 'invalid')), 'EOPNOTSUPP'],
    ['CPUs that are not in the cpuset', (): Step => pinStep(vcpu, '1'), 'EINVAL'],
    ['a value that makes no sense', (): Step => valueStep(placed.own.cpuset, 'cpuset.cpus', 'x'), 'EINVAL'],
    ['CPUs beyond the parent', (): Step => valueStep(placed.places.get(vcpu.tid)!.cpuset, 'cpuset.cpus', '1-9999'), 'ERANGE'],
    ['a file that cannot be written', (): Step => stepOf({ kind: 'write', cgroup: refOf(placed.own.cpu), file: 'cpu.stat', value: '1' }, [], []), 'EACCES|EINVAL'],
    ['a cgroup that holds tasks is not removed', (): Step => removeStep(placed.places.get(vcpu.tid)!.cpu), 'EBUSY'],
    ['a cgroup that is there already is not made', (): Step => stepOf({ kind: 'make', cgroup: refOf(placed.own.cpu) }, [], []), 'EEXIST'],
    ['a priority that there is not', (): Step => scheduleStep(vcpu, 'fifo', 100, 0), 'EINVAL|EUNKNOWN.*'],
    ['a target that is gone', (): Step => moveStep(vcpu, placed.places.get(vcpu.tid)!.cpu, notYet(placed.own.cpu, 'gone')), 'ENOENT'],
    ['a folder that is no cgroup', (): Step => stepOf({ kind: 'make', cgroup: { hierarchy: 'cpu', path: '/x', directory: '/tmp/cgroup-lens-none' } }, [], []), 'ENOENT'],
  ] as const) {
    for (const shell of SHELLS) {
      it(`refused in ${shell}: ${what}`, async () => {
        const step = refused();
        const read = (): unknown => [placeOf(vcpu, 'cpu'), placeOf(vcpu, 'cpuset'), placeOf(vcpu, '0::'), affinityOf(vcpu.tid), schedulingOf(vcpu)];
        const before = read();
        const { steps, remarks } = await applyIn(shell, [valueStep(placed.own.cpu, 'cpu.shares', '1234'), step, valueStep(placed.own.cpu, 'cpu.shares', '77')]);
        assert.match(steps.map(inWords).join(), new RegExp(`^done,refused (${errno}),not done$`));
        assert.deepEqual([read(), remarks], [before, []]);
        placed.own.cpu.write('cpu.shares', 2048);
      });
    }
  }
});

function applyIn(shell: (typeof SHELLS)[number], steps: readonly Step[]): ReturnType<typeof apply> {
  return applyThrough(['env', `PATH=${shellFolder(shell)}:${process.env['PATH']}`], planOf(steps));
}
