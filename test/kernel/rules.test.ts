import assert from 'node:assert/strict';
import { findingsOf } from '../../src/core/rules/allRules';
import type { At, Finding } from '../../src/core/rules/rule';
import { type OwnCgroup, makeCgroup } from './support/cgroups';
import { cleanUp } from './support/cleanUp';
import { collectModel } from './support/collect';
import { type Qemu, startQemu } from './support/qemu';
import { placesOf, tidsOf } from './support/readers';

/** Real threads, placed as libvirt does it with systemd, and then moved by hand. */
describe('findings on real QEMU threads', () => {
  const SCOPE = String.raw`machine-qemu\x2d7\x2da b$(x).scope`;
  let qemu: Qemu;
  let vcpus: Readonly<Record<string, number>>;

  const group = (controller: string, name: string): OwnCgroup => makeCgroup(controller, SCOPE, 'libvirt', name);

  type Misplaced = Finding & Extract<At, { kind: 'place' }>;
  async function findings(): Promise<Misplaced[]> {
    return findingsOf((await collectModel()).model).flatMap(finding => (finding.machine.pid === qemu.pid && finding.rule === 'vcpu-in-emulator' && finding.at.kind === 'place' ? [{ ...finding, ...finding.at }] : []));
  }

  before(async () => {
    qemu = await startQemu({ name: 'rules', vcpus: 3, ioThreads: ['iothread1'] });
    vcpus = await qemu.qmp.vcpus();
    for (const controller of ['cpu', 'cpuset', '0::']) {
      makeCgroup(controller, SCOPE, 'libvirt').addProcess(qemu.pid);
      const make = (name: string): OwnCgroup => (controller === '0::' ? group(controller, name).write('cgroup.type', 'threaded') : group(controller, name));
      const emulator = make('emulator');
      for (const tid of tidsOf(qemu.pid)) emulator.addThread(tid);
      for (const [n, tid] of Object.entries(vcpus)) make(`vcpu${n}`).addThread(tid);
      make('iothread1').addThread((await qemu.qmp.ioThreads())['iothread1']!);
    }
    group('cpu', 'emulator').write('cpu.cfs_quota_us', 80_000);
  });
  after(cleanUp);

  it('nothing is found where everything is as libvirt has it', async () => assert.deepEqual(await findings(), []));

  it('a vCPU that is moved to emulator is found, in cpu, cpuset and v2, and its fix names its own, now empty, group', async () => {
    const tid = vcpus['2']!;
    for (const controller of ['cpu', 'cpuset', '0::']) group(controller, 'emulator').addThread(tid);
    const found = await findings();
    const keys = ['cpu', 'cpuset', '0::'].map(controller => group(controller, 'vcpu2').key);
    assert.deepEqual(found.map(f => [f.rule, f.thread.tid, f.hierarchy]).sort(), keys.map(key => ['vcpu-in-emulator', tid, key]).sort());
    for (const finding of found) {
      const controller = ['cpu', 'cpuset', '0::'].find(name => group(name, 'vcpu2').key === finding.hierarchy)!;
      assert.deepEqual([finding.path, finding.expected], [group(controller, 'emulator').path, group(controller, 'vcpu2').path]);
      const [single, all] = finding.fixes.map(fix => fix.changes());
      assert.deepEqual(single, [{ kind: 'move', thread: finding.thread, hierarchy: finding.hierarchy, to: group(controller, 'vcpu2').path }]);
      assert.equal(all?.length, 3);
    }
    assert.match(found.find(f => f.hierarchy === group('cpu', 'vcpu2').key)!.sentence(path => path), /quota 80000\/100000 instead of max\/100000/);
  });

  it('what its fix says makes it go away: done by hand, each group is where the thread is then', async () => {
    for (const { thread, fixes } of await findings()) {
      for (const change of fixes[0]!.changes()) {
        assert.ok(change.kind === 'move');
        const controller = ['cpu', 'cpuset', '0::'].find(name => group(name, 'vcpu2').key === change.hierarchy)!;
        group(controller, 'vcpu2').addThread(thread.tid);
        assert.equal(placesOf(thread.pid, thread.tid)[change.hierarchy], change.to);
      }
    }
    assert.deepEqual(await findings(), []);
  });
});
