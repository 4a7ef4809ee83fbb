import assert from 'node:assert/strict';
import { helperKthreadOutside } from '../../../src/core/rules/helperKthreadOutside';
import { QEMU, addProcess } from '../fixtures';
import { type HostChange, edit, findingsOfRule } from './checkRule';
import { planned, read, said } from './said';

const PIT = 7001;

const pit = (cpus: string, flags = 0x208040): HostChange => copy => {
  addProcess(copy, PIT, { comm: `kvm-pit/${QEMU}`, cgroup: '0::/\n', ppid: 2, flags });
  copy.files.set(`/proc/${PIT}/task/${PIT}/status`, `Cpus_allowed_list:\t${cpus}\n`);
};

describe('helper-kthread-outside', () => {
  it('kvm-pit in the root, as on every host, beside an emulator that is kept to one CPU: a hint, and a pin', async () => {
    const found = await findingsOfRule(helperKthreadOutside, 'guest-v2', pit('0-1'));
    assert.deepEqual(said(found), ['hint: kvm-pit/519 may run on CPUs 0-1, the emulator on CPU 0 [Pin kvm-pit/519 to CPU 0]']);
    assert.deepEqual(read(found[0]!), ['/proc/7001/task/7001/status   Cpus_allowed_list: 0-1', '/proc/519/task/519/status   Cpus_allowed_list: 0']);
    assert.deepEqual(await planned('guest-v2', pit('0-1'), found[0]!), ['7001 on 0']);
  });

  it('one that the kernel has bound: no pin is offered', async () => assert.deepEqual(said(await findingsOfRule(helperKthreadOutside, 'guest-v2', pit('0-1', 0x4208040))), ['hint: kvm-pit/519 may run on CPUs 0-1, the emulator on CPU 0']));

  const silent: Record<string, HostChange> = {
    'one that is pinned with the emulator': pit('0'),
    'an emulator that may run everywhere itself': copy => {
      pit('0-1')(copy);
      edit(copy, `/proc/${QEMU}/task/${QEMU}/status`, text => text.replace(/Cpus_allowed_list:.*/, 'Cpus_allowed_list:\t0-1'));
    },
    'CPUs that are offline': pit('0,5-63'),
  };
  for (const [name, change] of Object.entries(silent)) it(`says nothing of ${name}`, async () => assert.deepEqual(await findingsOfRule(helperKthreadOutside, 'guest-v2', change), []));
  it('says nothing of kvm-nx-lpage-re, where it is a task of QEMU', async () => assert.deepEqual(await findingsOfRule(helperKthreadOutside, 'host-v1-libvirt'), []));
});
