import assert from 'node:assert/strict';
import { ioUringWorkers } from '../../../src/core/rules/ioUringWorkers';
import { QEMU, SCOPE, statText } from '../fixtures';
import { type HostChange, findingsOfRule } from './checkRule';
import { planned, read, said } from './said';

const TID = 7002;
const BOUND = 0x4000000;

/** A worker that I/O thread 1 has made: its cpuset has CPU 1. */
const worker = (cpus: string, flags = 0): HostChange => copy => {
  const task = `/proc/${QEMU}/task/${TID}`;
  copy.files.set(`${task}/stat`, statText(TID, `iou-wrk-${QEMU}`, { 4: 1, 9: 0x10 | flags, 22: 40000 }));
  copy.files.set(`${task}/cgroup`, `0::${SCOPE}/libvirt/iothread1\n`);
  copy.files.set(`${task}/status`, `Cpus_allowed_list:\t${cpus}\n`);
};

describe('io-uring-workers', () => {
  it('a worker outside its cpuset, pinned by its fix', async () => {
    const found = await findingsOfRule(ioUringWorkers, 'guest-v2', worker('0-1'));
    assert.deepEqual(said(found), ['warning: iou-wrk-519 (7002) may run on CPUs 0-1, its cpuset has CPU 1 [Pin iou-wrk-519 to CPU 1]']);
    assert.deepEqual(read(found[0]!), ['/proc/519/task/7002/status   Cpus_allowed_list: 0-1', '/sys/fs/cgroupSCOPE/libvirt/iothread1/cpuset.cpus.effective   1']);
    assert.deepEqual(await planned('guest-v2', worker('0-1'), found[0]!), ['7002 on 1']);
  });

  it('one whose own cgroup has no cpuset, outside that of the slice above, as with Proxmox VE', async () => {
    const change: HostChange = copy => {
      worker('0-7')(copy);
      for (const directory of ['qemu.slice', 'qemu.slice/100.scope']) copy.directories.add(`/sys/fs/cgroup/${directory}`);
      copy.files.set('/sys/fs/cgroup/qemu.slice/cpuset.cpus.effective', '0-1\n');
      copy.files.set(`/proc/${QEMU}/task/${TID}/cgroup`, '0::/qemu.slice/100.scope\n');
    };
    const found = await findingsOfRule(ioUringWorkers, 'numa-isolated', change);
    assert.deepEqual(said(found), ['warning: iou-wrk-519 (7002) may run on CPUs 0-7, its cpuset has CPUs 0-1 [Pin iou-wrk-519 to CPUs 0-1]']);
    assert.equal(read(found[0]!)[1], '/sys/fs/cgroup/qemu.slice/cpuset.cpus.effective   0-1');
  });

  it('one that is outside and bound: nothing pins it', async () => {
    const found = await findingsOfRule(ioUringWorkers, 'guest-v2', worker('0-1', BOUND));
    assert.deepEqual(said(found), ['warning: iou-wrk-519 (7002) may run on CPUs 0-1, its cpuset has CPU 1']);
    assert.equal(read(found[0]!)[2], '/proc/519/task/7002/stat   field 9: 0x4000010');
  });

  it('one that is bound, where it may be: a hint', async () => {
    assert.deepEqual(said(await findingsOfRule(ioUringWorkers, 'guest-v2', worker('1', BOUND))), ['hint: iou-wrk-519 (7002) can be neither pinned nor moved on this kernel']);
  });

  const silent: Record<string, HostChange> = {
    'one within its cpuset': worker('1'),
    'one that has offline CPUs besides': worker('1,7'),
  };
  for (const [name, change] of Object.entries(silent)) it(`says nothing of ${name}`, async () => assert.deepEqual(await findingsOfRule(ioUringWorkers, 'guest-v2', change), []));
});
