import assert from 'node:assert/strict';
import type { Finding } from '../../../src/core/rules/rule';
import { rolesDisagree } from '../../../src/core/rules/rolesDisagree';
import { taskFlags } from '../../../src/core/parse/taskStat';
import { ALL_HOSTS, type Changeable, QEMU, statText } from '../fixtures';
import { type HostChange, edit, findingsOfRule } from './checkRule';

const STATE = '/run/libvirt/qemu/serial.xml';
const shown = (path: string): string => path;
const findings = (change?: HostChange): Promise<Finding[]> => findingsOfRule(rolesDisagree, 'guest-v2', change);

function task(tid: number, comm: string, fields: Readonly<Record<number, number>> = {}): HostChange {
  return copy => void copy.files.set(`/proc/${QEMU}/task/${tid}/stat`, statText(tid, comm, { 22: 31625, ...fields }));
}

function kvm(vcpus: Readonly<Record<number, number>>): HostChange {
  return copy => {
    for (const [n, tid] of Object.entries(vcpus)) copy.files.set(`/sys/kernel/debug/kvm/${QEMU}-13/vcpu${n}/pid`, `${tid}\n`);
  };
}

const withoutState = (copy: Changeable): void => void copy.files.delete(STATE);
const all = (...changes: readonly HostChange[]): HostChange => copy => changes.forEach(change => change(copy));

describe('roles-disagree', () => {
  it('libvirt takes one thread for vCPU 2 that is called CPU 3: a warning, with what each has written', async () => {
    const [found, ...more] = await findings(copy => edit(copy, STATE, text => text.replace("id='3' pid='531'", "id='3' pid='526'").replace("id='2' pid='530'", "id='2' pid='531'")));
    assert.equal(found!.severity, 'warning');
    assert.equal(found!.sentence(shown), 'of thread 531, libvirt says vCPU 2, its name says vCPU 3');
    assert.deepEqual(found!.evidence, [{ file: STATE, value: "<vcpu id='2' pid='531'/>" }, { file: `/proc/${QEMU}/task/531/stat`, value: '(CPU 3/TCG)' }]);
    assert.deepEqual([found!.at, found!.threads, found!.fixes], [{ kind: 'thread', thread: found!.threads[0] }, [found!.threads[0]], []]);
    assert.match(found!.advice(shown), /virsh vcpupin/);
    assert.match(found!.cost(), /may hold for another/);
    // 526 is I/O thread 2 by its name alone: no proof against libvirt.
    assert.deepEqual(more.map(one => [one.severity, one.sentence(shown)]), [['information', 'of thread 526, libvirt says vCPU 3, its name says I/O thread iothread2']]);
  });

  const cases: Readonly<Record<string, readonly [change: HostChange, severity: string, sentence: string]>> = {
    'libvirt against KVM': [all(kvm({ 0: 529, 1: 528, 2: 530, 3: 531 }), task(528, 'x'), task(529, 'x')), 'warning', "of thread 528, libvirt says vCPU 0, KVM's debugfs says vCPU 1"],
    'KVM against a name': [all(withoutState, kvm({ 0: 528, 1: 529, 2: 531, 3: 530 })), 'warning', "of thread 531, KVM's debugfs says vCPU 2, its name says vCPU 3"],
    'libvirt against the kernel': [task(530, 'CPU 2/KVM', { 9: taskFlags.ioWorker }), 'warning', 'of thread 530, libvirt says vCPU 2, the kernel says io_uring worker, its name says vCPU 2'],
    'a vCPU by its guest time that is called like a worker': [all(withoutState, task(530, 'worker', { 43: 7 })), 'information', 'of thread 530, its guest time says vCPU ?, its name says worker'],
    'a hostile name': [all(withoutState, task(530, 'IO \u001b[31m\u202e', { 43: 7 })), 'information', 'of thread 530, its guest time says vCPU ?, its name says I/O thread \\u{1b}[31m\\u{202e}'],
  };
  for (const [name, [change, severity, sentence]] of Object.entries(cases)) {
    it(name, async () => {
      const [found] = await findings(change);
      assert.deepEqual([found?.severity, found?.sentence(shown)], [severity, sentence]);
    });
  }

  const silent: Readonly<Record<string, HostChange>> = {
    'a vCPU without a name': task(530, 'qemu-system-x86'),
    'a vCPU without a name that has run a guest': task(530, 'qemu-system-x86', { 43: 7 }),
    'a vCPU of which libvirt knows nothing yet': copy => edit(copy, STATE, text => text.replace(/ *<vcpu id='3'.*\n/, '')),
    "KVM's numbers have gaps: they are APIC ids": kvm({ 0: 528, 1: 529, 4: 530, 5: 531 }),
    'KVM says the same': kvm({ 0: 528, 1: 529, 2: 530, 3: 531 }),
    "a thread of QEMU's that is called like it": task(523, 'qemu-system-x86', { 9: taskFlags.userWorker }),
    "a state of another machine, whose PID is this one's": copy => edit(copy, STATE, text => text.replace('1111', '2222').replace("id='2' pid='530'", "id='2' pid='531'")),
    'a vCPU that libvirt says is the main thread, as old ones do of emulated machines': copy => edit(copy, STATE, text => text.replace("pid='530'", `pid='${QEMU}'`)),
    ...Object.fromEntries(['5.4.0-200-generic', '4.18.0-553.el8_10.x86_64'].map(kernel => [
      `vCPUs in their guest, on ${kernel}: the bit that is io_uring's on newer ones says that`,
      all(task(528, 'CPU 0/KVM', { 9: taskFlags.ioWorker, 43: 7 }), task(529, 'qemu-system-x86', { 9: taskFlags.ioWorker }), copy => edit(copy, '/proc/sys/kernel/osrelease', () => `${kernel}\n`)),
    ])),
    'one thread for all vCPUs': all(withoutState, task(530, 'ALL CPUs/TCG', { 43: 7 })),
  };
  for (const [name, change] of Object.entries(silent)) it(`says nothing of this: ${name}`, async () => assert.deepEqual(await findings(change), []));

  for (const host of ALL_HOSTS) it(`says nothing of ${host}`, async () => assert.deepEqual(await findingsOfRule(rolesDisagree, host), []));
});
