import assert from 'node:assert/strict';
import { parentNarrower } from '../../../src/core/rules/parentNarrower';
import { SCOPE } from '../fixtures';
import type { HostChange } from './checkRule';
import { checked, sentences, set, stepsOf } from './pins';

const GROUPS = `/sys/fs/cgroup${SCOPE}/libvirt`;

/** vCPU 0 is to have CPUs 2-3, and a cgroup above has got all but 3. */
const narrow = (above: string): HostChange => copy => {
  set(copy, `/sys/fs/cgroup${above}/cpuset.cpus`, '0-2,4-7');
  for (let at = `${SCOPE}/libvirt`; at.length >= above.length; at = at.slice(0, at.lastIndexOf('/'))) set(copy, `/sys/fs/cgroup${at}/cpuset.cpus.effective`, '0-2,4-7');
  set(copy, `${GROUPS}/vcpu0/cpuset.cpus`, '2-3');
};

describe('parent-narrower', () => {
  it('a slice without a CPU of the pin: said, with what was read, and systemd\'s own way', async () => {
    const { findings } = await checked(parentNarrower, 'numa-isolated', narrow('/machine.slice'));
    assert.deepEqual(findings.map(f => [f.severity, f.sentence(path => path.replace(`${SCOPE}/libvirt`, 'S')), f.advice(path => path), f.fixes.length]), [
      ['warning', 'S/vcpu0 was given CPUs 2-3 and has only CPU 2: /machine.slice has only CPUs 0-2,4-7', 'run: systemctl set-property --runtime machine.slice AllowedCPUs=0-7', 0],
    ]);
    assert.deepEqual(findings[0]!.evidence, [
      { file: `${GROUPS}/vcpu0/cpuset.cpus`, value: '2-3' },
      { file: `${GROUPS}/vcpu0/cpuset.cpus.effective`, value: '2' },
      { file: '/sys/fs/cgroup/machine.slice/cpuset.cpus', value: '0-2,4-7' },
      { file: '/sys/fs/cgroup/machine.slice/cpuset.cpus.effective', value: '0-2,4-7' },
    ]);
  });

  it('a cgroup of the machine itself is widened by the fix', async () => {
    const { model, findings } = await checked(parentNarrower, 'numa-isolated', narrow(`${SCOPE}/libvirt`));
    assert.deepEqual(stepsOf(model, findings[0]), ['0-7 > S/cpuset.cpus']);
  });

  it('several pins below one cgroup lack a CPU: one command for all', async () => {
    const { findings } = await checked(parentNarrower, 'numa-isolated', copy => {
      narrow('/machine.slice')(copy);
      for (const file of ['/machine.slice/cpuset.cpus', '/machine.slice/cpuset.cpus.effective', `${SCOPE}/cpuset.cpus.effective`, `${SCOPE}/libvirt/cpuset.cpus.effective`]) set(copy, `/sys/fs/cgroup${file}`, '0-2,4,6-7');
      set(copy, `${GROUPS}/iothread1/cpuset.cpus`, '4-5');
    });
    assert.deepEqual(findings.map(f => f.advice(path => path)), Array.from({ length: 2 }, () => 'run: systemctl set-property --runtime machine.slice AllowedCPUs=0-7'));
  });

  const silent: Record<string, HostChange> = {
    'a CPU that is offline': copy => {
      narrow('/machine.slice')(copy);
      set(copy, '/sys/devices/system/cpu/online', '0-2,4-7');
    },
    'CPUs that a partition has for itself': copy => {
      set(copy, `${GROUPS}/vcpu0/cpuset.cpus`, '2-3');
      set(copy, `${GROUPS}/cpuset.cpus.effective`, '0-2,4-7');
    },
    'a pin of which nothing is left: another rule': copy => {
      set(copy, '/sys/fs/cgroup/machine.slice/cpuset.cpus', '0-1');
      for (const at of [GROUPS, `${GROUPS}/vcpu0`]) set(copy, `${at}/cpuset.cpus.effective`, '0-1');
    },
    'a cgroup above that is narrower than others, with all of the pin': copy => set(copy, '/sys/fs/cgroup/machine.slice/cpuset.cpus', '2-7'),
  };
  for (const [name, change] of Object.entries(silent)) it(`says nothing of ${name}`, async () => assert.deepEqual(await sentences(parentNarrower, 'numa-isolated', change), []));
});
