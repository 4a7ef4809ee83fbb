import assert from 'node:assert/strict';
import type { HostModel, LibvirtState, Machine } from '../../../src/core/model/hostModel';
import { CpuSet } from '../../../src/core/parse/cpuList';
import { makePlan } from '../../../src/core/plan/makePlan';
import type { Change } from '../../../src/core/plan/plan';
import { restoreLayout } from '../../../src/core/rules/restoreLayout';
import { ALL_HOSTS, type HostName, QEMU, SCOPE, modelOf } from '../fixtures';
import { type HostChange, edit, put } from './checkRule';
import { allow, withoutGroups } from './pins';

const S = `${SCOPE}/libvirt`;
const HYBRID = 450;
/** As test/guests has it in the XML of serial. */
const PINS: LibvirtState = {
  vcpus: new Map(),
  vcpuPins: new Map([[0, CpuSet.of(0)], [1, CpuSet.of(1)], [2, CpuSet.of(0)], [3, CpuSet.of(1)]]),
  ioThreadPins: new Map([[1, CpuSet.of(1)], [2, CpuSet.of(0)]]),
  emulatorPin: CpuSet.of(0),
};

async function machineOf(host: HostName, change?: HostChange, libvirt?: LibvirtState): Promise<{ model: HostModel; machine: Machine }> {
  const { model } = await modelOf(host, change);
  const machine = { ...model.machines.find(({ name }) => name === (host === 'guest-numa-clean' ? 'clean' : 'serial'))!, libvirt };
  return { model: { ...model, machines: model.machines.map(one => (one.key === machine.key ? machine : one)) }, machine };
}

function inShort(change: Change): string {
  switch (change.kind) {
    case 'move':
      return `move ${change.thread.tid} ${change.hierarchy} ${change.to.replace(S, 'S')}`;
    case 'pin':
      return `pin ${change.thread.tid} ${change.cpus.toString()}`;
    case 'set':
      return `set ${change.hierarchy} ${change.path.replace(S, 'S')}/${change.file} ${change.value}`;
    case 'make':
      return `make ${change.hierarchy} ${change.path.replace(S, 'S')}`;
    default:
      return change.kind;
  }
}

async function restored(host: HostName, change?: HostChange, libvirt?: LibvirtState): Promise<readonly string[]> {
  const { model, machine } = await machineOf(host, change, libvirt);
  const changes = restoreLayout(model, machine);
  if (changes.length > 0) {
    const { plan, refusal } = makePlan(model, machine, changes, { expert: false });
    assert.ok(plan, `${refusal?.because.id}`);
    assert.equal(plan.consent.kind, 'apply');
  }
  return changes.map(inShort);
}

describe('a machine brought to its layout', () => {
  for (const host of ALL_HOSTS.filter(name => !['misplaced-vcpus', 'guest-hybrid-moved-by-hand'].includes(name))) {
    it(`${host}: nothing is to be done`, async () => {
      const { model } = await modelOf(host);
      for (const machine of model.machines) assert.deepEqual(restoreLayout(model, machine), []);
    });
  }

  it('nor with the pins that libvirt knows, where they hold', async () => assert.deepEqual(await restored('guest-v2', undefined, PINS), []));

  it('several threads that are elsewhere, in several hierarchies: all of them, and their pins again', async () => {
    const scrambled: HostChange = copy => {
      put(copy, HYBRID, 460, 'cpuset', `${S}/emulator`);
      put(copy, HYBRID, 460, 'memory', '/');
      put(copy, HYBRID, 455, 'cpu,cpuacct', '/');
      put(copy, HYBRID, HYBRID, 'name=systemd', '/');
    };
    const moves = [`move 450 name=systemd ${SCOPE}`, 'move 460 cpuset S/vcpu2', 'move 460 memory S', 'move 455 cpu,cpuacct S/iothread1'];
    assert.deepEqual(await restored('guest-hybrid', scrambled), moves);
    assert.deepEqual(await restored('guest-hybrid', scrambled, PINS), [...moves, 'pin 460 0']);
  });

  it('where all threads are in one cgroup, pins by their affinity alone', async () => {
    assert.deepEqual(await restored('numa-isolated', copy => {
      withoutGroups(copy);
      allow(copy, QEMU, 530, '0-7');
    }, { ...PINS, vcpuPins: new Map([[2, CpuSet.of(3)], [3, CpuSet.of(7)]]), ioThreadPins: new Map(), emulatorPin: undefined }), ['pin 530 3']);
  });

  it('a pin that the thread has lost, and one that its group has lost', async () => {
    assert.deepEqual(await restored('guest-v2', copy => {
      edit(copy, `/proc/${QEMU}/task/530/status`, text => text.replace(/(Cpus_allowed_list:\t).*/, '$10-1'));
      edit(copy, `/sys/fs/cgroup${S}/vcpu2/cpuset.cpus`, () => '0-1\n');
      edit(copy, `/sys/fs/cgroup${S}/vcpu2/cpuset.cpus.effective`, () => '0-1\n');
      edit(copy, `/proc/${QEMU}/task/531/status`, text => text.replace(/(Cpus_allowed_list:\t).*/, '$10-1'));
    }, PINS), ['set 0:: S/vcpu2/cpuset.cpus 0', 'pin 530 0', 'pin 531 1']);
  });

  it('a pin on CPUs that are not there is left out, and so is what a slice does not let it have', async () => {
    const far: LibvirtState = { ...PINS, vcpuPins: new Map([[2, CpuSet.of(7)]]) };
    assert.deepEqual(await restored('guest-v2', undefined, far), []);
    assert.deepEqual(await restored('guest-v2-allowed-cpus', undefined, PINS), []);
  });

  it('a cpuset that can hold nobody is left alone', async () => assert.deepEqual(await restored('guest-hybrid-cpu-offline'), []));

  it('groups that are not there, where the guest has run', async () => {
    const clean = String.raw`/machine.slice/machine-qemu\x2d1\x2dclean.scope/libvirt`;
    const gone: HostChange = copy => {
      edit(copy, '/proc/uptime', () => '300.00 100.00\n');
      put(copy, 443, 448, '', `${clean}/emulator`);
      copy.directories.delete(`/sys/fs/cgroup${clean}/iothread1`);
    };
    const { model, machine } = await machineOf('guest-numa-clean', gone);
    const changes = restoreLayout(model, machine);
    assert.deepEqual(changes.map(inShort), [`make 0:: ${clean}/iothread1`, `move 448 0:: ${clean}/iothread1`]);
    const { plan } = makePlan(model, machine, changes, { expert: false });
    assert.deepEqual(plan!.steps.map(({ action }) => action.kind), ['make', 'write', 'move']);
  });

  it('no CPUs are written to a group that is not there and is not made', async () => {
    const gone: HostChange = copy => {
      put(copy, QEMU, 530, '', `${S}/emulator`);
      copy.directories.delete(`/sys/fs/cgroup${S}/vcpu2`);
    };
    assert.deepEqual(await restored('guest-v2', gone, PINS), []);
  });

  for (const [mems, moves] of [['0-1', 0], ['1', 1]] as const) {
    it(`the leader, from a group with other nodes (${mems}): ${moves} moves, for its memory would go along`, async () => {
      const clean = String.raw`/machine.slice/machine-qemu\x2d1\x2dclean.scope/libvirt`;
      const { model, machine } = await machineOf('guest-numa-clean', copy => {
        put(copy, 443, 443, '', `${clean}/vcpu0`);
        for (const [group, nodes] of [['vcpu0', mems], ['emulator', '1']]) copy.files.set(`/sys/fs/cgroup${clean}/${group}/cpuset.mems.effective`, `${nodes}\n`);
      });
      assert.equal(restoreLayout(model, machine).length, moves);
    });
  }

  it('not while it starts, and a plan of it is refused then', async () => {
    const starting: HostChange = copy => {
      put(copy, QEMU, 530, '', `${S}/emulator`);
      copy.links.set(`/proc/${QEMU}/exe`, '/usr/sbin/libvirtd');
      copy.files.set(`/proc/${QEMU}/cmdline`, 'libvirtd\0');
    };
    const { model, machine } = await machineOf('guest-v2', starting, PINS);
    assert.deepEqual(restoreLayout(model, machine), []);
    assert.equal(makePlan(model, machine, restoreLayout(model, machine), { expert: false }).refusal?.because.id, 'machine-starting');
    assert.deepEqual(await restored('guest-v2-starting', undefined, PINS), []);
  });
});
