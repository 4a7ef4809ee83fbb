import assert from 'node:assert/strict';
import { delegateIncomplete } from '../../../src/core/rules/delegateIncomplete';
import { type HostChange, edit, findingsOfRule } from './checkRule';
import { read, said } from './said';

const HOST = 'guest-v2-threaded-under-unit';
const UNIT = '/sys/fs/cgroup/system.slice/by-service.service';
const without = (controller: string): HostChange => copy => edit(copy, `${UNIT}/cgroup.controllers`, text => text.replace(`${controller} `, ''));

describe('delegate-incomplete', () => {
  it('a service whose threads are in several groups, and that has no cpuset', async () => {
    const found = await findingsOfRule(delegateIncomplete, HOST, without('cpuset'));
    assert.deepEqual(said(found), ['information: /system.slice/by-service.service has no cpuset controller: no group below it can have CPUs of its own']);
    assert.deepEqual(read(found[0]!), ['/sys/fs/cgroup/cgroup.controllers   cpuset cpu io memory hugetlb pids rdma misc', `${UNIT}/cgroup.controllers   cpu io memory pids`]);
    assert.equal(found[0]!.advice(path => path), 'a drop-in for /system.slice/by-service.service: Delegate=cpu cpuset io memory pids');
  });

  it('one that has all threads in one place: a hint; a user\'s is told of that user\'s manager', async () => {
    const scope = '/user.slice/user-0.slice/user@0.service/app.slice/run-1.scope';
    const found = await findingsOfRule(delegateIncomplete, HOST, copy => {
      for (const tid of [429, 435, 436, 433, 432]) edit(copy, `/proc/429/task/${tid}/cgroup`, text => text.replace('/user.slice/user-0.slice/session-5.scope', scope));
      copy.directories.add(`/sys/fs/cgroup${scope}`);
      copy.files.set(`/sys/fs/cgroup${scope}/cgroup.controllers`, 'cpu memory pids\n');
    });
    assert.deepEqual(found.map(({ severity, machine, advice }) => [severity, machine.name, advice(path => path)]), [['hint', 'byhand', 'a drop-in for user@.service: [Service] Delegate=cpu cpuset io memory pids']]);
  });

  const silent: Record<string, HostChange> = {
    'a unit that has it, a session that never does, and libvirt\'s scope': () => undefined,
    'a unit that lacks another': without('io'),
    'a host whose v2 has none': copy => {
      without('cpuset')(copy);
      edit(copy, '/sys/fs/cgroup/cgroup.controllers', text => text.replace('cpuset ', ''));
    },
    'a machine of Proxmox VE, which makes scopes in its own way': copy => {
      for (const tid of [811, 814, 818, 819]) edit(copy, `/proc/811/task/${tid}/cgroup`, () => '0::/qemu.slice/100.scope\n');
      copy.directories.add('/sys/fs/cgroup/qemu.slice/100.scope');
      copy.files.set('/sys/fs/cgroup/qemu.slice/100.scope/cgroup.controllers', 'cpu io memory pids\n');
    },
    'a unit whose list cannot be read': copy => void copy.files.delete(`${UNIT}/cgroup.controllers`),
  };
  for (const [name, change] of Object.entries(silent)) it(`says nothing of ${name}`, async () => assert.deepEqual(await findingsOfRule(delegateIncomplete, HOST, change), []));
});
