import assert from 'node:assert/strict';
import { pinDiffersFromLibvirt } from '../../../src/core/rules/pinDiffersFromLibvirt';
import { QEMU, REAL_HOSTS, SCOPE } from '../fixtures';
import { type HostChange, put } from './checkRule';
import { allow, begun, checked, sentences, set, stepsOf, withoutGroups } from './pins';

const GROUPS = `/sys/fs/cgroup${SCOPE}/libvirt`;
const ALL = { vcpus: { 0: '2', 1: '6', 2: '3', 3: '7' }, ioThreads: { 1: '4', 2: '5' }, emulator: '0-1' };

describe('pin-differs-from-libvirt', () => {
  it('a cpuset that was written by hand: said, with what was read; cpuset and affinity as libvirt has them', async () => {
    const { model, findings } = await checked(pinDiffersFromLibvirt, 'numa-isolated', undefined, { ...ALL, vcpus: { ...ALL.vcpus, 0: '5' } });
    assert.deepEqual(findings.map(f => [f.severity, f.sentence(path => path), f.threads.map(({ tid }) => tid)]), [['warning', 'vCPU 0 may run on CPU 2, and libvirt has pinned it to CPU 5', [528]]]);
    assert.deepEqual(findings[0]!.evidence, [
      { file: `/proc/${QEMU}/task/528/status`, value: 'Cpus_allowed_list: 2' },
      { file: `${GROUPS}/vcpu0/cpuset.cpus`, value: '2' },
      { file: `${GROUPS}/vcpu0/cpuset.cpus.effective`, value: '2' },
      { file: '/run/libvirt/qemu/serial.xml', value: 'vcpupin 0: 5' },
    ]);
    assert.deepEqual(stepsOf(model, findings[0]), ['5 > S/vcpu0/cpuset.cpus', 'pin 528 to 5']);
  });

  it('the emulator and an I/O thread too', async () => {
    assert.deepEqual(await sentences(pinDiffersFromLibvirt, 'numa-isolated', undefined, { ioThreads: { 2: '1' }, emulator: '0-2' }), [
      'warning: emulator may run on CPUs 0-1, and libvirt has pinned it to CPUs 0-2',
      'warning: I/O thread iothread2 may run on CPU 5, and libvirt has pinned it to CPU 1',
    ]);
  });

  it('an affinity alone that is narrower: only the affinity is written', async () => {
    const { model, findings } = await checked(pinDiffersFromLibvirt, 'numa-isolated', copy => allow(copy, QEMU, 519, '1'), ALL);
    assert.deepEqual(findings.map(f => f.sentence(path => path)), ['emulator may run on CPU 1, and libvirt has pinned it to CPUs 0-1']);
    assert.deepEqual(stepsOf(model, findings[0]), ['pin 519 to 0-1']);
  });

  it('libvirt\'s state as it was recorded: a mask that was changed by hand is told, and on the hosts themselves nothing is', async () => {
    for (const host of REAL_HOSTS) assert.deepEqual(await sentences(pinDiffersFromLibvirt, host, undefined, 'as recorded'), [], host);
    assert.deepEqual(await sentences(pinDiffersFromLibvirt, 'numa-isolated', copy => allow(copy, QEMU, QEMU, '1'), 'as recorded'), ['warning: emulator may run on CPU 1, and libvirt has pinned it to CPUs 0-1']);
  });

  it('where all threads are in one cgroup its cpuset is not written: it is the others\' too', async () => {
    const { model, findings } = await checked(pinDiffersFromLibvirt, 'numa-isolated', copy => {
      withoutGroups(copy);
      set(copy, '/proc/sys/kernel/osrelease', '6.18.0');
      allow(copy, QEMU, 528, '0-7');
    }, ALL);
    assert.deepEqual(findings.map(f => f.sentence(path => path)), ['vCPU 0 may run on CPUs 0-7, and libvirt has pinned it to CPU 2']);
    assert.deepEqual(stepsOf(model, findings[0]), ['pin 528 to 2']);
  });

  for (const kernel of ['6.1.0-50-cloud-amd64', '6.12.0-1-amd64']) {
    it(`where v2 does not hand cpuset down, and libvirt pins by the affinity alone: that is written (${kernel})`, async () => {
      const stripped: HostChange = copy => {
        copy.files.set('/proc/sys/kernel/osrelease', `${kernel}\n`);
        for (const [file, text] of [...copy.files]) {
          if (file.startsWith(`/sys/fs/cgroup${SCOPE}`) && file.includes('/cpuset.')) copy.files.delete(file);
          else if (file.startsWith(`/sys/fs/cgroup${SCOPE}`) || file === '/sys/fs/cgroup/machine.slice/cgroup.subtree_control') copy.files.set(file, text.replace(/\bcpuset /, ''));
        }
      };
      assert.deepEqual(await sentences(pinDiffersFromLibvirt, 'numa-isolated', stripped, ALL), []);
      const { model, findings } = await checked(pinDiffersFromLibvirt, 'numa-isolated', copy => {
        stripped(copy);
        allow(copy, QEMU, 528, '0-3');
        allow(copy, QEMU, 529, '0');
      }, ALL);
      assert.deepEqual(findings.map(f => f.sentence(path => path)), ['vCPU 0 may run on CPUs 0-3, and libvirt has pinned it to CPU 2', 'vCPU 1 may run on CPU 0, and libvirt has pinned it to CPU 6']);
      assert.deepEqual(findings.map(finding => stepsOf(model, finding)), [['pin 528 to 2'], ['pin 529 to 6']]);
    });
  }

  it('no fix where the cgroups above have not got the CPUs', async () => {
    const { findings } = await checked(pinDiffersFromLibvirt, 'numa-isolated', copy => set(copy, `${GROUPS}/cpuset.cpus.effective`, '0-4,6-7'), { vcpus: { 0: '5' } });
    assert.deepEqual(findings.map(({ fixes }) => fixes.length), [0]);
  });

  const silent: Record<string, HostChange> = {
    'pins that are there': () => undefined,
    'a thread in another cgroup than its own': copy => {
      put(copy, QEMU, 528, '', `${SCOPE}/libvirt/emulator`);
      allow(copy, QEMU, 528, '0-1');
    },
    'a cpuset that the one above cuts down': copy => {
      set(copy, `${GROUPS}/vcpu0/cpuset.cpus.effective`, '0-1');
      allow(copy, QEMU, 528, '0-1');
    },
    'a mask that was read before libvirt moved the thread to its group, and is none of its CPUs': copy => allow(copy, QEMU, 528, '0'),
    'a thread that has just begun: libvirt has moved it, and is about to pin it': copy => {
      for (const file of ['cpuset.cpus', 'cpuset.cpus.effective']) set(copy, `${GROUPS}/vcpu0/${file}`, '0-3');
      allow(copy, QEMU, 528, '0');
      begun(copy, QEMU, 528);
    },
    'a pin whose CPUs are offline': copy => set(copy, '/sys/devices/system/cpu/online', '0-1,3-7'),
    'an affinity that cannot be read': copy => void copy.files.delete(`/proc/${QEMU}/task/528/status`),
  };
  for (const [name, change] of Object.entries(silent)) it(`says nothing of ${name}`, async () => assert.deepEqual(await sentences(pinDiffersFromLibvirt, 'numa-isolated', change, ALL), []));

  it('says nothing where libvirt cannot be asked', async () => assert.deepEqual(await sentences(pinDiffersFromLibvirt, 'numa-isolated', copy => allow(copy, QEMU, 519, '1')), []));

  it('says nothing of what an old kernel forgot: another rule', async () => {
    assert.deepEqual(await sentences(pinDiffersFromLibvirt, 'numa-isolated', copy => {
      for (const file of ['cpuset.cpus', 'cpuset.cpus.effective']) set(copy, `${GROUPS}/vcpu0/${file}`, '2-3');
      allow(copy, QEMU, 528, '2-3');
    }, ALL), []);
  });
});
