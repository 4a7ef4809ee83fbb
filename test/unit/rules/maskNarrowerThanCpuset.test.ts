import assert from 'node:assert/strict';
import { maskNarrowerThanCpuset } from '../../../src/core/rules/maskNarrowerThanCpuset';
import { QEMU, SCOPE } from '../fixtures';
import type { HostChange } from './checkRule';
import { allow, checked, inPod, sentences, set, stepsOf } from './pins';

const GROUPS = `/sys/fs/cgroup${SCOPE}/libvirt`;

/** vCPU 0 may run on CPU 2, and its cpuset has two. */
const narrow: HostChange = copy => {
  set(copy, '/proc/sys/kernel/osrelease', '6.18.0');
  for (const file of ['cpuset.cpus', 'cpuset.cpus.effective']) set(copy, `${GROUPS}/vcpu0/${file}`, '2-3');
};

describe('mask-narrower-than-cpuset', () => {
  it('a vCPU whose mask was kept while its cpuset grew: said, with what was read, and put right by all CPUs', async () => {
    const { model, findings } = await checked(maskNarrowerThanCpuset, 'numa-isolated', narrow);
    assert.deepEqual(findings.map(f => `${f.severity}: ${f.sentence(path => path.replace(`${SCOPE}/libvirt`, 'S'))}`), ['warning: vCPU 0 may run only on CPU 2, and S/vcpu0 has CPUs 2-3']);
    assert.deepEqual(findings[0]!.evidence, [
      { file: `/proc/${QEMU}/task/528/status`, value: 'Cpus_allowed_list: 2' },
      { file: `${GROUPS}/vcpu0/cpuset.cpus`, value: '2-3' },
      { file: `${GROUPS}/vcpu0/cpuset.cpus.effective`, value: '2-3' },
    ]);
    assert.deepEqual(stepsOf(model, findings[0]), ['pin 528 to 0-7']);
  });

  it('isolated CPUs are given back only to a group that has no others, or was given them for one thread', async () => {
    const steps = async (group: string, effective: string): Promise<string[]> => {
      const { model, findings } = await checked(maskNarrowerThanCpuset, 'numa-isolated', copy => {
        allow(copy, QEMU, 528, '1');
        for (const [file, value] of [['cpuset.cpus', group], ['cpuset.cpus.effective', effective]] as const) set(copy, `${GROUPS}/vcpu0/${file}`, value);
      });
      assert.match(findings[0]!.advice(path => path), effective === '0-7' ? /^taskset -pc 0-1 528/ : /^taskset -pc 0-3 528/);
      return stepsOf(model, findings[0]);
    };
    assert.deepEqual(await steps('', '0-7'), ['pin 528 to 0-1']);
    assert.deepEqual(await steps('0-7', '0-7'), ['pin 528 to 0-1'], 'what v1 copies from above');
    assert.deepEqual(await steps('0-3', '0-3'), ['pin 528 to 0-7']);
  });

  it('a kernel that keeps no mask: somebody did it since, and that is no warning', async () => {
    assert.deepEqual(await sentences(maskNarrowerThanCpuset, 'numa-isolated', copy => {
      narrow(copy);
      set(copy, '/proc/sys/kernel/osrelease', '6.1.0');
    }), ['information: vCPU 0 may run only on CPU 2, and S/vcpu0 has CPUs 2-3']);
  });

  it('all threads of the emulator alike are one finding', async () => {
    assert.deepEqual(await sentences(maskNarrowerThanCpuset, 'numa-isolated', copy => [519, 523, 527].forEach(tid => allow(copy, QEMU, tid, '1'))), ['information: emulator, other, other may run only on CPU 1, and S/emulator has CPUs 0-1']);
  });

  const silent: Record<string, HostChange> = {
    'a mask that is the cpuset': copy => {
      narrow(copy);
      allow(copy, QEMU, 528, '2-3');
    },
    'a cpuset of which the rest is offline': copy => {
      narrow(copy);
      set(copy, '/sys/devices/system/cpu/online', '0-2,4-7');
    },
    'threads of the emulator that differ: another rule': copy => allow(copy, QEMU, 523, '1'),
    'a mask without the CPUs that are isolated at boot: so libvirt has what has no pin': copy => {
      narrow(copy);
      allow(copy, QEMU, 528, '0-1');
      for (const file of ['cpuset.cpus', 'cpuset.cpus.effective']) set(copy, `${GROUPS}/vcpu0/${file}`, '0-7');
    },
    'an affinity that cannot be read': copy => {
      narrow(copy);
      copy.files.delete(`/proc/${QEMU}/task/528/status`);
    },
  };
  for (const [name, change] of Object.entries(silent)) it(`says nothing of ${name}`, async () => assert.deepEqual(await sentences(maskNarrowerThanCpuset, 'numa-isolated', change), []));

  it('says nothing where libvirt has a pin: then it is told whether that is what is there', async () => assert.deepEqual(await sentences(maskNarrowerThanCpuset, 'numa-isolated', narrow, { vcpus: { 0: '2' } }), []));

  it('says nothing of machines in no layout: a mask is how they are pinned', async () => {
    assert.deepEqual(await sentences(maskNarrowerThanCpuset, 'guest-v2-allowed-cpus', copy => allow(copy, 429, 435, '1')), []);
  });

  it('says nothing of a container of KubeVirt, whose cpuset is for its only vCPU and for the emulator', async () => {
    assert.deepEqual(await sentences(maskNarrowerThanCpuset, 'numa-isolated', copy => {
      set(copy, '/proc/sys/kernel/osrelease', '6.18.0');
      inPod(copy, { cpus: '2,4', housekeeping: '4' });
      for (const file of [...copy.files.keys()]) if (/\/task\/(529|530|531)\//.test(file)) copy.files.delete(file);
    }), []);
  });
});
