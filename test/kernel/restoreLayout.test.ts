import assert from 'node:assert/strict';
import type { LibvirtState } from '../../src/core/model/hostModel';
import { CpuSet, parseCpuList } from '../../src/core/parse/cpuList';
import { makePlan } from '../../src/core/plan/makePlan';
import { findingsOf } from '../../src/core/rules/allRules';
import { restoreLayout } from '../../src/core/rules/restoreLayout';
import { type OwnCgroup, makeCgroup } from './support/cgroups';
import { cleanUp } from './support/cleanUp';
import { collectModel, machineOf } from './support/collect';
import { type PlacedQemu, placedQemu } from './support/placedQemu';
import { apply, inWords } from './support/plans';
import { placesOf, run, statusOf, tidsOf } from './support/readers';

const HIERARCHIES = ['cpu', 'cpuset', '0::'] as const;

/** A machine as libvirt has it without systemd, scrambled, and brought back by one plan. */
describe('a machine brought to its layout', () => {
  const NAME = 'qemu-9-restored.libvirt-qemu';
  let placed: PlacedQemu;
  let healthy: string;

  before(async () => {
    placed = await placedQemu(NAME);
    run('chrt', '--other', '-p', '0', String(placed.vcpus['1'])); // real-time tasks may not go everywhere
    for (const name of HIERARCHIES) {
      const emulator = makeCgroup(name, NAME, 'emulator');
      if (name === '0::') emulator.write('cgroup.type', 'threaded');
      for (const tid of tidsOf(placed.qemu.pid)) if (!placed.places.has(tid)) emulator.addThread(tid);
    }
    healthy = state();
  });
  after(cleanUp);

  /** Where each thread is in each hierarchy, and on which CPUs. */
  function state(): string {
    const { pid } = placed.qemu;
    return tidsOf(pid).map(tid => `${tid} ${JSON.stringify(placesOf(pid, tid))} ${statusOf(pid, tid, 'Cpus_allowed_list')}`).join('\n');
  }

  const found = async (): Promise<string[]> => findingsOf((await collectModel()).model).filter(({ machine, rule }) => machine.pid === placed.qemu.pid && /^(vcpu-in-emulator|thread-outside-layout)$/.test(rule)).map(({ sentence }) => sentence(path => path));

  async function restore(libvirt?: LibvirtState): Promise<number> {
    const { model } = await collectModel();
    const machine = { ...machineOf(model, placed.qemu.pid), libvirt };
    const changes = restoreLayout(model, machine);
    if (changes.length === 0) return 0;
    const { plan, refusal } = makePlan(model, machine, changes, { expert: false });
    assert.ok(plan, `${refusal?.because.id} ${JSON.stringify(refusal?.because.details)}`);
    const applied = await apply(plan);
    assert.deepEqual(applied.steps.filter(({ state: of }) => of !== 'done').map(step => inWords(step)), []);
    return changes.length;
  }

  it('is as it should be', async () => {
    assert.deepEqual(await found(), []);
    assert.equal(await restore(), 0);
  });

  it('several threads in other groups of several hierarchies are all back', async () => {
    const { vcpus, ioThreads, qemu } = placed;
    const group = (name: (typeof HIERARCHIES)[number], leaf: string): OwnCgroup => makeCgroup(name, NAME, leaf);
    for (const name of HIERARCHIES) group(name, 'emulator').addThread(vcpus['0']!);
    group('cpu', 'vcpu3').addThread(vcpus['1']!);
    group('cpuset', 'vcpu3').addThread(ioThreads['iothread1']!);
    group('cpu', 'vcpu0').addThread(qemu.pid);
    makeCgroup('cpu').addThread(vcpus['3']!);
    assert.equal((await found()).length, 7);
    assert.equal(await restore(), 7);
    assert.deepEqual(await found(), []);
    assert.equal(state(), healthy);
  });

  it('the whole process out of one hierarchy: each thread is back in its own group', async () => {
    makeCgroup('cpu', 'elsewhere').addProcess(placed.qemu.pid);
    assert.match((await found()).join(), /^all \d+ threads are in .*elsewhere \(cpu(,cpuacct)?\), expected .*qemu-9-restored\.libvirt-qemu$/);
    assert.ok((await restore()) > 5);
    makeCgroup('cpu', NAME, 'emulator').addThread(placed.ioThreads['twelve-bytes']!); // libvirt gives no such names: nothing is expected of it
    assert.deepEqual(await found(), []);
    assert.equal(state(), healthy);
  });

  it('the pins that libvirt knows', async () => {
    const cpus = parseCpuList(statusOf(placed.qemu.pid, placed.vcpus['0']!, 'Cpus_allowed_list'))!;
    const libvirt: LibvirtState = { vcpus: new Map(), vcpuPins: new Map([[0, cpus]]), ioThreadPins: new Map(), emulatorPin: undefined };
    assert.equal(await restore(libvirt), 0);
    const all = makeCgroup('cpuset').read('cpuset.cpus');
    if (CpuSet.of(...parseCpuList(all)!).equals(cpus)) return; // a host of one CPU
    makeCgroup('cpuset', NAME, 'vcpu0').write('cpuset.cpus', all);
    run('taskset', '-pc', all, String(placed.vcpus['0']));
    assert.equal(await restore(libvirt), 2);
    assert.equal(statusOf(placed.qemu.pid, placed.vcpus['0']!, 'Cpus_allowed_list'), cpus.toString());
    assert.equal(makeCgroup('cpuset', NAME, 'vcpu0').read('cpuset.cpus'), cpus.toString());
  });
});
