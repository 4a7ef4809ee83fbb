import assert from 'node:assert/strict';
import { roleOrder, rolesOf } from '../../../src/core/model/roles';
import type { RoleKind } from '../../../src/core/model/hostModel';
import { parseTaskStat, taskFlags, tellsIoWorkers } from '../../../src/core/parse/taskStat';
import { statText } from '../fixtures';

const ARGS = { name: undefined, uuid: undefined, ioThreads: ['iothread1', 'iothread10', 'virtio-blk-pool', 'virtio-scsi-a', 'virtio-scsi-b'], incoming: false };

function role(comm: string, fields: Readonly<Record<number, number>> = {}, tid = 530, pid = 519, kernel = '6.1.0-50-cloud-amd64') {
  return rolesOf(parseTaskStat(statText(tid, comm, fields))!, pid, ARGS, tellsIoWorkers(kernel)).role;
}

describe("a thread's role", () => {
  /** comm → kind, id, known by */
  const table: Readonly<Record<string, readonly [comm: string, kind: RoleKind, id: string | undefined, knownBy: string]>> = {
    'a vCPU under KVM': ['CPU 3/KVM', 'vcpu', '3', 'thread name'],
    'a vCPU under TCG': ['CPU 0/TCG', 'vcpu', '0', 'thread name'],
    'a vCPU with a long number': ['CPU 1023/KVM', 'vcpu', '1023', 'thread name'],
    'all vCPUs in one thread (tcg,thread=single)': ['ALL CPUs/TCG', 'vcpu', 'all', 'thread name'],
    'an I/O thread': ['IO iothread1', 'iothread', 'iothread1', 'thread name'],
    'an I/O thread whose name was cut, completed from the command line': ['IO virtio-blk-p', 'iothread', 'virtio-blk-pool', 'thread name'],
    'an I/O thread whose cut name fits two: as it is': ['IO virtio-scsi-', 'iothread', 'virtio-scsi-', 'thread name'],
    'an I/O thread that the command line does not know': ['IO hotplugged', 'iothread', 'hotplugged', 'thread name'],
    'a short id is not taken for a longer one': ['IO iothread', 'iothread', 'iothread', 'thread name'],
    'an I/O thread with a newline in its name': ['IO a\nb', 'iothread', 'a\nb', 'thread name'],
    "QEMU's monitor is no I/O thread of the machine": ['IO mon_iothread', 'other', undefined, 'thread name'],
    'nor is COLO': ['IO colo-compare', 'other', undefined, 'thread name'],
    'vhost since Linux 6.4': ['vhost-519', 'vhost', undefined, 'kernel'],
    'a worker': ['worker', 'worker', undefined, 'thread name'],
    'a worker of glib': ['pool-qemu-kvm', 'worker', undefined, 'thread name'],
    'what connects an NBD disk again': ['nbd-connection', 'worker', undefined, 'thread name'],
    'a migration that goes out': ['live_migration', 'migration', undefined, 'thread name'],
    'its channels': ['multifdsend_3', 'migration', undefined, 'thread name'],
    'its channels since QEMU 9.2': ['mig/src/send_1', 'migration', undefined, 'thread name'],
    'a migration that comes back': ['return path', 'migration', undefined, 'thread name'],
    'the target of one in postcopy before QEMU 9.1': ['postcopy/listen', 'migration', undefined, 'thread name'],
    'its faults': ['fault-default', 'migration', undefined, 'thread name'],
    'its faults that may not wait': ['fault-fast', 'migration', undefined, 'thread name'],
    'its faults before QEMU 7.1': ['postcopy/fault', 'migration', undefined, 'thread name'],
    'VNC': ['vnc_worker', 'vnc', undefined, 'thread name'],
    'SPICE': ['SPICE Worker', 'spice', undefined, 'thread name'],
    'RCU': ['call_rcu', 'call_rcu', undefined, 'thread name'],
    'RCU where it is called like the process': ['qemu-system-x86', 'other', undefined, 'thread name'],
    'an io_uring worker': ['iou-wrk-528', 'io_uring', undefined, 'kernel'],
    'an io_uring poller': ['iou-sqp-519', 'io_uring', undefined, 'kernel'],
    "KVM's recovery of huge pages, a task of QEMU on new kernels": ['kvm-nx-lpage-re', 'kernel', undefined, 'thread name'],
    'a name that only begins like a vCPU': ['CPU 0/KVM)', 'other', undefined, 'thread name'],
    'a name that only ends like one': ['xCPU 0/KVM', 'other', undefined, 'thread name'],
    'no name': ['', 'other', undefined, 'thread name'],
  };
  for (const [name, [comm, kind, id, knownBy]] of Object.entries(table)) it(`${kind}: ${name}`, () => assert.deepEqual(role(comm), { kind, id, knownBy }));

  it('emulator: the main thread, whatever it is called', () => {
    for (const comm of ['qemu-system-x86', 'CPU 0/KVM', 'vhost-519', '']) assert.deepEqual(role(comm, {}, 519), { kind: 'emulator', id: undefined, knownBy: 'kernel' });
  });

  it('vcpu: a thread without a telling name that has run a guest, of which number nobody knows', () => {
    assert.deepEqual(role('qemu-kvm', { 43: 7 }), { kind: 'vcpu', id: undefined, knownBy: 'guest time' });
  });

  it('io_uring: a worker by its flag, whatever it is called', () => {
    assert.deepEqual(role('renamed', { 9: taskFlags.ioWorker }), { kind: 'io_uring', id: undefined, knownBy: 'kernel' });
  });

  it('vcpu: on kernels before io_uring had workers of the process, the bit is set while a guest runs', () => {
    const flagged = (comm: string, kernel: string, guestTime = 0) => role(comm, { 9: taskFlags.ioWorker, 43: guestTime }, 530, 519, kernel);
    for (const kernel of ['5.4.0-200-generic', '5.4.203-1-pve', '5.3.18-150300.59.198-default', '4.18.0-553.el8_10.x86_64', '']) {
      assert.deepEqual(flagged('CPU 0/KVM', kernel), { kind: 'vcpu', id: '0', knownBy: 'thread name' }, kernel);
      assert.equal(flagged('iou-wrk-1', kernel).kind, 'io_uring', kernel);
    }
    assert.deepEqual(flagged('qemu-system-x86', '5.4.0-200-generic', 7), { kind: 'vcpu', id: undefined, knownBy: 'guest time' });
    for (const kernel of ['5.12.0', '5.14.0-503.el9.x86_64', '6.1.0-50-cloud-amd64', '']) assert.equal(flagged('renamed', kernel).kind, 'io_uring', kernel);
  });

  it('orders emulator, vCPUs and I/O threads by number, then the others, by TID where all else is equal', () => {
    const threads = [
      { tid: 9, role: role('worker') },
      { tid: 8, role: role('CPU 10/KVM') },
      { tid: 7, role: role('CPU 2/KVM') },
      { tid: 6, role: role('IO iothread10') },
      { tid: 5, role: role('IO iothread1') },
      { tid: 4, role: role('worker') },
      { tid: 3, role: role('kvm-nx-lpage-re') },
      { tid: 2, role: role('x') },
      { tid: 1, role: role('x', {}, 519) },
    ];
    assert.deepEqual(threads.sort(roleOrder(new Intl.Collator('en', { numeric: true }))).map(t => t.tid), [1, 7, 8, 5, 6, 4, 9, 2, 3]);
  });
});
