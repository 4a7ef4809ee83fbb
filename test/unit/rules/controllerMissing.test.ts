import assert from 'node:assert/strict';
import { CheckedHost } from '../../../src/core/rules/checkedHost';
import { controllerMissing } from '../../../src/core/rules/controllerMissing';
import { ALL_HOSTS, type Changeable, SCOPE, modelOf } from '../fixtures';
import { type HostChange, findingsOfRule, put } from './checkRule';
import { read, said } from './said';

const HYBRID = 450;

/** libvirt uses no such controller: no thread is in it, and no directory was made. */
const unused = (key: string): HostChange => (copy: Changeable) => {
  for (const file of copy.files.keys()) {
    const tid = new RegExp(`^/proc/${HYBRID}/task/(\\d+)/cgroup$`).exec(file)?.[1];
    if (tid !== undefined) put(copy, HYBRID, Number(tid), key, '/');
  }
  for (const directory of [...copy.directories]) if (directory.startsWith(`/sys/fs/cgroup/${key}${SCOPE}`)) copy.directories.delete(directory);
  for (const file of [...copy.files.keys()]) if (file.startsWith(`/sys/fs/cgroup/${key}${SCOPE}`)) copy.files.delete(file);
};

describe('controller-missing', () => {
  it('groups in cpu and none in cpuset', async () => {
    const { model } = await modelOf('guest-hybrid', unused('cpuset'));
    const machine = { ...model.machines[0]!, libvirt: undefined };
    const [found, ...more] = controllerMissing.check(new CheckedHost({ ...model, machines: [machine] }, undefined), machine);
    assert.deepEqual(more, []);
    assert.deepEqual(said([found!]), ['information: it has groups of threads in S, and none in cpuset']);
    assert.deepEqual(read(found!), ['/proc/450/task/458/cgroup   cpuset:/', '/proc/450/task/458/cgroup   cpu,cpuacct:SCOPE/libvirt/vcpu0']);
    const pinned = { ...machine, libvirt: { vcpus: new Map(), vcpuPins: new Map([[0, model.topology.online!]]), ioThreadPins: new Map(), emulatorPin: undefined } };
    assert.deepEqual([...controllerMissing.check(new CheckedHost({ ...model, machines: [pinned] }, undefined), pinned)].map(({ severity }) => severity), ['warning']);
  });

  it('groups in cpuset and none in cpu', async () => {
    assert.deepEqual(said(await findingsOfRule(controllerMissing, 'guest-hybrid', unused('cpu,cpuacct'))), ['information: it has groups of threads in S, and none in cpu,cpuacct']);
  });

  it('says nothing of a process that was moved out of its directory, which is there', async () => {
    assert.deepEqual(await findingsOfRule(controllerMissing, 'guest-hybrid', copy => {
      for (const file of copy.files.keys()) {
        const tid = /^\/proc\/450\/task\/(\d+)\/cgroup$/.exec(file)?.[1];
        if (tid !== undefined) put(copy, HYBRID, Number(tid), 'cpuset', '/');
      }
    }), []);
  });
  it('says nothing of a controller that libvirt does not have groups in', async () => assert.deepEqual(await findingsOfRule(controllerMissing, 'guest-hybrid', unused('memory')), []));
  for (const host of ALL_HOSTS) it(`says nothing of ${host}`, async () => assert.deepEqual(await findingsOfRule(controllerMissing, host), []));
});
