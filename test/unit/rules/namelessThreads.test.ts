import assert from 'node:assert/strict';
import { namelessThreads } from '../../../src/core/rules/namelessThreads';
import type { Finding } from '../../../src/core/rules/rule';
import { ALL_HOSTS, type Changeable, QEMU } from '../fixtures';
import { type HostChange, findingsOfRule } from './checkRule';

const STATE = '/run/libvirt/qemu/serial.xml';
const shown = (path: string): string => path;
const findings = (change?: HostChange): Promise<Finding[]> => findingsOfRule(namelessThreads, 'guest-v2', change);
const all = (...changes: readonly HostChange[]): HostChange => copy => changes.forEach(change => change(copy));
const withoutState = (copy: Changeable): void => void copy.files.delete(STATE);

/** As QEMU is without debug-threads=on. */
function unnamed(copy: Changeable, keep = /^$/): void {
  for (const [path, text] of copy.files) if (path.startsWith(`/proc/${QEMU}/task/`) && path.endsWith('/stat') && !keep.test(text)) copy.files.set(path, text.replace(/\(.*\)/, '(qemu-system-x86)'));
}

/** No cgroup tells anything. */
function unplaced(copy: Changeable): void {
  for (const path of copy.files.keys()) if (path.startsWith(`/proc/${QEMU}/task/`) && path.endsWith('/cgroup')) copy.files.set(path, '0::/user.slice\n');
}

describe('nameless-threads', () => {
  it('libvirt tells who is who all the same: a hint', async () => {
    const [found, ...more] = await findings(unnamed);
    assert.deepEqual(more, []);
    assert.equal(found!.severity, 'hint');
    assert.equal(found!.sentence(shown), 'no thread is called CPU N: QEMU was started without debug-threads=on');
    assert.equal(found!.cost(), 'ps, top and perf cannot tell a vCPU from other threads');
    assert.deepEqual(found!.evidence, [{ file: `/proc/${QEMU}/task/528/stat`, value: '(qemu-system-x86)' }]);
    assert.deepEqual([found!.at, found!.threads, found!.fixes], [{ kind: 'machine' }, [], []]);
    assert.match(found!.advice(shown), /debug-threads=on/);
  });

  const unknown: Readonly<Record<string, HostChange>> = {
    'nobody tells, but their cgroups': all(withoutState, unnamed),
    'nobody tells at all': all(withoutState, unnamed, unplaced),
    'nobody tells at all, and the kernel has named a thread of its own': all(withoutState, unnamed, unplaced, copy => copy.files.set(`/proc/${QEMU}/task/523/stat`, copy.files.get(`/proc/${QEMU}/task/523/stat`)!.replace(/\(.*\)/, '(kvm-nx-lpage-re)'))),
    'some have run a guest, and have no number': all(withoutState, unnamed, unplaced, copy => copy.files.set(`/proc/${QEMU}/task/530/stat`, copy.files.get(`/proc/${QEMU}/task/530/stat`)!.replace(/((?:\S+ ){40})\S+/, (_, before: string) => `${before}7`))),
  };
  for (const [name, change] of Object.entries(unknown)) {
    it(`which thread is which vCPU is not known: ${name}`, async () => {
      const [found] = await findings(change);
      assert.equal(found?.severity, 'information');
      assert.equal(found.cost(), 'which thread is which vCPU is not known here, and nothing can be said of their places');
      assert.ok(found.threads.length >= 7);
    });
  }

  const silent: Readonly<Record<string, HostChange>> = {
    'one vCPU has its name': copy => unnamed(copy, /\(CPU 2/),
    'one thread for all vCPUs': all(copy => unnamed(copy, /\(CPU 2/), copy => copy.files.set(`/proc/${QEMU}/task/530/stat`, copy.files.get(`/proc/${QEMU}/task/530/stat`)!.replace(/\(.*\)/, '(ALL CPUs/TCG)'))),
    'it has made no vCPU yet: only RCU is there': all(withoutState, unplaced, copy => {
      for (const tid of [525, 526, 527, 528, 529, 530, 531]) copy.files.delete(`/proc/${QEMU}/task/${tid}/stat`);
    }),
    'it has made no vCPU yet, and its I/O threads have their names': all(withoutState, unplaced, copy => {
      for (const tid of [528, 529, 530, 531]) copy.files.delete(`/proc/${QEMU}/task/${tid}/stat`);
    }),
    "libvirt's child before it is QEMU": all(withoutState, unnamed, copy => {
      copy.links.set(`/proc/${QEMU}/exe`, '/usr/sbin/libvirtd');
      copy.files.set(`/proc/${QEMU}/cmdline`, '/usr/sbin/libvirtd\0');
    }),
  };
  for (const [name, change] of Object.entries(silent)) it(`says nothing of this: ${name}`, async () => assert.deepEqual(await findings(change), []));

  for (const host of ALL_HOSTS) it(`says nothing of ${host}`, async () => assert.deepEqual(await findingsOfRule(namelessThreads, host), []));
});
