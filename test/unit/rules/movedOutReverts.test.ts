import assert from 'node:assert/strict';
import { movedOutReverts } from '../../../src/core/rules/movedOutReverts';
import { ALL_HOSTS, type Changeable } from '../fixtures';
import { type HostChange, edit, findingsOfRule, put } from './checkRule';
import { read, said } from './said';

const HOST = 'guest-hybrid-no-machined';
const BYHAND = 431;

/** The machine that was started in a session, in a service of its own; and then elsewhere in some hierarchy. */
const inService = (then?: HostChange): HostChange => (copy: Changeable) => {
  for (const [file, text] of [...copy.files]) if (new RegExp(`^/proc/${BYHAND}/task/\\d+/cgroup$`).test(file)) copy.files.set(file, text.replaceAll('/user.slice/user-0.slice/session-5.scope', '/system.slice/vm.service').replaceAll(':/user.slice\n', ':/system.slice\n'));
  then?.(copy);
};

function all(copy: Changeable, key: string, path: string): void {
  for (const file of copy.files.keys()) {
    const tid = new RegExp(`^/proc/${BYHAND}/task/(\\d+)/cgroup$`).exec(file)?.[1];
    if (tid !== undefined) put(copy, BYHAND, Number(tid), key, path);
  }
}

describe('moved-out-reverts', () => {
  it('a process in another cgroup of cpu than its unit\'s', async () => {
    const found = await findingsOfRule(movedOutReverts, HOST, inService(copy => all(copy, 'cpu,cpuacct', '/fast')));
    assert.deepEqual(said(found), ['information: it is in /fast (cpu,cpuacct), out of its unit /system.slice/vm.service: systemd may put it back']);
    assert.deepEqual(read(found[0]!), ['/proc/431/task/431/cgroup   cpu,cpuacct:/fast', '/proc/431/task/431/cgroup   name=systemd:/system.slice/vm.service']);
  });

  const silent: Readonly<Record<string, HostChange>> = {
    'a unit that has no cgroup in cpu: it is above': inService(copy => all(copy, 'cpu,cpuacct', '/system.slice')),
    'a cgroup below the unit': inService(copy => all(copy, 'cpu,cpuacct', '/system.slice/vm.service/fast')),
    'a controller that systemd does not use': inService(copy => all(copy, 'cpuset', '/fast')),
    'a single thread, which systemd does not know': inService(copy => put(copy, BYHAND, 437, 'cpu,cpuacct', '/fast')),
    'a host without systemd': inService(copy => {
      all(copy, 'cpu,cpuacct', '/fast');
      edit(copy, '/proc/1/comm', () => 'init\n');
    }),
  };
  for (const [name, change] of Object.entries(silent)) it(`says nothing of ${name}`, async () => assert.deepEqual((await findingsOfRule(movedOutReverts, HOST, change)).map(({ machine }) => machine.name), []));
  for (const host of ALL_HOSTS) it(`says nothing of ${host}`, async () => assert.deepEqual(await findingsOfRule(movedOutReverts, host), []));
});
