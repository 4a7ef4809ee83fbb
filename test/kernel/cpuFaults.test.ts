import assert from 'node:assert/strict';
import type { HostModel, LibvirtState } from '../../src/core/model/hostModel';
import { parseCpuList } from '../../src/core/parse/cpuList';
import { makePlan } from '../../src/core/plan/makePlan';
import type { Change } from '../../src/core/plan/plan';
import { findingsOf } from '../../src/core/rules/allRules';
import type { Finding } from '../../src/core/rules/rule';
import { type OwnCgroup, makeCgroup } from './support/cgroups';
import { cleanUp } from './support/cleanUp';
import { collectModel, machineOf } from './support/collect';
import { apply, inWords } from './support/plans';
import { type Qemu, startQemu } from './support/qemu';
import { affinityOf, placesOf, run, tidsOf } from './support/readers';

/** Faults of CPUs, made on real threads in cpusets as libvirt makes them: found, put right by the rule's own fix, gone. */
describe('faults of CPUs on real QEMU threads', () => {
  const SCOPE = String.raw`machine-qemu\x2d9\x2daaa faults.scope`;
  let qemu: Qemu;
  let vcpus: Readonly<Record<string, number>>;
  let emulators: readonly number[];

  const directory = (...names: string[]): OwnCgroup => makeCgroup('cpuset', SCOPE, ...names);
  const group = (name: string): OwnCgroup => directory('libvirt', name);

  /** What is found at our machine. @param libvirt what libvirt would say of it */
  async function look(libvirt?: LibvirtState, pid = qemu.pid): Promise<{ model: HostModel; findings: readonly Finding[] }> {
    const collected = (await collectModel()).model;
    // A thread's pins count after its first minute, in which libvirt may still be about to set them.
    const model = libvirt ? { ...collected, uptime: collected.uptime! + 61, machines: collected.machines.map(machine => (machine.pid === pid ? { ...machine, libvirt } : machine)) } : collected;
    return { model, findings: findingsOf(model).filter(({ machine, rule }) => machine.pid === pid && CHECKED.has(rule)) };
  }

  const CHECKED = new Set(['affinity-lost', 'emulator-over-vcpus', 'live-emulatorpin-mismatch', 'mask-narrower-than-cpuset', 'pin-differs-from-libvirt', 'v1-empty-cpuset', 'v1-hotplug-shrink', 'vcpu-in-emulator', 'vcpus-share-cpu', 'thread-outside-layout']);

  const rulesOf = (findings: readonly Finding[]): string[] => findings.map(({ rule }) => rule);

  async function change(model: HostModel, changes: readonly Change[]): Promise<void> {
    const { plan, refusal } = makePlan(model, machineOf(model, qemu.pid), changes, { expert: false });
    assert.ok(plan, JSON.stringify(refusal));
    const { steps, complete } = await apply(plan); // remarks: nobody here asks libvirt whether it works on the machine
    assert.deepEqual([steps.map(inWords), complete], [steps.map(() => 'done'), true]);
  }

  /** Applies the first fix of the only finding of this rule. */
  async function fix(rule: string, libvirt?: LibvirtState): Promise<Finding> {
    const { model, findings } = await look(libvirt);
    const found = findings.filter(one => one.rule === rule);
    assert.equal(found.length, 1, `${rule} among ${rulesOf(findings).join(', ')}`);
    await change(model, found[0]!.fixes[0]!.changes());
    return found[0]!;
  }

  before(async () => {
    qemu = await startQemu({ name: 'aaa faults', vcpus: 2, ioThreads: ['iothread1'] });
    vcpus = await qemu.qmp.vcpus();
    const ioThread = (await qemu.qmp.ioThreads())['iothread1']!;
    directory('libvirt').addProcess(qemu.pid);
    for (const [n, tid] of Object.entries(vcpus)) group(`vcpu${n}`).addThread(tid);
    group('iothread1').addThread(ioThread);
    emulators = tidsOf(qemu.pid).filter(tid => tid !== ioThread && !Object.values(vcpus).includes(tid));
    for (const tid of emulators) group('emulator').addThread(tid);
  });
  after(cleanUp);
  afterEach('nothing is left of the fault', async () => assert.deepEqual(rulesOf((await look()).findings), []));

  it('mask-narrower-than-cpuset: a mask that outlives its cpuset is given back', async () => {
    const tid = vcpus['0']!;
    group('vcpu0').write('cpuset.cpus', '1');
    run('taskset', '-pc', '1', String(tid));
    group('vcpu0').write('cpuset.cpus', '0-1');
    assert.deepEqual(affinityOf(tid), [1], 'the kernel has kept the mask');
    const found = await fix('mask-narrower-than-cpuset');
    assert.deepEqual([found.severity, found.threads.map(thread => thread.tid)], ['warning', [tid]]);
    assert.deepEqual(affinityOf(tid), [0, 1]);
  });

  it('live-emulatorpin-mismatch: what `emulatorpin --live` leaves of threads that were there before', async () => {
    assert.ok(emulators.length > 1);
    group('emulator').write('cpuset.cpus', '0');
    for (const tid of emulators) run('taskset', '-pc', '0', String(tid));
    group('emulator').write('cpuset.cpus', '0-1');
    run('taskset', '-pc', '0-1', String(qemu.pid));
    const others = emulators.filter(tid => tid !== qemu.pid);
    const found = await fix('live-emulatorpin-mismatch');
    assert.deepEqual([found.severity, found.threads.map(thread => thread.tid)], ['warning', others]);
    for (const tid of emulators) assert.deepEqual(affinityOf(tid), [0, 1]);
  });

  it('v1-empty-cpuset: filled, and its thread is in it again', async () => {
    const tid = vcpus['1']!;
    directory('libvirt').addThread(tid);
    group('vcpu1').write('cpuset.cpus', '\n');
    assert.throws(() => group('vcpu1').addThread(tid), /ENOSPC/);
    assert.deepEqual(rulesOf((await look()).findings).sort(), ['thread-outside-layout', 'v1-empty-cpuset']);
    await fix('v1-empty-cpuset');
    assert.deepEqual([group('vcpu1').read('cpuset.cpus'), placesOf(qemu.pid, tid)['cpuset']], ['0-1', Buffer.from(group('vcpu1').path).toString('latin1')]);
  });

  it('v1-hotplug-shrink: what a CPU leaves that was offline, put right from above downwards', async () => {
    const tid = vcpus['1']!;
    directory('libvirt').addThread(tid);
    group('vcpu1').write('cpuset.cpus', '\n');
    for (const name of ['vcpu0', 'iothread1', 'emulator']) group(name).write('cpuset.cpus', '0');
    for (const above of [directory('libvirt'), directory()]) above.write('cpuset.cpus', '0');
    for (const above of [directory(), directory('libvirt')]) {
      const found = await fix('v1-hotplug-shrink');
      assert.deepEqual([found.at, above.read('cpuset.cpus')], [{ kind: 'value', hierarchy: 'cpuset', path: above.path, name: 'cpus' }, '0-1']);
    }
    await fix('v1-empty-cpuset');
    for (const name of ['vcpu0', 'iothread1', 'emulator']) group(name).write('cpuset.cpus', '0-1');
  });

  it('emulator-over-vcpus: the emulator keeps what no vCPU has', async () => {
    group('vcpu0').write('cpuset.cpus', '0');
    const found = await fix('emulator-over-vcpus');
    assert.match(found.sentence(path => path), /^the emulator may run on CPU 0, where vCPUs are pinned: vCPU 0$/);
    assert.deepEqual([group('emulator').read('cpuset.cpus'), affinityOf(qemu.pid)], ['1', [1]]);
    for (const name of ['vcpu0', 'emulator']) group(name).write('cpuset.cpus', '0-1');
  });

  it('vcpus-share-cpu: of one machine, and of two, each of which names the other', async () => {
    group('emulator').write('cpuset.cpus', '0');
    for (const name of ['vcpu0', 'vcpu1']) group(name).write('cpuset.cpus', '1');
    const { model, findings } = await look();
    assert.deepEqual(findings.map(({ rule, threads }) => [rule, threads.map(({ tid }) => tid)]), [['vcpus-share-cpu', [vcpus['0'], vcpus['1']]]]);
    await change(model, [{ kind: 'set', hierarchy: 'cpuset', path: group('vcpu1').path, file: 'cpuset.cpus', value: '0-1' }]);
    const other = await startQemu({ name: 'aaa other', vcpus: 1 });
    const tid = (await other.qmp.vcpus())['0']!;
    run('taskset', '-pc', '1', String(tid));
    assert.match((await look()).findings[0]!.sentence(path => path), /^vCPU 0 may run only on CPU 1, as .*vCPU 0 of aaa other/);
    assert.match((await look(undefined, other.pid)).findings.find(({ rule }) => rule === 'vcpus-share-cpu')!.sentence(path => path), /^vCPU 0 may run only on CPU 1, as .*vCPU 0 of aaa faults/);
    run('taskset', '-pc', '0-1', String(tid));
    for (const name of ['vcpu0', 'emulator']) group(name).write('cpuset.cpus', '0-1');
  });

  it('pin-differs-from-libvirt: cpuset and affinity as libvirt has them', async () => {
    const tid = vcpus['0']!;
    const libvirt: LibvirtState = { vcpus: new Map([[0, tid]]), vcpuPins: new Map([[0, parseCpuList('1')!]]), ioThreadPins: new Map(), emulatorPin: parseCpuList('0-1') };
    await fix('pin-differs-from-libvirt', libvirt);
    assert.deepEqual([group('vcpu0').read('cpuset.cpus'), affinityOf(tid)], ['1', [1]]);
    assert.deepEqual(rulesOf((await look(libvirt)).findings).filter(rule => rule === 'pin-differs-from-libvirt'), []);
    group('vcpu0').write('cpuset.cpus', '0-1');
    run('taskset', '-pc', '0-1', String(tid));
  });
});
