import assert from 'node:assert/strict';
import { parseCpuList } from '../../../src/core/parse/cpuList';
import { silentInherit } from '../../../src/core/rules/silentInherit';
import { SCOPE } from '../fixtures';
import type { HostChange } from './checkRule';
import { checked, sentences, set, stepsOf } from './pins';

const GROUPS = `/sys/fs/cgroup${SCOPE}/libvirt`;

describe('silent-inherit', () => {
  it('AllowedCPUs= of the slice: each group that lost its pin, with what was read, and systemd\'s own way', async () => {
    const { findings } = await checked(silentInherit, 'guest-v2-allowed-cpus');
    assert.deepEqual(findings.map(f => `${f.severity}: ${f.sentence(path => path.replace(`${SCOPE}/libvirt`, 'S'))}`), [
      'warning: S/vcpu1 was given CPU 1 and has CPU 0 instead: /machine.slice has only CPU 0',
      'warning: S/vcpu3 was given CPU 1 and has CPU 0 instead: /machine.slice has only CPU 0',
      'warning: S/iothread1 was given CPU 1 and has CPU 0 instead: /machine.slice has only CPU 0',
    ]);
    const [first] = findings;
    assert.deepEqual(first!.at, { kind: 'value', hierarchy: '0::', path: `${SCOPE}/libvirt/vcpu1`, name: 'cpus' });
    assert.deepEqual(first!.threads.map(({ tid }) => tid), [414]);
    assert.deepEqual(first!.evidence.slice(0, 3), [
      { file: `${GROUPS}/vcpu1/cpuset.cpus`, value: '1' },
      { file: `${GROUPS}/vcpu1/cpuset.cpus.effective`, value: '0' },
      { file: '/sys/fs/cgroup/machine.slice/cpuset.cpus', value: '0' },
    ]);
    assert.equal(first!.advice(path => path), 'run: systemctl set-property --runtime machine.slice AllowedCPUs=0-1');
    assert.deepEqual(first!.fixes, [], 'a slice is others\' too');
  });

  it('a CPU that is offline', async () => {
    const { findings } = await checked(silentInherit, 'guest-v2-cpu-offline');
    assert.equal(findings[0]!.sentence(path => path.replace(`${SCOPE}/libvirt`, 'S')), 'S/vcpu1 was given CPU 1 and has CPU 0 instead: CPU 1 is offline');
    assert.equal(findings[0]!.advice(path => path), 'bring CPU 1 online, and the pin is back by itself, or pin to CPUs that are');
  });

  it('a cgroup of the machine itself is widened by the fix', async () => {
    const { model, findings } = await checked(silentInherit, 'guest-v2', copy => {
      for (const file of ['cpuset.cpus', 'cpuset.cpus.effective']) set(copy, `${GROUPS}/${file}`, '0');
      set(copy, `${GROUPS}/vcpu1/cpuset.cpus.effective`, '0');
    });
    assert.equal(findings.length, 1);
    assert.deepEqual(stepsOf(model, findings[0]), ['0-1 > S/cpuset.cpus']);
  });

  /** All of `numa-isolated` at and above the groups of threads has these CPUs; vCPUs 1 and 3 and the I/O threads are pinned to 6, 7, 4 and 5. */
  const only = (cpus: string, above: string): HostChange => copy => {
    copy.files.set(`/sys/fs/cgroup${above}/cpuset.cpus`, `${cpus}\n`);
    for (let at = `${SCOPE}/libvirt`; at.length >= above.length; at = at.slice(0, at.lastIndexOf('/'))) copy.files.set(`/sys/fs/cgroup${at}/cpuset.cpus.effective`, `${cpus}\n`);
    const has = parseCpuList(cpus)!;
    for (const [group, pin] of [['vcpu1', 6], ['vcpu3', 7], ['iothread1', 4], ['iothread2', 5]] as const) copy.files.set(`${GROUPS}/${group}/cpuset.cpus.effective`, `${has.has(pin) ? pin : cpus}\n`);
  };

  it('several pins lost below one cgroup: what puts one back puts all back', async () => {
    const slice = await checked(silentInherit, 'numa-isolated', only('0-3', '/machine.slice'));
    assert.deepEqual(slice.findings.map(f => f.advice(path => path)), Array.from({ length: 4 }, () => 'run: systemctl set-property --runtime machine.slice AllowedCPUs=0-7'));
    const own = await checked(silentInherit, 'numa-isolated', only('0-4', `${SCOPE}/libvirt`));
    assert.deepEqual(own.findings.map(finding => stepsOf(own.model, finding)), Array.from({ length: 3 }, () => ['0-7 > S/cpuset.cpus']));
    assert.deepEqual(await sentences(silentInherit, 'numa-isolated', only('0-7', '/machine.slice')), []);
  });

  const silent: Record<string, HostChange> = {
    'groups that were given nothing': copy => {
      set(copy, `${GROUPS}/vcpu1/cpuset.cpus`, '');
      set(copy, `${GROUPS}/vcpu1/cpuset.cpus.effective`, '0-1');
    },
    'a group that has a part of what it was given': copy => {
      set(copy, `${GROUPS}/vcpu1/cpuset.cpus`, '0-1');
      set(copy, `${GROUPS}/cpuset.cpus.effective`, '1');
    },
    'a partition: its CPUs are its parent\'s no more': copy => set(copy, `${GROUPS}/cpuset.cpus.effective`, '0'),
    'a parent that cannot be read': copy => void copy.files.delete(`${GROUPS}/cpuset.cpus.effective`),
  };
  for (const [name, change] of Object.entries(silent)) it(`says nothing of ${name}`, async () => assert.deepEqual(await sentences(silentInherit, 'guest-v2', change), []));
});
