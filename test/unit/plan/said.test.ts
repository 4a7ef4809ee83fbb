import assert from 'node:assert/strict';
import type { Action } from '../../../src/core/cgroup/action';
import type { Outcome } from '../../../src/core/cgroup/outcome';
import type { Change, Plan } from '../../../src/core/plan/plan';
import { makePlan } from '../../../src/core/plan/makePlan';
import { printPlan } from '../../../src/core/plan/print';
import { sentence } from '../../../src/core/plan/sentences';
import { undoPlan } from '../../../src/core/plan/undo';
import { type Changeable, type HostName, SCOPE, machine, modelOf } from '../fixtures';

const LIBVIRT = `${SCOPE}/libvirt`;
const DIRECTORY = `/sys/fs/cgroup${LIBVIRT}`;
const set = (file: string, value: string, path = `${LIBVIRT}/vcpu2`, hierarchy = '0::'): Change => ({ kind: 'set', hierarchy, path, file, value });
const file = (name: string, text: string) => (copy: Changeable) => void copy.files.set(`${DIRECTORY}/${name}`, text);

async function planned(change: Change, host: HostName = 'guest-v2'): Promise<Plan> {
  const { model } = await modelOf(host);
  const { plan, refusal } = makePlan(model, machine(model, 'serial'), [change], { expert: false });
  assert.ok(plan, refusal?.because.id);
  return plan;
}

/** What takes a plan back on a host that is as `change` makes it. */
async function undone(plan: Plan, change?: (copy: Changeable) => void, found?: string) {
  const { model } = await modelOf('guest-v2', change);
  return undoPlan(plan, { steps: plan.steps.map(() => ({ state: 'done' as const, errno: undefined, found, said: undefined })), complete: true, remarks: [] }, model);
}

describe('the way back of a value', () => {
  it('a partition can be given up again', async () => {
    const plan = await planned(set('cpuset.cpus.partition', 'root'));
    assert.deepEqual(plan.steps.map(({ undo }) => [undo.kind, undo.actions.map(action => action.kind === 'write' && action.value)]), [['exact', ['member']]]);
    assert.deepEqual(plan.warnings.map(({ because }) => because.id), ['libvirt-writes-again']);
  });

  it('thawing says that it thaws, and asks for the name', async () => {
    const plan = await planned(set('cgroup.freeze', '1', LIBVIRT));
    assert.match(plan.consent.kind === 'type' ? sentence(plan.consent.because) : '', /^cgroup\.freeze = 1 in .* the guest stands still/);
    const back = (await undone(plan, file('cgroup.freeze', '1\n'))).plan;
    assert.equal(back?.consent.kind, 'type');
    assert.match(back?.consent.kind === 'type' ? sentence(back.consent.because) : '', /^cgroup\.freeze = 0 in .* lets run again/);
  });
});

describe('the way back of a policy', () => {
  it('a real-time policy is taken away without its warning', async () => {
    const { model } = await modelOf('guest-v2');
    const serial = machine(model, 'serial');
    const thread = serial.threads.find(({ role }) => role.kind === 'vcpu')!;
    const { plan } = makePlan(model, serial, [{ kind: 'schedule', thread, policy: 'fifo', priority: 1, nice: 0 }], { expert: true });
    assert.equal(plan?.consent.kind, 'type');
    const stat = `/proc/${thread.pid}/task/${thread.tid}/stat`;
    const realTime = (copy: Changeable): void => {
      const [name, rest] = copy.files.get(stat)!.split(/(?<=\)) /);
      const fields = rest!.split(' ');
      fields[40 - 3] = '1'; // rt_priority
      fields[41 - 3] = '1'; // SCHED_FIFO
      copy.files.set(stat, `${name} ${fields.join(' ')}`);
    };
    const back = (await undone(plan!, realTime)).plan;
    assert.deepEqual([back?.consent, back?.steps.length], [{ kind: 'apply' }, 1]);
  });
});

describe('a plan as a text', () => {
  it('what the host changed meanwhile stands apart from the warnings', async () => {
    const plan = await planned(set('cpu.max', '60000 100000'));
    const text = printPlan({ ...plan, warnings: [{ because: { id: 'edited-thread-gone', details: { tid: 7 } } }, ...plan.warnings] });
    assert.match(text, /\nnot part of this plan: the host changed meanwhile\n {2}TID 7 is gone[^\n]*\n\nwarnings\n {2}S\/vcpu2/);
  });

  it('what libvirt sets for all vCPUs is not said to be for one', async () => {
    const plan = await planned(set('cpu.cfs_quota_us', '60000', `${LIBVIRT}/vcpu2`, 'cpu,cpuacct'), 'guest-hybrid');
    assert.match(printPlan(plan), /\n {2}virsh \S+ \S+ schedinfo --domain serial --live --set vcpu_quota=60000\n {2}It sets the same for every vCPU of the machine, not for this one alone\.\n/);
    assert.deepEqual(plan.ownersWay?.warnings.map(({ because }) => because.id), ['owners-tool', 'owners-tool-all']);
    const emulator = await planned(set('cpu.cfs_quota_us', '60000', `${LIBVIRT}/emulator`, 'cpu,cpuacct'), 'guest-hybrid');
    assert.doesNotMatch(printPlan(emulator), /for every/);
  });

  it('what has no errno is told in the words of who refused it', async () => {
    const plan = await planned(set('cpu.max', '60000 100000'));
    const text = (errno: 'EUNKNOWN' | 'EBUSY', said: string) => printPlan(plan, { steps: [{ state: 'refused', errno, found: undefined, said }], complete: true, remarks: [] });
    assert.match(text('EUNKNOWN', 'virsh is not here'), /\n {3}result {4}refused: virsh is not here\n/);
    assert.match(text('EBUSY', ''), /\n {3}result {4}refused with EBUSY\n/);
  });

  it('nothing in it is obeyed by a terminal, whatever a history had', async () => {
    const plan = await planned(set('cpu.max', '60000 100000'));
    const [step] = plan.steps;
    const task = { tid: 1, pid: 1, startTime: 1, comm: 'x' };
    const actions: readonly Action[] = [{ kind: 'affinity', task, cpus: '\u001b[8m' }, { kind: 'scheduling', task, policy: '\u001b[8m' as 'fifo', priority: 1, nice: 0 }];
    const outcome: Outcome = { errno: undefined, because: undefined, effects: [{ kind: 'allowed', tid: 2, cpus: '\u001b[8m' }, { kind: 'type', hierarchy: '0::', path: '/', type: '\u001b[8m' as 'domain' }] };
    const text = printPlan({ ...plan, title: 'a\u001b[8m\nb', steps: actions.map(action => ({ ...step!, action, outcomes: [outcome] })) });
    assert.ok(text.startsWith(String.raw`a\u{1b}[8m\nb`), text);
    assert.doesNotMatch(text, /\u001b/);
  });

  it('S is what the others are in, where a thread comes from elsewhere', async () => {
    const { model } = await modelOf('guest-v2');
    const serial = machine(model, 'serial');
    const vcpus = serial.threads.filter(({ role }) => role.kind === 'vcpu').slice(0, 2);
    const { plan } = makePlan(model, serial, vcpus.map((thread): Change => ({ kind: 'move', thread, hierarchy: '0::', to: `${LIBVIRT}/emulator` })), { expert: false });
    const [first, ...rest] = plan!.steps;
    const action = { ...first!.action, from: '/' } as Plan['steps'][number]['action'];
    const lines = printPlan({ ...plan!, steps: [{ ...first!, action }, ...rest] }).split('\n');
    assert.ok(lines.includes(`S = ${LIBVIRT}`), lines.join('\n'));
    assert.deepEqual(lines.filter(line => line.includes('→')), ['   0::   /  →  S/emulator', '   0::   S/vcpu1  →  S/emulator']);
  });
});
