import assert from 'node:assert/strict';
import { threadedDirectlyUnderUnit } from '../../../src/core/rules/threadedDirectlyUnderUnit';
import { SCOPE } from '../fixtures';
import { edit, findingsOfRule } from './checkRule';
import { read, said } from './said';

const HOST = 'guest-v2-threaded-under-unit';
const UNIT = '/sys/fs/cgroup/system.slice/by-service.service';

describe('threaded-directly-under-unit', () => {
  it('a service with a threaded group of its own, as it was made on a real host', async () => {
    const found = await findingsOfRule(threadedDirectlyUnderUnit, HOST);
    assert.deepEqual(said(found), ['warning: threads are in groups right below /system.slice/by-service.service: systemd can put no process of its own there']);
    assert.deepEqual(found.map(({ machine, threads }) => [machine.name, threads.map(({ tid }) => tid)]), [['service', [819]]]);
    assert.deepEqual(read(found[0]!), [`${UNIT}/cgroup.type   domain threaded`]);
  });

  it('libvirt before 7.1, with its groups right below the scope: no fault of the administrator\'s', async () => {
    const found = await findingsOfRule(threadedDirectlyUnderUnit, 'guest-v2', copy => edit(copy, `/sys/fs/cgroup${SCOPE}/cgroup.type`, () => 'domain threaded\n'));
    assert.deepEqual(said(found).map(text => text.replace(SCOPE, 'SCOPE')), ['information: threads are in groups right below SCOPE, as libvirt before 7.1 has them']);
  });

  it('says nothing of libvirt\'s own level, which is a thread root in every healthy machine', async () => assert.deepEqual(await findingsOfRule(threadedDirectlyUnderUnit, 'guest-v2'), []));
  it('says nothing of a unit that is a domain', async () => assert.deepEqual(await findingsOfRule(threadedDirectlyUnderUnit, HOST, copy => edit(copy, `${UNIT}/cgroup.type`, () => 'domain\n')), []));
  it('says nothing where PID 1 is not systemd', async () => assert.deepEqual(await findingsOfRule(threadedDirectlyUnderUnit, HOST, copy => edit(copy, '/proc/1/comm', () => 'init\n')), []));
});
