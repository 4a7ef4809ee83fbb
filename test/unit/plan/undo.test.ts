import assert from 'node:assert/strict';
import type { Action } from '../../../src/core/cgroup/action';
import type { Applied } from '../../../src/core/plan/applied';
import type { HostModel } from '../../../src/core/model/hostModel';
import { makePlan } from '../../../src/core/plan/makePlan';
import type { Change, Plan, Planned } from '../../../src/core/plan/plan';
import { sentence } from '../../../src/core/plan/sentences';
import { undoPlan } from '../../../src/core/plan/undo';
import { type Changeable, QEMU, SCOPE, machine, modelOf, statText } from '../fixtures';

const VCPU2 = `${SCOPE}/libvirt/vcpu2`;

async function planned(change: Change): Promise<Plan> {
  const { model } = await modelOf('guest-v2');
  const { plan } = makePlan(model, machine(model, 'serial'), [change], { expert: false });
  assert.ok(plan);
  return plan;
}

/** The way back of a plan that was done, on a host that is as `since` makes it. */
async function undone(plan: Plan, since: (copy: Changeable) => void): Promise<Planned> {
  const applied: Applied = { steps: plan.steps.map(() => ({ state: 'done', errno: undefined, found: undefined, said: undefined })), complete: true, remarks: [] };
  return undoPlan(plan, applied, (await modelOf('guest-v2', since)).model);
}

const file = (name: string, text: string) => (copy: Changeable) => void copy.files.set(`/sys/fs/cgroup${VCPU2}/${name}`, `${text}\n`);

describe('undo', () => {
  const quota: Change = { kind: 'quota', hierarchy: '0::', path: VCPU2, to: { quota: 40_000, period: 100_000 } };

  it('writes what was there before', async () => {
    const { plan } = await undone(await planned(quota), file('cpu.max', '40000 100000'));
    assert.deepEqual(plan?.steps.map(({ action }) => action.kind === 'write' && [action.file, action.value]), [['cpu.max', (await planned(quota)).steps[0]!.before]]);
  });

  for (const now of ['20000 100000', '40000 200000']) {
    it(`leaves alone what somebody has changed since: ${now}`, async () => {
      assert.equal((await undone(await planned(quota), file('cpu.max', now))).refusal?.because.details['why'], 'written-since');
    });
  }

  it('knows a value in the kernel\'s own spelling', async () => {
    const plan = await planned({ kind: 'set', hierarchy: '0::', path: VCPU2, file: 'cpu.max', value: '30000' });
    assert.ok((await undone(plan, file('cpu.max', '30000 100000'))).plan);
  });

  it('waits while a machine migrates', async () => {
    const { refusal } = await undone(await planned(quota), copy => {
      file('cpu.max', '40000 100000')(copy);
      copy.files.set(`/proc/${QEMU}/task/523/stat`, statText(523, 'mig/src/main', { 22: 7 }));
    });
    assert.equal(refusal?.because.id, 'machine-migrating');
  });

  it('says that the machine was started anew; of its threads nothing is left', async () => {
    const anew = (copy: Changeable): void => {
      file('cpu.max', '40000 100000')(copy);
      for (const [path] of copy.files) if (path.startsWith(`/proc/${QEMU}/task/`) && path.endsWith('/stat')) copy.files.set(path, copy.files.get(path)!.replace(/(?<=\) (\S+ ){19})\d+/, '7'));
    };
    const ids = (of: Planned): unknown => (of.plan ? of.plan.warnings.map(({ because }) => because.id) : of.refusal.because.details['why']);
    assert.deepEqual(ids(await undone(await planned(quota), anew)), ['machine-since']);
    assert.deepEqual(ids(await undone(await planned(quota), file('cpu.max', '40000 100000'))), []);
    const { model } = await modelOf('guest-v2');
    const [first] = machine(model, 'serial').threads;
    assert.equal(ids(await undone(await planned({ kind: 'schedule', thread: first!, policy: 'batch', priority: 0, nice: 0 }), anew)), 'thread-gone');
  });

  it('a step without a way back stays, and is named; the others go back', async () => {
    const { model } = await modelOf('guest-v2');
    const serial = machine(model, 'serial');
    const vcpus = serial.threads.filter(({ role }) => role.kind === 'vcpu').slice(0, 3);
    const to = `${SCOPE}/libvirt/emulator`;
    const { plan } = makePlan(model, serial, vcpus.map((one): Change => ({ kind: 'move', thread: one, hierarchy: '0::', to })), { expert: false });
    const moved = (copy: Changeable): void => vcpus.forEach(({ tid }) => copy.files.set(`/proc/${QEMU}/task/${tid}/cgroup`, `0::${to}\n`));
    /** The host after that, without these groups. */
    const without = async (...gone: readonly string[]): Promise<HostModel> => {
      const later = (await modelOf('guest-v2', moved)).model;
      return { ...later, hierarchies: later.hierarchies.map(one => ({ ...one, walked: [SCOPE], cgroups: new Map([...one.cgroups].filter(([path]) => !gone.some(name => path === `${SCOPE}/libvirt/${name}`))) })) };
    };
    const applied: Applied = { steps: plan!.steps.map(() => ({ state: 'done', errno: undefined, found: undefined, said: undefined })), complete: true, remarks: [] };
    const some = undoPlan(plan!, applied, await without('vcpu0'));
    assert.deepEqual(some.plan?.steps.map(({ action }) => action.kind === 'move' && action.to.path), [VCPU2, `${SCOPE}/libvirt/vcpu1`]);
    assert.match(some.plan!.warnings.map(({ because }) => sentence(because)).join('\n'), /^TID 528 \(CPU 0\/TCG\) stays as it is: there is no cgroup .*vcpu0, or it is gone\./);
    assert.equal(undoPlan(plan!, applied, await without('vcpu0', 'vcpu1', 'vcpu2')).refusal?.because.id, 'cgroup-gone');
  });

  for (const [what, cgroup, id] of [
    ['another directory', { hierarchy: '0::', path: VCPU2, directory: '/tmp/evil' }, 'other-directory'],
    ['a directory that leads out', { hierarchy: '0::', path: `${VCPU2}/../x`, directory: `/sys/fs/cgroup${VCPU2}/../x` }, 'cgroup-unreachable'],
    ['a hierarchy that is not here', { hierarchy: 'cpu', path: VCPU2, directory: `/sys/fs/cgroup${VCPU2}` }, 'cgroup-unreachable'],
  ] as const) {
    it(`writes nothing where the history names ${what}`, async () => {
      const plan = await planned(quota);
      const way: Action = { kind: 'write', cgroup, file: 'pids.max', value: 'x' };
      const touched = { ...plan, steps: plan.steps.map(step => ({ ...step, undo: { ...step.undo, actions: [way] } })) };
      assert.equal((await undone(touched, file('cpu.max', '40000 100000'))).refusal?.because.id, id);
    });
  }
});
