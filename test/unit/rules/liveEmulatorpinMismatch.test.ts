import assert from 'node:assert/strict';
import { liveEmulatorpinMismatch } from '../../../src/core/rules/liveEmulatorpinMismatch';
import { QEMU, SCOPE, addProcess } from '../fixtures';
import { type HostChange, put } from './checkRule';
import { allow, checked, sentences, set, stepsOf } from './pins';

/** What `emulatorpin --live` leaves on a kernel that keeps masks. */
const pinned: HostChange = copy => {
  set(copy, '/proc/sys/kernel/osrelease', '6.18.0');
  for (const tid of [523, 527]) allow(copy, QEMU, tid, '1');
};

/** The emulator has no pin, and CPUs 2-7 are isolated: libvirt starts QEMU on the others. */
const unpinned: HostChange = copy => {
  for (const [file, value] of [['cpuset.cpus', ''], ['cpuset.cpus.effective', '0-7']] as const) set(copy, `/sys/fs/cgroup${SCOPE}/libvirt/emulator/${file}`, value);
};

describe('live-emulatorpin-mismatch', () => {
  it('the first thread has all of the pin, the others a part: said, with what was read, and put right', async () => {
    const { model, findings } = await checked(liveEmulatorpinMismatch, 'numa-isolated', pinned);
    assert.deepEqual(findings.map(f => [f.severity, f.sentence(path => path.replace(SCOPE, 'X')), f.threads.map(({ tid }) => tid)]), [['warning', '2 threads of X/libvirt/emulator may run only on CPU 1, others on CPUs 0-1', [523, 527]]]);
    assert.deepEqual(findings[0]!.evidence, [
      { file: `/proc/${QEMU}/task/523/status`, value: 'Cpus_allowed_list: 1' },
      { file: `/proc/${QEMU}/task/527/status`, value: 'Cpus_allowed_list: 1' },
      { file: `/sys/fs/cgroup${SCOPE}/libvirt/emulator/cpuset.cpus`, value: '0-1' },
      { file: `/sys/fs/cgroup${SCOPE}/libvirt/emulator/cpuset.cpus.effective`, value: '0-1' },
    ]);
    assert.deepEqual(stepsOf(model, findings[0]), ['pin 523 to 0-7', 'pin 527 to 0-7']);
  });

  it('isolated CPUs are not given back: nothing balances there', async () => {
    const { model, findings } = await checked(liveEmulatorpinMismatch, 'numa-isolated', copy => {
      unpinned(copy);
      allow(copy, QEMU, 523, '1');
    });
    assert.deepEqual(findings.map(f => [f.sentence(() => 'S/emulator'), f.advice(path => path), stepsOf(model, f)]), [['other (TID 523) may run only on CPU 1, others of S/emulator on CPUs 0-1', 'taskset -pc 0-1 TID, for each of 523', ['pin 523 to 0-1']]]);
    assert.equal(findings[0]!.fixes[0]!.title(path => path), 'Let other run on all CPUs of the cpuset that are not isolated (0-1)');
  });

  it('a single thread, and the first alone, may be meant so', async () => {
    for (const [tid, name] of [[527, 'other (TID 527)'], [519, 'emulator (TID 519)']] as const) {
      assert.deepEqual(await sentences(liveEmulatorpinMismatch, 'numa-isolated', copy => {
        set(copy, '/proc/sys/kernel/osrelease', '6.18.0');
        allow(copy, QEMU, tid, '1');
      }), [`information: ${name} may run only on CPU 1, others of S/emulator on CPUs 0-1`]);
    }
  });

  it('a kernel that keeps no mask: no work of emulatorpin', async () => {
    assert.deepEqual(await sentences(liveEmulatorpinMismatch, 'numa-isolated', copy => {
      pinned(copy);
      set(copy, '/proc/sys/kernel/osrelease', '6.1.0');
    }), ['information: 2 threads of S/emulator may run only on CPU 1, others on CPUs 0-1']);
  });

  const silent: Record<string, HostChange> = {
    'threads that are all alike': copy => [519, 523, 527].forEach(tid => allow(copy, QEMU, tid, '1')),
    'what libvirt keeps off isolated CPUs, beside a vhost-PID of the kernel that has the whole cpuset': copy => {
      unpinned(copy);
      addProcess(copy, 600, { comm: `vhost-${QEMU}`, cgroup: copy.files.get(`/proc/${QEMU}/task/${QEMU}/cgroup`)!, ppid: 2, flags: 0x208040 });
      allow(copy, 600, 600, '0-7');
    },
    'threads that differ in isolated CPUs alone': copy => {
      unpinned(copy);
      allow(copy, QEMU, QEMU, '0-7');
    },
    'a vhost-PID of the kernel with less than the cpuset': copy => {
      addProcess(copy, 600, { comm: `vhost-${QEMU}`, cgroup: copy.files.get(`/proc/${QEMU}/task/${QEMU}/cgroup`)!, ppid: 2, flags: 0x208040 });
      allow(copy, 600, 600, '1');
    },
    'a vCPU that is lost in emulator: another rule': copy => put(copy, QEMU, 528, '', `${SCOPE}/libvirt/emulator`),
    'an I/O thread in emulator': copy => put(copy, QEMU, 525, '', `${SCOPE}/libvirt/emulator`),
    'a thread whose affinity cannot be read': copy => void copy.files.delete(`/proc/${QEMU}/task/523/status`),
  };
  for (const [name, change] of Object.entries(silent)) it(`says nothing of ${name}`, async () => assert.deepEqual(await sentences(liveEmulatorpinMismatch, 'numa-isolated', change), []));
});
