import assert from 'node:assert/strict';
import type { HostModel, Machine, Thread } from '../../../src/core/model/hostModel';
import { machineSubtree } from '../../../src/core/model/subtree';
import { CpuSet, parseCpuList } from '../../../src/core/parse/cpuList';
import { makePlan } from '../../../src/core/plan/makePlan';
import type { Change, Plan, Planned } from '../../../src/core/plan/plan';
import { sentence } from '../../../src/core/plan/sentences';
import { type Changeable, type HostName, QEMU, SCOPE, machine, model, modelOf, statText } from '../fixtures';
import { replay } from '../starts';

const LIBVIRT = `${SCOPE}/libvirt`;

interface Case {
  readonly host?: HostName;
  readonly change?: (copy: Changeable) => void;
  readonly wanted: (found: Found) => readonly Change[];
  /** What it is refused for without expert mode. */
  readonly refused: string;
  /** What becomes of it in expert mode: refused as well, or a plan with this consent. */
  readonly expert: string | Plan['consent']['kind'];
}

class Found {
  constructor(
    readonly model: HostModel,
    readonly machine: Machine,
  ) {}

  vcpu(id: string): Thread {
    return this.machine.threads.find(({ role }) => role.kind === 'vcpu' && role.id === id)!;
  }

  get emulator(): Thread {
    return this.machine.threads[0]!;
  }
}

const pin = (thread: Thread, cpus: string): Change => ({ kind: 'pin', thread, cpus: parseCpuList(cpus)! });
const set = (file: string, value: string, path = `${LIBVIRT}/vcpu2`, hierarchy = '0::'): Change => ({ kind: 'set', hierarchy, path, file, value });
/** Replaces one field of a thread's stat. */
const stat = (tid: number, comm: string, fields: Record<number, number | string>) => (copy: Changeable) => void copy.files.set(`/proc/${QEMU}/task/${tid}/stat`, statText(tid, comm, fields));

const CASES: Readonly<Record<string, Case>> = {
  'a thread out of the machine\'s own subtree': { host: 'guest-hybrid', wanted: f => [{ kind: 'move', thread: f.vcpu('2'), hierarchy: 'cpu,cpuacct', to: '/machine.slice' }], refused: 'outside-subtree', expert: 'apply' },
  'a whole process to another v2 domain': { wanted: f => [{ kind: 'moveProcess', thread: f.emulator, hierarchy: '0::', to: '/machine.slice' }], refused: 'whole-process', expert: 'confirmed or planned' },
  'cgroup.kill': { wanted: () => [set('cgroup.kill', '1')], refused: 'file-never', expert: 'file-never' },
  'devices.deny': { host: 'guest-hybrid', wanted: () => [set('devices.deny', 'a', LIBVIRT, 'devices')], refused: 'file-never', expert: 'file-never' },
  'memory.max': { wanted: () => [set('memory.max', '1')], refused: 'file-never', expert: 'file-never' },
  'cgroup.procs as a file': { wanted: () => [set('cgroup.procs', '1')], refused: 'file-never', expert: 'file-never' },
  'cgroup.type as a file': { wanted: () => [set('cgroup.type', 'threaded')], refused: 'file-never', expert: 'file-never' },
  'cgroup.subtree_control as a file': { wanted: () => [set('cgroup.subtree_control', '+cpu')], refused: 'file-never', expert: 'file-never' },
  'a file name that leads elsewhere': { wanted: () => [set('../../cgroup.procs', '1')], refused: 'file-never', expert: 'file-never' },
  'two lines in one value': { wanted: () => [set('cpu.max', 'max\n1')], refused: 'value-lines', expert: 'value-lines' },
  'a value above the machine': { wanted: () => [set('cpu.max', '10000 100000', '/machine.slice')], refused: 'outside-subtree', expert: 'apply' },
  'a limit of a directory that may be others\' too': { host: 'host-v1-libvirt', change: copy => { for (const [name, text] of copy.files) if (/^\/proc\/\d+\/task\/\d+\/cgroup$/.test(name)) copy.files.set(name, text.replaceAll(/^(\d+:[^:]*:).*qemu-1-serial.*$/gm, '$1/jobs')); }, wanted: () => [set('cpu.shares', '5', '/jobs', 'cpu')], refused: 'may-be-shared', expert: 'apply' },
  'a cgroup above the machine': { wanted: () => [{ kind: 'make', hierarchy: '0::', path: '/mine' }], refused: 'outside-subtree', expert: 'apply' },
  'a pin outside the cpuset': { wanted: f => [pin(f.vcpu('2'), '1')], refused: 'pin-without-cpuset', expert: 'pin-without-cpuset' },
  'a pin partly outside the cpuset': { wanted: f => [pin(f.vcpu('2'), '0-1')], refused: 'pin-outside-cpuset', expert: 'pin-outside-cpuset' },
  'a pin to a CPU that is not there': { wanted: f => [pin(f.vcpu('2'), '0,7')], refused: 'pin-offline', expert: 'pin-offline' },
  'a pin to nothing': { wanted: f => [{ kind: 'pin', thread: f.vcpu('2'), cpus: CpuSet.empty }], refused: 'pin-empty', expert: 'pin-empty' },
  'a real-time policy on a CPU that is not isolated': { wanted: f => [{ kind: 'schedule', thread: f.vcpu('2'), policy: 'fifo', priority: 1, nice: 0 }], refused: 'realtime-not-isolated', expert: 'type' },
  'a real-time policy without a limit': {
    change: copy => {
      copy.files.set('/sys/devices/system/cpu/isolated', '0-1\n');
      copy.files.set('/proc/sys/kernel/sched_rt_runtime_us', '-1\n');
    },
    wanted: f => [{ kind: 'schedule', thread: f.vcpu('2'), policy: 'rr', priority: 1, nice: 0 }],
    refused: 'realtime-unlimited',
    expert: 'type',
  },
  'a priority without a real-time policy': { wanted: f => [{ kind: 'schedule', thread: f.vcpu('2'), policy: 'other', priority: 5, nice: 0 }], refused: 'priority-range', expert: 'priority-range' },
  'a real-time policy without a priority': { wanted: f => [{ kind: 'schedule', thread: f.vcpu('2'), policy: 'fifo', priority: 0, nice: 0 }], refused: 'priority-range', expert: 'priority-range' },
  'a nice value that there is not': { wanted: f => [{ kind: 'schedule', thread: f.emulator, policy: 'other', priority: 0, nice: 30 }], refused: 'nice-range', expert: 'nice-range' },
  'a file of v2 in v1': { host: 'guest-hybrid', wanted: () => [set('cpu.max', '60000 100000', `${LIBVIRT}/vcpu2`, 'cpu,cpuacct')], refused: 'no-such-file', expert: 'no-such-file' },
  'a file of v1 in v2': { wanted: () => [set('cpu.shares', '2048')], refused: 'no-such-file', expert: 'no-such-file' },
  deadline: { wanted: f => [{ kind: 'schedule', thread: f.vcpu('2'), policy: 'deadline', priority: 0, nice: 0 }], refused: 'policy-not-offered', expert: 'policy-not-offered' },
  'a thread that the kernel has bound': { change: stat(QEMU, 'qemu', { 9: 0x04000000, 22: 7 }), wanted: f => [pin(f.emulator, '0')], refused: 'thread-bound', expert: 'thread-bound' },
  'a machine that comes in by postcopy, before QEMU 9.1': { change: stat(523, 'postcopy/listen', { 22: 7 }), wanted: f => [pin(f.vcpu('1'), '1')], refused: 'machine-migrating', expert: 'machine-migrating' },
  'a machine that migrates': { change: stat(523, 'mig/src/main', { 22: 7 }), wanted: f => [pin(f.vcpu('1'), '1')], refused: 'machine-migrating', expert: 'machine-migrating' },
  'a name that cannot be a cgroup\'s': { wanted: () => [{ kind: 'make', hierarchy: '0::', path: `${LIBVIRT}/a\nb` }], refused: 'cgroup-unreachable', expert: 'cgroup-unreachable' },
  'a way out of the subtree by dots': { wanted: () => [{ kind: 'make', hierarchy: '0::', path: `${LIBVIRT}/../../x` }], refused: 'cgroup-unreachable', expert: 'cgroup-unreachable' },
  'a thread that is to be in two places': { wanted: f => ['emulator', 'vcpu1'].map(leaf => ({ kind: 'move', thread: f.vcpu('2'), hierarchy: '0::', to: `${LIBVIRT}/${leaf}` })), refused: 'said-twice', expert: 'said-twice' },
  'one pin and another': { wanted: f => [{ kind: 'pin', thread: f.vcpu('2'), cpus: 'all' }, pin(f.vcpu('2'), '0')], refused: 'said-twice', expert: 'said-twice' },
  'two values of one file': { wanted: () => [set('cpu.weight', '50'), set('cpu.weight', '60')], refused: 'said-twice', expert: 'said-twice' },
  'a quota in two ways': { wanted: () => [set('cpu.max', '10000 50000'), { kind: 'quota', hierarchy: '0::', path: `${LIBVIRT}/vcpu2`, to: { quota: 'max', period: 50_000 } }], refused: 'said-twice', expert: 'said-twice' },
  'a real-time policy on an isolated CPU, and away from it by the same plan': {
    change: copy => void copy.files.set('/sys/devices/system/cpu/isolated', '0\n'),
    wanted: f => [{ kind: 'schedule', thread: f.vcpu('2'), policy: 'fifo', priority: 1, nice: 0 }, { kind: 'pin', thread: f.vcpu('2'), cpus: 'all' }],
    refused: 'realtime-not-isolated',
    expert: 'type',
  },
  'what is that way already': { wanted: f => [{ kind: 'move', thread: f.vcpu('2'), hierarchy: '0::', to: `${LIBVIRT}/vcpu2` }], refused: 'nothing-to-do', expert: 'nothing-to-do' },
};

function outcomeOf(planned: Planned): string {
  return planned.plan ? planned.plan.consent.kind : planned.refusal.because.id;
}

describe('what a plan is refused for', () => {
  for (const [name, { host = 'guest-v2', change, wanted, refused, expert }] of Object.entries(CASES)) {
    it(name, async () => {
      const { model } = await modelOf(host, change);
      const found = new Found(model, machine(model, 'serial'));
      const planned = makePlan(model, found.machine, wanted(found), { expert: false });
      assert.equal(outcomeOf(planned), refused);
      assert.doesNotMatch(sentence(planned.refusal!.because), /\{\d\}|\?|"[a-z]+":/, 'a whole sentence, nothing missing');
      const asExpert = makePlan(model, found.machine, wanted(found), { expert: true });
      if (expert === 'confirmed or planned') assert.ok(asExpert.plan === undefined || asExpert.plan.warnings.length > 0);
      else assert.equal(outcomeOf(asExpert), expert);
    });
  }

  it('a pin partly outside the cpuset offers what is inside', async () => {
    const { model } = await modelOf('guest-v2');
    const found = new Found(model, machine(model, 'serial'));
    const { refusal } = makePlan(model, found.machine, [pin(found.vcpu('2'), '0-1')], { expert: false });
    const [offer] = refusal!.instead;
    const { plan } = makePlan(model, found.machine, offer!.changes, { expert: false });
    assert.deepEqual(plan?.steps.map(step => step.action.kind === 'affinity' && step.action.cpus), ['0']);
  });

  it('a move into a frozen cgroup asks for the machine\'s name, and the way back does not', async () => {
    const { model } = await modelOf('guest-v2', copy => void copy.files.set(`/sys/fs/cgroup${LIBVIRT}/vcpu1/cgroup.freeze`, '1\n'));
    const found = new Found(model, machine(model, 'serial'));
    const { plan } = makePlan(model, found.machine, [{ kind: 'move', thread: found.vcpu('2'), hierarchy: '0::', to: `${LIBVIRT}/vcpu1` }], { expert: false });
    assert.deepEqual(plan?.consent.kind === 'type' && [plan.consent.text, sentence(plan.consent.because)], ['serial', `${LIBVIRT}/vcpu1 is frozen: what is moved there stands still until it is thawed.`]);
    const back = makePlan(model, found.machine, [{ kind: 'move', thread: found.vcpu('1'), hierarchy: '0::', to: `${LIBVIRT}/vcpu2` }], { expert: false });
    assert.equal(back.plan?.consent.kind, 'apply');
  });

  it('a pin where the host has no tool for it', async () => {
    const { model } = await modelOf('guest-v2');
    const bare: HostModel = { ...model, collection: { ...model.collection, tools: [] } };
    const found = new Found(bare, machine(bare, 'serial'));
    assert.equal(makePlan(bare, found.machine, [pin(found.vcpu('2'), '0')], { expert: true }).refusal?.because.id, 'no-affinity-tool');
    const one: HostModel = { ...model, collection: { ...model.collection, tools: ['perl'] } };
    assert.ok(makePlan(one, found.machine, [pin(found.vcpu('2'), '0')], { expert: true }).plan);
  });

  it('a cgroup straight below a unit\'s own: the unit\'s would become the root of a threaded domain', async () => {
    const { model } = await modelOf('guest-v2', copy => {
      // As with libvirt before 7.1, and nothing threaded there yet.
      for (const file of [...copy.files.keys()].filter(name => name.includes(`${SCOPE}/libvirt`))) copy.files.delete(file);
      for (const directory of [...copy.directories].filter(name => name.includes(`${SCOPE}/libvirt`))) copy.directories.delete(directory);
      copy.files.set(`/sys/fs/cgroup${SCOPE}/cgroup.subtree_control`, 'cpuset cpu\n'); // domain controllers would forbid it by themselves
      for (const [name, text] of copy.files) if (/^\/proc\/\d+\/task\/\d+\/cgroup$/.test(name)) copy.files.set(name, text.replaceAll(/(\.scope)\/libvirt\/.*/g, '$1'));
    });
    const serial = machine(model, 'serial');
    assert.equal(makePlan(model, serial, [{ kind: 'make', hierarchy: '0::', path: `${SCOPE}/mine` }], { expert: true }).refusal?.because.id, 'unit-becomes');
  });

  it('a unit\'s own cgroup that threads can only be in if it is made threaded', async () => {
    const { model } = await modelOf('guest-v2', copy => void copy.files.set(`/sys/fs/cgroup${SCOPE}/cgroup.type`, 'domain invalid\n'));
    const found = new Found(model, machine(model, 'serial'));
    const { refusal } = makePlan(model, found.machine, [{ kind: 'move', thread: found.vcpu('2'), hierarchy: '0::', to: SCOPE }], { expert: true });
    assert.ok(refusal, 'there is a plan');
    assert.ok(['unit-of-systemd', 'populated', 'domain-controllers'].includes(refusal.because.id), refusal.because.id);
  });

  it('a machine that migrates, when only an interface file of its own is written', async () => {
    const { model } = await modelOf('guest-v2', stat(523, 'mig/src/main', { 22: 7 }));
    assert.equal(makePlan(model, undefined, [set('cpu.weight', '50')], { expert: false }).refusal?.because.id, 'machine-migrating');
  });

  for (const asked of ['no machine', 'the other machine'] as const) {
    it(`a thread into another machine's cgroups, asked for ${asked}`, async () => {
      const { model } = await modelOf('host-v1-libvirt');
      const [one, other] = [machine(model, 'serial'), machine(model, 'kvmdemo')];
      const thread = one.threads[0]!;
      const [hierarchy, place] = [...other.threads[0]!.membership.places].find(([key, { path }]) => machineSubtree(model, other, key) !== undefined && thread.membership.places.get(key)?.path !== path)!;
      const planned = makePlan(model, asked === 'no machine' ? undefined : other, [{ kind: 'move', thread, hierarchy, to: place.path }], { expert: false });
      assert.equal(planned.refusal?.because.id, 'outside-subtree');
    });
  }

  it('a machine that starts is left alone', async () => {
    const { model } = await modelOf('guest-v2');
    const serial = machine(model, 'serial');
    const starting: Machine = { ...serial, state: 'starting' };
    assert.equal(makePlan(model, starting, [pin(serial.threads[0]!, '0')], { expert: true }).refusal?.because.id, 'machine-starting');
  });

  it('a machine that runs and is not placed yet: a plan, and a warning for each thread that libvirt has still to move', async () => {
    const moments = await replay('guest-hybrid', { next: false });
    const warned = async (host: HostModel): Promise<string[]> => {
      const serial = machine(host, 'serial');
      const changes = serial.threads.slice(1).map((thread): Change => ({ kind: 'move', thread, hierarchy: 'cpu,cpuacct', to: LIBVIRT }));
      const { plan, refusal } = makePlan(host, serial, changes, { expert: false });
      assert.ok(plan, refusal?.because.id);
      return plan.warnings.filter(({ because }) => because.id === 'thread-waits').map(({ because }) => sentence(because));
    };
    const all = await warned((await model(moments.find(({ moment }) => moment.ms === 4919.89)!.raw)).model);
    assert.deepEqual(all.map(text => text.split(' has ')[0]), ['vCPU 0 (TID 458)', 'vCPU 1 (TID 459)', 'vCPU 2 (TID 460)', 'vCPU 3 (TID 461)', 'I/O thread iothread1 (TID 455)', 'I/O thread iothread2 (TID 456)']);
    assert.match(all[0]!, / has no place of its own yet: the machine is starting, and when QEMU has answered libvirt moves it to its group and pins it\.$/);
    assert.deepEqual(await warned((await model(moments.at(-1)!.raw)).model), []);
  });

  it('a thread whose TID is another task by now', async () => {
    const { model } = await modelOf('guest-v2');
    const serial = machine(model, 'serial');
    const old: Thread = { ...serial.threads[1]!, key: `${serial.threads[1]!.tid}:1` };
    assert.equal(makePlan(model, serial, [pin(old, '0')], { expert: false }).refusal?.because.id, 'thread-gone');
  });
});

describe('what needs more than a click', () => {
  it('a whole process to elsewhere says what it loses, and with which unit it is stopped then', async () => {
    const { model } = await modelOf('guest-hybrid');
    const serial = machine(model, 'serial');
    const { plan, refusal } = makePlan(model, serial, [{ kind: 'moveProcess', thread: serial.threads[0]!, hierarchy: 'memory', to: '/machine.slice' }], { expert: true });
    assert.ok(plan, refusal?.because.id);
    const lost = plan.warnings.map(({ because }) => because).find(({ id }) => id === 'whole-process-loses');
    assert.match(lost ? sentence(lost) : '', /memory and io limits, its device rules .* It is stopped with machine\.slice then, and not with machine-qemu\\x2d1\\x2dserial\.scope any more\.$/);
  });


  it('guest memory that would be copied is confirmed alone, with its size', async () => {
    const { model } = await modelOf('numa-isolated');
    const [vm] = model.machines;
    const leader = vm!.threads[0]!;
    const [hierarchy, place] = [...leader.membership.places].find(([, { cgroup }]) => cgroup?.mems !== undefined)!;
    const nodes = [...model.topology.nodes.keys()];
    assert.ok(nodes.length > 1);
    const mems: Change = { kind: 'set', hierarchy, path: place.path, file: 'cpuset.mems', value: String(nodes.at(-1)) };
    const planned = makePlan(model, vm, [mems], { expert: false });
    assert.equal(planned.plan?.consent.kind, 'alone', planned.refusal?.because.id);
    assert.match(planned.plan.consent.kind === 'alone' ? sentence(planned.plan.consent.because) : '', /^The memory of serial \(\d+ MiB resident\) may be copied from NUMA node 0 to 1:/);
    const together = makePlan(model, vm, [mems, pin(vm!.threads[1]!, vm!.threads[1]!.cpusAllowed!.toString())], { expert: false });
    assert.equal(together.refusal?.because.id, 'confirmed-alone');
    assert.equal(together.refusal.instead.length, 2);
  });

  it('a leader that is moved to other nodes takes the memory along; another thread does not', async () => {
    const { model } = await modelOf('numa-isolated');
    const found = new Found(model, machine(model, 'serial'));
    const consentOf = (thread: Thread, to: string): string | undefined => makePlan(model, found.machine, [{ kind: 'move', thread, hierarchy: '0::', to: `${LIBVIRT}/${to}` }], { expert: false }).plan?.consent.kind;
    assert.equal(consentOf(found.emulator, 'vcpu0'), 'alone');
    assert.equal(consentOf(found.emulator, 'iothread1'), 'apply');
    assert.equal(consentOf(found.vcpu('0'), 'iothread1'), 'apply');
  });

  it('other nodes for a cgroup with one vCPU alone: the memory is that of its whole process', async () => {
    const { model } = await modelOf('numa-isolated');
    const vm = machine(model, 'serial');
    const consentOf = (path: string): string | undefined => makePlan(model, vm, [set('cpuset.mems', '0-1', path)], { expert: false }).plan?.consent.kind;
    assert.equal(consentOf(`${LIBVIRT}/vcpu1`), 'alone');
  });

  it('so it is where a thread is that is not the leader: it takes the memory of its process along', async () => {
    const { model } = await modelOf('guest-v2', copy => void copy.files.set(`/sys/fs/cgroup${LIBVIRT}/vcpu2/cpuset.mems.effective`, '0-1\n'));
    const serial = machine(model, 'serial');
    const { plan, refusal } = makePlan(model, serial, [set('cpuset.mems', '0')], { expert: false });
    assert.equal(plan?.consent.kind, 'alone', refusal?.because.id);
  });

  it('what is asked twice is done once', async () => {
    const { model } = await modelOf('guest-v2');
    const serial = machine(model, 'serial');
    assert.equal(makePlan(model, serial, [set('cpu.weight', '50'), set('cpu.weight', '50')], { expert: false }).plan?.steps.length, 1);
  });

  for (const [file, value] of [['cgroup.freeze', '1'], ['cpuset.cpus.partition', 'isolated']] as const) {
    it(`${file} after the machine's name was typed`, async () => {
      const { model } = await modelOf('guest-v2');
      const { plan } = makePlan(model, machine(model, 'serial'), [set(file, value)], { expert: false });
      assert.deepEqual(plan && { kind: plan.consent.kind, text: plan.consent.kind === 'type' && plan.consent.text }, { kind: 'type', text: 'serial' });
    });
  }
});
