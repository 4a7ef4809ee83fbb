import assert from 'node:assert/strict';
import { partitionInvalid } from '../../../src/core/rules/partitionInvalid';
import { SCOPE } from '../fixtures';
import { checked, sentences, set } from './pins';

const FILE = `/sys/fs/cgroup${SCOPE}/libvirt/vcpu0/cpuset.cpus.partition`;

describe('partition-invalid', () => {
  it('says what was wanted and the kernel\'s reason, with what was read', async () => {
    const { findings } = await checked(partitionInvalid, 'numa-isolated', copy => set(copy, FILE, 'isolated invalid (Parent is not a partition root)'));
    assert.deepEqual(findings.map(f => [f.severity, f.sentence(path => path.replace(`${SCOPE}/libvirt`, 'S')), f.threads.map(({ tid }) => tid), f.at]), [
      ['warning', 'S/vcpu0 was to be a partition (isolated) and is none: Parent is not a partition root', [528], { kind: 'value', hierarchy: '0::', path: `${SCOPE}/libvirt/vcpu0`, name: 'partition' }],
    ]);
    assert.deepEqual(findings[0]!.evidence[0], { file: FILE, value: 'isolated invalid (Parent is not a partition root)' });
    assert.equal(findings[0]!.cost(), 'others run on the CPUs of vCPU 0, and the scheduler balances on them');
  });

  it('a slice above is every thread\'s', async () => {
    const { findings } = await checked(partitionInvalid, 'numa-isolated', copy => set(copy, '/sys/fs/cgroup/machine.slice/cpuset.cpus.partition', 'root invalid'));
    assert.deepEqual(findings.map(f => [f.sentence(path => path), f.threads.length]), [['/machine.slice was to be a partition (root) and is none', 9]]);
  });

  const advice: Record<string, string> = {
    'Invalid cpu list in cpuset.cpus.exclusive': 'give it CPUs that its parent has: cpuset.cpus.exclusive must be a part of the parent\'s',
    'Parent is an invalid partition root': 'make the partition above it valid first',
    'Parent is not a partition root': 'make its parent a partition first (root), or, since Linux 6.7, write its CPUs to cpuset.cpus.exclusive of it and of all above it',
    'Cpu list in cpuset.cpus not exclusive': 'take CPU 2 from the cpuset.cpus of the cgroups beside it',
    'Parent unable to distribute cpu downstream': 'leave its parent a CPU of its own: it has tasks, or gives all its CPUs away',
    'No cpu available due to hotplug': 'bring one of its CPUs online',
    'cpuset.cpus is empty': 'write the CPUs that it is to have to its cpuset.cpus',
    'cpuset.cpus and cpuset.cpus.exclusive are empty': 'write the CPUs that it is to have to its cpuset.cpus',
    'partition config conflicts with housekeeping setup': 'write isolated instead of root: CPUs that were isolated at boot (isolcpus) can be in no other partition',
    'Enable partition not permitted': 'make the partition as root of the host: without CAP_SYS_ADMIN there is none without a parent that is one',
    'Have remote partition underneath': 'make the partition below it a member first',
    'something new': 'look at what the cgroups above and beside it have: the kernel makes the partition valid once the reason is gone',
  };
  for (const [reason, expected] of Object.entries(advice)) {
    it(`knows what to do: ${reason}`, async () => {
      const { findings } = await checked(partitionInvalid, 'numa-isolated', copy => set(copy, FILE, `root invalid (${reason})`));
      assert.deepEqual(findings.map(f => f.advice(path => path)), [expected]);
    });
  }

  it('says nothing of partitions that are valid, of members, and of cgroups of others', async () => {
    for (const value of ['root', 'isolated']) assert.deepEqual(await sentences(partitionInvalid, 'numa-isolated', copy => set(copy, FILE, value)), []);
    assert.deepEqual(await sentences(partitionInvalid, 'numa-isolated', copy => set(copy, '/sys/fs/cgroup/system.slice/cpuset.cpus.partition', 'root invalid (cpuset.cpus is empty)')), []);
  });
});
