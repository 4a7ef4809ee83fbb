import assert from 'node:assert/strict';
import type { Action, TaskRef } from '../../../src/core/cgroup/action';
import { backendOf } from '../../../src/core/cgroup/backend';
import { KERNEL_BECAUSE } from '../../../src/core/cgroup/because';
import type { Prediction } from '../../../src/core/cgroup/outcome';
import { predict } from '../../../src/core/cgroup/predict';
import { type World, worldOf } from '../../../src/core/cgroup/world';
import type { Thread } from '../../../src/core/model/hostModel';
import { ALL_HOSTS, SCOPE, machine, modelOf } from '../fixtures';
import { actionOf, answersOf, play, refOf } from './script';
import { type SmallHost, smallHost } from './smallHost';

const FILLED = { 'cpuset.cpus': '0-1', 'cpuset.effective_cpus': '0-1', 'cpuset.mems': '0', 'cpuset.effective_mems': '0', 'cpuset.cpu_exclusive': '0', 'cpuset.mem_exclusive': '0' };
const NARROW = { ...FILLED, 'cpuset.cpus': '0', 'cpuset.effective_cpus': '0' };
const CPU = { 'cpu.shares': '1024', 'cpu.cfs_quota_us': '-1', 'cpu.cfs_period_us': '100000', 'cpu.cfs_burst_us': '0', 'cpu.idle': '0' };
const V2 = { 'cgroup.type': 'domain', 'cgroup.controllers': 'cpuset cpu', 'cgroup.subtree_control': '', 'cgroup.freeze': '0', 'cgroup.events': 'populated 1\nfrozen 0', 'cpuset.cpus': '', 'cpuset.cpus.effective': '0-1', 'cpuset.mems': '', 'cpuset.mems.effective': '0' };

const MEMBER = { ...V2, 'cpuset.cpus.partition': 'member' };
const INVALID = { ...V2, 'cpuset.cpus.partition': 'isolated invalid (cpuset.cpus is empty)' };
/** All threads are pinned to CPU 1, in a cgroup that has both CPUs. */
const PARTITIONS: SmallHost = { kernel: '6.1.0-56-cloud-amd64', hierarchies: ['0::cpuset,cpu'], places: { '0::': '/p/a' }, allowed: '1' };
const CPUSETS: SmallHost = { kernel: '6.18.0', hierarchies: ['cpuset'], cgroups: { 'cpuset /wide': FILLED, 'cpuset /narrow': NARROW, 'cpuset /one': { ...NARROW, 'cpuset.cpus': '1', 'cpuset.effective_cpus': '1' } } };

/** What is predicted of one action: each answer, and of those accepted the affinities (`{least-most}` where one is open). */
function told({ outcomes }: Prediction): string[] {
  return outcomes.map(({ errno, because, effects }) => {
    const allowed = effects.flatMap(effect => (effect.kind === 'allowed' ? [`${effect.tid}:${effect.cpus}${effect.open ? `{${effect.open.least}..${effect.open.most}}` : ''}`] : []));
    return [errno ?? 'OK', because?.id ?? '', ...allowed].join(' ').trim();
  });
}

function refTo({ tid, pid, startTime, comm }: Thread): TaskRef {
  return { tid, pid, startTime, comm };
}

interface Case {
  readonly host: SmallHost;
  /** As in `play`. */
  readonly action: string;
  readonly expected: readonly string[];
}

const CASES: Readonly<Record<string, Case>> = {
  'pinned outside of what the cpuset has: the pin does not count': { host: { ...CPUSETS, allowed: '1' }, action: 'cpuset /narrow/tasks <- 11', expected: ['OK pin-suspended 11:0'] },
  'not pinned: it follows': { host: CPUSETS, action: 'cpuset /narrow/tasks <- 11', expected: ['OK follows-cpuset 11:0'] },
  'not pinned as far as can be seen in a narrow cpuset: a pin may come back': { host: { ...CPUSETS, allowed: '0', places: { cpuset: '/narrow' } }, action: 'cpuset /wide/tasks <- 11', expected: ['OK pin-returns 11:0-1{..0-1}'] },
  'one CPU is all that it can be': { host: { ...CPUSETS, allowed: '0', places: { cpuset: '/narrow' } }, action: 'cpuset /one/tasks <- 11', expected: ['OK follows-cpuset 11:1'] },
  'before 6.2 nothing comes back': { host: { ...CPUSETS, kernel: '6.1.0', allowed: '0', places: { cpuset: '/narrow' } }, action: 'cpuset /wide/tasks <- 11', expected: ['OK follows-cpuset 11:0-1'] },
  'before 6.2 a pin is forgotten': { host: { ...CPUSETS, kernel: '6.1.0', allowed: '1', places: { cpuset: '/wide' } }, action: 'cpuset /tasks <- 11', expected: ['OK pin-forgotten 11:0-1'] },
  'a vendor kernel may do either': { host: { ...CPUSETS, kernel: '5.14.0-427.el9.x86_64', allowed: '1', places: { cpuset: '/wide' } }, action: 'cpuset /tasks <- 11', expected: ['OK', 'OK kernel-unknown 11:0-1'] },
  'a task that is there already is not touched': { host: { ...CPUSETS, allowed: '0', places: { cpuset: '/wide' } }, action: 'cpuset /wide/tasks <- 11', expected: ['OK'] },
  'v2: equal cpusets leave a task alone since 6.3': { host: { kernel: '6.12.0', hierarchies: ['0::cpuset,cpu'], cgroups: { '0:: /a': { ...V2, 'cgroup.type': 'domain threaded' }, '0:: /a/k': { ...V2, 'cgroup.type': 'threaded' } }, places: { '0::': '/a' }, allowed: '1' }, action: '0:: /a/k/cgroup.threads <- 11', expected: ['OK'] },
  'v2: before, they made it forget its pin': { host: { kernel: '6.1.0', hierarchies: ['0::cpuset,cpu'], cgroups: { '0:: /a': { ...V2, 'cgroup.type': 'domain threaded' }, '0:: /a/k': { ...V2, 'cgroup.type': 'threaded' } }, places: { '0::': '/a' }, allowed: '1' }, action: '0:: /a/k/cgroup.threads <- 11', expected: ['OK pin-forgotten 11:0-1'] },
  'v2, before 6.2: a partition that is invalid makes its tasks forget their pins, if there is a cgroup below': { host: { ...PARTITIONS, cgroups: { '0:: /p': MEMBER, '0:: /p/a': MEMBER, '0:: /p/a/k': MEMBER } }, action: '0:: /p/a/cpuset.cpus.partition <- isolated', expected: ['OK pin-forgotten 10:0-1 11:0-1 12:0-1 13:0-1'] },
  'v2, before 6.2: and not if there is none': { host: { ...PARTITIONS, cgroups: { '0:: /p': MEMBER, '0:: /p/a': MEMBER } }, action: '0:: /p/a/cpuset.cpus.partition <- isolated', expected: ['OK partition-invalid'] },
  'v2, since 6.2: they keep them': { host: { ...PARTITIONS, kernel: '6.6.0', cgroups: { '0:: /p': MEMBER, '0:: /p/a': MEMBER, '0:: /p/a/k': MEMBER } }, action: '0:: /p/a/cpuset.cpus.partition <- isolated', expected: ['OK partition-invalid'] },
  'v2, before 6.2: CPUs written to an invalid partition, equal ones too, make its tasks forget their pins': { host: { ...PARTITIONS, cgroups: { '0:: /p': MEMBER, '0:: /p/a': INVALID } }, action: '0:: /p/a/cpuset.cpus <- 0-1', expected: ['OK pin-forgotten 10:0-1 11:0-1 12:0-1 13:0-1'] },
  'v2, before 6.2: and to an invalid one beside it, those of one that has its parent\'s CPUs': { host: { ...PARTITIONS, cgroups: { '0:: /p': MEMBER, '0:: /p/a': INVALID, '0:: /p/b': INVALID } }, action: '0:: /p/b/cpuset.cpus.partition <- member', expected: ['OK pin-forgotten 10:0-1 11:0-1 12:0-1 13:0-1'] },
  'every task of a cpuset is told of when it changes': { host: { ...CPUSETS, places: { cpuset: '/wide' } }, action: 'cpuset /wide/cpuset.cpus <- 1', expected: ['OK follows-cpuset 10:1 11:1 12:1 13:1'] },
  'rmdir in v1 where nobody is known to be': { host: CPUSETS, action: 'rmdir cpuset /wide', expected: ['OK', 'EBUSY tasks-unknown'] },
  'rmdir of a cgroup with a thread': { host: { ...CPUSETS, places: { cpuset: '/wide' } }, action: 'rmdir cpuset /wide', expected: ['EBUSY populated'] },
  'narrowing where children may be that were not read': { host: { ...CPUSETS, walked: false }, action: 'cpuset /wide/cpuset.cpus <- 0', expected: ['OK', 'EBUSY children-unknown'] },
  'a cgroup that may be there': { host: { ...CPUSETS, walked: false }, action: 'cpuset /other/tasks <- 11', expected: ['OK', 'ENOENT cgroup-unknown'] },
  'a cgroup that is not there': { host: CPUSETS, action: 'cpuset /other/tasks <- 11', expected: ['ENOENT cgroup-gone'] },
  'an exclusive sibling': { host: { ...CPUSETS, cgroups: { 'cpuset /a': { ...NARROW, 'cpuset.cpu_exclusive': '1' }, 'cpuset /b': { ...FILLED, 'cpuset.cpus': '1', 'cpuset.effective_cpus': '1' } } }, action: 'cpuset /b/cpuset.cpus <- 0-1', expected: ['EINVAL exclusive-sibling'] },
  'a CPU that is there and not online': { host: { ...CPUSETS, cpus: '0-1' }, action: 'cpuset /wide/cpuset.cpus <- 2', expected: ['ERANGE no-such-cpu'] },
  'a pin on CPUs that are not in the cpuset': { host: { ...CPUSETS, allowed: '0', places: { cpuset: '/narrow' } }, action: 'pin 11 1', expected: ['EINVAL outside-cpuset'] },
  'a pin on no CPU': { host: CPUSETS, action: 'pin 11', expected: ['EINVAL no-cpu-named'] },
  'a pin that is half outside': { host: { ...CPUSETS, allowed: '0', places: { cpuset: '/narrow' } }, action: 'pin 11 0-1', expected: ['OK trimmed-to-cpuset'] },
  'a task that nobody knows': { host: CPUSETS, action: 'pin 99 0', expected: ['OK', 'ESRCH task-unknown'] },
  'kthreadd': { host: CPUSETS, action: 'cpuset /wide/tasks <- 2', expected: ['EINVAL kthreadd'] },
  'a priority that the policy has not': { host: CPUSETS, action: 'policy 11 other 5', expected: ['EINVAL bad-priority'] },
  'real time in a group without any': { host: { kernel: '6.18.0', hierarchies: ['cpu'], cgroups: { 'cpu /a': { ...CPU, 'cpu.rt_runtime_us': '0', 'cpu.rt_period_us': '1000000' } }, places: { cpu: '/a' } }, action: 'policy 11 fifo 5', expected: ['EPERM no-rt-runtime'] },
  'real time where the kernel has no groups of it': { host: { kernel: '6.1.0', hierarchies: ['cpu'], cgroups: { 'cpu /a': CPU }, places: { cpu: '/a' } }, action: 'policy 11 fifo 5', expected: ['OK'] },
  'a file that this kernel has not': { host: { kernel: '6.1.0', hierarchies: ['cpu'], cgroups: { 'cpu /a': CPU } }, action: 'cpu /a/cpu.rt_runtime_us <- 1000', expected: ['ENOENT no-such-file'] },
  'shares of an idle group': { host: { kernel: '6.1.0', hierarchies: ['cpu'], cgroups: { 'cpu /a': { ...CPU, 'cpu.idle': '1' } } }, action: 'cpu /a/cpu.shares <- 5', expected: ['EINVAL idle-group'] },
  'shares that are clamped': { host: { kernel: '6.1.0', hierarchies: ['cpu'], cgroups: { 'cpu /a': CPU } }, action: 'cpu /a/cpu.shares <- 1', expected: ['OK clamped'] },
  'a quota above the parent\'s': { host: { kernel: '6.1.0', hierarchies: ['cpu'], cgroups: { 'cpu /a': { ...CPU, 'cpu.cfs_quota_us': '50000' }, 'cpu /a/b': CPU } }, action: 'cpu /a/b/cpu.cfs_quota_us <- 60000', expected: ['EINVAL above-parent'] },
  'a name with a newline': { host: CPUSETS, action: 'mkdir cpuset /wide', expected: ['EEXIST cgroup-there'] },
  'mkdir below what is not there': { host: CPUSETS, action: 'mkdir cpuset /other/x', expected: ['ENOENT cgroup-gone'] },
  'what v1 does not take before it is filled': { host: CPUSETS, action: 'mkdir cpuset /x', expected: ['OK needs-filling'] },
};

describe('what a kernel does with one action', () => {
  for (const [name, { host, action, expected }] of Object.entries(CASES)) {
    it(name, async () => {
      const world = worldOf(await smallHost(host));
      assert.deepEqual(told(predict(world, actionOf(world, action))), expected);
    });
  }

  it('a newline in a cgroup\'s name is refused', async () => {
    const world = worldOf(await smallHost(CPUSETS));
    assert.deepEqual(answersOf(predict(world, { kind: 'make', cgroup: refOf('cpuset', '/a\nb') })), ['EINVAL']);
  });

  it('a thread that is bound to its CPU for good stays', async () => {
    const model = await smallHost(CPUSETS);
    const bound = { ...model, machines: model.machines.map(one => ({ ...one, threads: one.threads.map(task => ({ ...task, flags: 0x04000000 })) })) };
    const world = worldOf(bound);
    for (const action of ['cpuset /wide/tasks <- 11', 'pin 11 0']) assert.deepEqual(told(predict(world, actionOf(world, action))), ['EINVAL task-immovable'], action);
  });
});

describe('a plan of many steps', () => {
  it('is predicted: 4,000 moves of 256 threads among 32 cgroups', async () => {
    const cgroups = Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`cpuset /v${i}`, FILLED]));
    const model = await smallHost({ ...CPUSETS, cgroups });
    const first = model.machines[0]!.threads[0]!;
    const threads = Array.from({ length: 256 }, (_, i) => ({ ...first, tid: 1000 + i, key: `${1000 + i}:1` }));
    let world: World = worldOf({ ...model, machines: [{ ...model.machines[0]!, threads }] });
    for (let i = 0; i < 4000; i++) world = predict(world, actionOf(world, `cpuset /v${i % 32}/tasks <- ${1000 + (i % 256)}`)).after;
    assert.equal(world.tasksIn('cpuset', '/v31').length, 8);
  });
});

describe('a backend', () => {
  const quota = async (before: readonly [string, string], to: { quota: number | 'max'; period: number }, parent: readonly [string, string] = ['-1', '100000']): Promise<string[]> => {
    const of = ([value, period]: readonly [string, string]): Record<string, string> => ({ ...CPU, 'cpu.cfs_quota_us': value, 'cpu.cfs_period_us': period });
    const world = worldOf(await smallHost({ kernel: '6.1.0', hierarchies: ['cpu'], cgroups: { 'cpu /p': of(parent), 'cpu /p/a': of(before) } }));
    const writes = backendOf({ key: 'cpu', version: 1 }).writesForQuota(world, refOf('cpu', '/p/a'), to);
    play(world, writes.map(({ file, value }) => `cpu /p/a/${file} <- ${value}`).join('\n')); // each is accepted
    return writes.map(({ file, value }) => `${file}=${value}`);
  };
  it('v1: only what differs is written', async () => assert.deepEqual(await quota(['50000', '100000'], { quota: 60_000, period: 100_000 }), ['cpu.cfs_quota_us=60000']));
  it('v1: nothing where it is so already', async () => assert.deepEqual(await quota(['50000', '100000'], { quota: 50_000, period: 100_000 }), []));
  it('v1: the period first where the quota alone would be above the parent\'s', async () =>
    assert.deepEqual(await quota(['50000', '100000'], { quota: 100_000, period: 200_000 }, ['50000', '100000']), ['cpu.cfs_period_us=200000', 'cpu.cfs_quota_us=100000']));
  it('v1: the quota first where the period alone would be', async () =>
    assert.deepEqual(await quota(['50000', '100000'], { quota: 25_000, period: 50_000 }, ['50000', '100000']), ['cpu.cfs_quota_us=25000', 'cpu.cfs_period_us=50000']));

  it('fills a v1 cpuset that is to be made from the nearest that is there', async () => {
    const world = worldOf(await smallHost(CPUSETS));
    const writes = backendOf({ key: 'cpuset', version: 1 }).fillNew(world, refOf('cpuset', '/one/x'));
    assert.deepEqual(writes.map(({ file, value }) => `${file}=${value}`), ['cpuset.cpus=1', 'cpuset.mems=0']);
  });

  it('v2: a new child is made threaded, an old one only where nothing may be in it', async () => {
    const world = worldOf(await smallHost({ kernel: '6.1.0', hierarchies: ['0::cpuset,cpu'], cgroups: { '0:: /a': { ...V2, 'cgroup.type': 'domain threaded' }, '0:: /a/i': { ...V2, 'cgroup.type': 'domain invalid' } } }));
    const backend = backendOf({ key: '0::', version: 2 });
    const told = (writes: readonly { file: string; value: string }[]): string[] => writes.map(({ file, value }) => `${file}=${value}`);
    assert.deepEqual(told(backend.fillNew(world, refOf('0::', '/a/x'))), ['cgroup.type=threaded']);
    assert.deepEqual(told(backend.fill(world, refOf('0::', '/a/i'))), ['cgroup.type=threaded']);
    assert.deepEqual(told(backend.fill(world, refOf('0::', '/a'))), []);
    assert.equal(backend.threadedDomain(world, '/a'), '/a');
    assert.deepEqual(told(backend.bringControllers(world, refOf('0::', '/a/x'), ['cpu'])), ['cgroup.subtree_control=+cpu']);
  });
});

describe('a recorded host as a world', () => {
  for (const name of ALL_HOSTS) {
    it(`${name}: its threads may move where each other are, by a reason that has its sentence`, async () => {
      const { model } = await modelOf(name);
      const world = worldOf(model);
      let predictions = 0;
      for (const { threads } of model.machines) {
        for (const task of threads) {
          for (const hierarchy of model.hierarchies) {
            const other = threads[0]!.membership.places.get(hierarchy.key);
            if (!other || hierarchy.mountPoint === undefined) continue;
            const action: Action = { kind: 'move', task: refTo(task), from: task.membership.places.get(hierarchy.key)?.path ?? '/', to: refOf(hierarchy.key, other.path), file: backendOf(hierarchy).threadFile };
            const { outcomes } = predict(world, action);
            assert.ok(outcomes.length > 0);
            for (const { because } of outcomes) assert.ok(because === undefined || because.id in KERNEL_BECAUSE, because?.id);
            predictions++;
          }
        }
      }
      assert.ok(predictions > 0 || model.machines.length === 0);
    });
  }

  it('guest-v2: vCPU 2 goes from one vCPU\'s cgroup to another\'s, and not out of libvirt\'s', async () => {
    const { model } = await modelOf('guest-v2');
    const world = worldOf(model);
    const serial = machine(model, 'serial');
    const vcpu = serial.threads.find(({ role }) => role.kind === 'vcpu' && role.id === '2')!;
    const move = (path: string): string[] => told(predict(world, { kind: 'move', task: refTo(vcpu), from: '', to: refOf('0::', path), file: 'cgroup.threads' }));
    assert.deepEqual(move(`${SCOPE}/libvirt/vcpu1`), [`OK follows-cpuset ${vcpu.tid}:1`]);
    assert.deepEqual(move(SCOPE), ['EBUSY internal-process']);
  });
});
