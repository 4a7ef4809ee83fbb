import assert from 'node:assert/strict';
import { vhostElsewhere } from '../../../src/core/rules/vhostElsewhere';
import { QEMU, SCOPE, addProcess } from '../fixtures';
import { type HostChange, findingsOfRule, put } from './checkRule';
import { planned, read, said } from './said';

const LIBVIRT = `${SCOPE}/libvirt`;
const VHOST = 7000;
const KERNEL_THREAD = 0x208040;

/** The kernel's worker of a machine, with the machine's first thread until it is moved; one hierarchy → where to. */
const worker = (machine: number, places: Readonly<Record<string, string>> = {}): HostChange => copy => {
  addProcess(copy, VHOST, { comm: `vhost-${machine}`, cgroup: copy.files.get(`/proc/${machine}/task/${machine}/cgroup`)!, ppid: 2, flags: KERNEL_THREAD });
  for (const [key, path] of Object.entries(places)) put(copy, VHOST, VHOST, key, path);
};

describe('vhost-elsewhere', () => {
  it('v1: outside the machine in two hierarchies, moved by its fix', async () => {
    const change = worker(450, { 'cpu,cpuacct': '/', cpuset: '/system.slice' });
    const found = await findingsOfRule(vhostElsewhere, 'guest-hybrid', change);
    assert.deepEqual(said(found), [
      'warning: vhost-450 is in / (cpu,cpuacct), the emulator in S/emulator [Move vhost-450 to S/emulator (cpu,cpuacct)]',
      'warning: vhost-450 is in /system.slice (cpuset), the emulator in S/emulator [Move vhost-450 to S/emulator (cpuset)]',
    ]);
    assert.deepEqual(read(found[0]!), ['/proc/7000/task/7000/cgroup   cpu,cpuacct:/', '/proc/450/task/450/cgroup   cpu,cpuacct:SCOPE/libvirt/emulator']);
    assert.deepEqual(await planned('guest-hybrid', change, found[0]!), ['7000 to tasks of S/emulator']);
  });

  it('v2: outside the machine; a kernel thread cannot be moved into a threaded group of another domain', async () => {
    assert.deepEqual(said(await findingsOfRule(vhostElsewhere, 'guest-v2', worker(QEMU, { '': '/' }))), ['warning: vhost-519 is in / (v2), the emulator in S/emulator']);
  });

  it('in a vCPU\'s group: information', async () => {
    assert.deepEqual(said(await findingsOfRule(vhostElsewhere, 'guest-v2', worker(QEMU, { '': `${LIBVIRT}/vcpu1` }))), ['information: vhost-519 is in S/vcpu1 (v2), the emulator in S/emulator']);
  });

  const silent: Record<string, HostChange> = {
    'one that is with the emulator': worker(QEMU),
    'one that has a group of its own': worker(QEMU, { '': `${LIBVIRT}/vhost` }),
    'one whose cgroup was removed': worker(QEMU, { '': '/system.slice/x (deleted)' }),
  };
  for (const [name, change] of Object.entries(silent)) it(`says nothing of ${name}`, async () => assert.deepEqual(await findingsOfRule(vhostElsewhere, 'guest-v2', change), []));

  it('says nothing where v2 has no controllers', async () => assert.deepEqual(await findingsOfRule(vhostElsewhere, 'guest-hybrid', worker(450, { '': '/', pids: '/', memory: '/' })), []));
  it('says nothing of a real one beside a machine that was started by hand', async () => assert.deepEqual(await findingsOfRule(vhostElsewhere, 'guest-v2-threaded-under-unit'), []));
});
