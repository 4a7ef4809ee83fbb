import assert from 'node:assert/strict';
import { strangerInVcpuCgroup } from '../../../src/core/rules/strangerInVcpuCgroup';
import { ALL_HOSTS, type Changeable, type HostName, QEMU, SCOPE } from '../fixtures';
import { type HostChange, edit, findingsOfRule, put } from './checkRule';
import { read, said } from './said';

const S = `${SCOPE}/libvirt`;

/** Thread 523 of guest-v2 is called so, and is in this group. */
const named = (comm: string, group: string): HostChange => (copy: Changeable) => {
  edit(copy, `/proc/${QEMU}/task/523/stat`, text => text.replace('(qemu-system-x86)', `(${comm})`));
  put(copy, QEMU, 523, '', `${S}/${group}`);
};

describe('stranger-in-vcpu-cgroup', () => {
  const fires: Readonly<Record<string, readonly [HostChange, string]>> = {
    'an io_uring worker in a vCPU\'s group': [named('iou-wrk-519', 'vcpu0'), 'hint: io_uring worker (iou-wrk-519) is in S/vcpu0 (v2), which is the group of another thread'],
    'a worker that a vCPU has started, for the variables of UEFI': [named('worker', 'vcpu0'), 'hint: worker (worker) is in S/vcpu0 (v2), which is the group of another thread'],
    'an I/O thread that libvirt did not name': [named('IO mine', 'vcpu1'), 'hint: I/O thread mine (IO mine) is in S/vcpu1 (v2), which is the group of another thread'],
  };
  for (const [name, [change, sentence]] of Object.entries(fires)) {
    it(name, async () => {
      const found = await findingsOfRule(strangerInVcpuCgroup, 'guest-v2', change);
      assert.deepEqual(said(found), [sentence]);
      assert.match(read(found[0]!)[0]!, /^\/proc\/519\/task\/523\/cgroup   0::SCOPE\/libvirt\/vcpu\d$/);
    });
  }

  const silent: Readonly<Record<string, HostChange>> = {
    'kvm-nx-lpage-re in vcpu0, where the kernel starts it': named('kvm-nx-lpage-re', 'vcpu0'),
    'a worker that an I/O thread has started': named('worker', 'iothread1'),
    'an io_uring worker of an I/O thread': named('iou-wrk-525', 'iothread1'),
    'a thread that belongs to emulator, which is thread-outside-layout': copy => put(copy, QEMU, 523, '', `${S}/vcpu0`),
    'one in the emulator\'s group': copy => edit(copy, `/proc/${QEMU}/task/523/stat`, text => text.replace('(qemu-system-x86)', '(iou-wrk-519)')),
    'one in a cgroup that is called so and is not libvirt\'s': named('iou-wrk-519', 'x/vcpu0'),
  };
  for (const [name, change] of Object.entries(silent)) it(`says nothing of ${name}`, async () => assert.deepEqual(await findingsOfRule(strangerInVcpuCgroup, 'guest-v2', change), []));
  for (const host of ALL_HOSTS) it(`says nothing of ${host}`, async () => assert.deepEqual(await findingsOfRule(strangerInVcpuCgroup, host as HostName), []));
});
