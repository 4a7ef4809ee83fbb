import assert from 'node:assert/strict';
import { makePlan } from '../../../src/core/plan/makePlan';
import type { Finding } from '../../../src/core/rules/rule';
import { vcpuInEmulator } from '../../../src/core/rules/vcpuInEmulator';
import { type Changeable, DERIVED_HOSTS, type HostName, QEMU, REAL_HOSTS, SCOPE, modelOf, notRun } from '../fixtures';
import { type HostChange, edit, findingsOfRule, put } from './checkRule';

const shown = (path: string): string => path.replace(`${SCOPE}/libvirt`, 'S');

const findings = (host: HostName, change?: HostChange): Promise<Finding[]> => findingsOfRule(vcpuInEmulator, host, change);

function placeOf({ at }: Finding): Extract<Finding['at'], { kind: 'place' }> {
  assert.equal(at.kind, 'place');
  return at as Extract<Finding['at'], { kind: 'place' }>;
}

const CLEAN = String.raw`/machine.slice/machine-qemu\x2d1\x2dclean.scope/libvirt`;

/** The machine of guest-numa-clean a minute later, with its vCPUs in emulator and without their groups. */
function noGroups(copy: Changeable): void {
  edit(copy, '/proc/uptime', () => '300.00 100.00\n');
  for (const [n, tid] of [450, 451].entries()) {
    put(copy, 443, tid, '', `${CLEAN}/emulator`);
    copy.directories.delete(`/sys/fs/cgroup${CLEAN}/vcpu${n}`);
  }
}

describe('vcpu-in-emulator', () => {
  it('a vCPU in emulator in one hierarchy, another in two: said of each, with its cost', async () => {
    assert.deepEqual((await findings('misplaced-vcpus')).map(f => `${f.threads[0]!.tid} ${placeOf(f).hierarchy}: ${f.sentence(shown)}`), [
      '460 cpu,cpuacct: vCPU 2 is in S/emulator (cpu,cpuacct), expected S/vcpu2 (quota 80000/100000 instead of 50000/100000)',
      '461 cpu,cpuacct: vCPU 3 is in S/emulator (cpu,cpuacct), expected S/vcpu3 (quota 80000/100000 instead of 50000/100000)',
      '461 cpuset: vCPU 3 is in S/emulator (cpuset), expected S/vcpu3 (CPUs 0 instead of 1)',
    ]);
  });

  it('its fix moves the thread to its own group there, and where there is more to move, everywhere', async () => {
    const [first, second] = await findings('misplaced-vcpus');
    const of = (finding: Finding): unknown => finding.fixes.map(fix => [fix.title(shown), fix.changes().map(c => (c.kind === 'move' ? `${c.thread.tid} ${c.hierarchy} ${c.to}` : c.kind))]);
    const all = ['Bring 2 threads back', [`460 cpu,cpuacct ${SCOPE}/libvirt/vcpu2`, `461 cpu,cpuacct ${SCOPE}/libvirt/vcpu3`, `461 cpuset ${SCOPE}/libvirt/vcpu3`]];
    assert.deepEqual(of(first!), [['Move vCPU 2 to S/vcpu2 (cpu,cpuacct)', [`460 cpu,cpuacct ${SCOPE}/libvirt/vcpu2`]], all]);
    assert.deepEqual(of(second!), [
      ['Move vCPU 3 to S/vcpu3 (cpu,cpuacct)', [`461 cpu,cpuacct ${SCOPE}/libvirt/vcpu3`]],
      ['Move vCPU 3 to S/vcpu3 (cpu,cpuacct, cpuset)', [`461 cpu,cpuacct ${SCOPE}/libvirt/vcpu3`, `461 cpuset ${SCOPE}/libvirt/vcpu3`]],
      all,
    ]);
  });

  it('its evidence is what was read', async () => {
    assert.deepEqual((await findings('misplaced-vcpus'))[0]!.evidence, [
      { file: '/proc/450/task/460/cgroup', value: `cpu,cpuacct:${SCOPE}/libvirt/emulator` },
      { file: `/sys/fs/cgroup/cpu,cpuacct${SCOPE}/libvirt/emulator/cpu.cfs_quota_us`, value: '80000' },
      { file: `/sys/fs/cgroup/cpu,cpuacct${SCOPE}/libvirt/emulator/cpu.cfs_period_us`, value: '100000' },
      { file: `/sys/fs/cgroup/cpu,cpuacct${SCOPE}/libvirt/vcpu2/cpu.cfs_quota_us`, value: '50000' },
      { file: `/sys/fs/cgroup/cpu,cpuacct${SCOPE}/libvirt/vcpu2/cpu.cfs_period_us`, value: '100000' },
    ]);
  });

  it('in v2, in v1 alone, and where libvirt is without systemd', async () => {
    const v2 = await findings('guest-v2', copy => put(copy, QEMU, 530, '', `${SCOPE}/libvirt/emulator`));
    assert.deepEqual(v2.map(f => f.fixes[0]!.title(shown)), ['Move vCPU 2 to S/vcpu2 (v2)']);
    assert.equal(v2[0]!.evidence[0]!.value, `0::${SCOPE}/libvirt/emulator`);
    const alone = await findings('host-v1-libvirt', copy => put(copy, 29142, 29151, 'cpuset', '/machine/qemu-2-kvmdemo.libvirt-qemu/emulator'));
    assert.deepEqual(alone.map(f => [placeOf(f).hierarchy, placeOf(f).expected]), [['cpuset', '/machine/qemu-2-kvmdemo.libvirt-qemu/vcpu2']]);
  });

  it('all vCPUs in emulator and no groups for them, where the guest has run: the fix makes the groups', async () => {
    const found = await findings('guest-numa-clean', noGroups);
    const at = (path: string): string => path.replace(CLEAN, 'S');
    assert.deepEqual(found.map(f => f.sentence(at)), [0, 1].map(n => `vCPU ${n} is in S/emulator (v2), expected S/vcpu${n}`));
    const fix = found[1]!.fixes[0]!;
    assert.deepEqual(fix.changes().map(c => `${c.kind} ${c.kind === 'move' ? at(c.to) : c.kind === 'make' ? at(c.path) : ''}`), ['make S/vcpu1', 'move S/vcpu1']);
    const { model } = await modelOf('guest-numa-clean', noGroups);
    assert.equal(makePlan(model, model.machines[0], fix.changes(), { expert: false }).refusal, undefined);
  });

  /** One of two vCPUs. */
  const oneGroup = (copy: Changeable): void => {
    noGroups(copy);
    put(copy, 443, 450, '', `${CLEAN}/vcpu0`);
    copy.directories.add(`/sys/fs/cgroup${CLEAN}/vcpu0`);
  };

  it('one vCPU in emulator, whose group was removed: found, though the others have theirs', async () => {
    assert.deepEqual((await findings('guest-numa-clean', oneGroup)).map(f => [f.threads[0]!.tid, f.sentence(path => path.replace(CLEAN, 'S'))]), [[451, 'vCPU 1 is in S/emulator (v2), expected S/vcpu1']]);
  });

  it('but not one that was plugged in, which has never had any', async () => {
    assert.deepEqual(await findings('guest-numa-clean', copy => {
      oneGroup(copy);
      edit(copy, '/proc/443/task/451/stat', text => text.replace(/(\) (?:\S+ ){19})(\d+)/, (_, before: string, start: string) => `${before}${Number(start) + 600}`));
    }), []);
  });

  const tooEarly: Readonly<Record<string, (copy: Changeable) => void>> = {
    'and no vCPU has run yet': notRun,
    'and the machine is not a minute old': copy => copy.files.set('/proc/uptime', '150.00 100.00\n'),
    'and whether there are groups was not looked at': copy => (copy as { walked?: unknown }).walked = undefined,
  };
  for (const [name, change] of Object.entries(tooEarly)) {
    it(`all vCPUs in emulator and no groups for them, ${name}: nothing is said`, async () => assert.deepEqual(await findings('guest-numa-clean', copy => {
      noGroups(copy);
      change(copy);
    }), []));
  }

  for (const name of [...REAL_HOSTS, ...DERIVED_HOSTS].filter(host => host !== 'misplaced-vcpus')) {
    it(`says nothing of ${name}, where nothing is wrong`, async () => assert.deepEqual(await findings(name), []));
  }

  const silent: Record<string, (copy: Changeable) => void> = {
    'an I/O thread in emulator': copy => put(copy, QEMU, 525, '', `${SCOPE}/libvirt/emulator`),
    'the emulator in a vCPU\'s group': copy => put(copy, QEMU, QEMU, '', `${SCOPE}/libvirt/vcpu0`),
    'a vCPU without a group of its own: it was plugged in and not placed': copy => {
      put(copy, QEMU, 530, '', `${SCOPE}/libvirt/emulator`);
      copy.directories.delete(`/sys/fs/cgroup${SCOPE}/libvirt/vcpu2`);
    },
    'a vCPU whose cgroup was removed under it': copy => put(copy, QEMU, 530, '', `${SCOPE}/libvirt/emulator (deleted)`),
    'a helper of the kernel in a vCPU\'s group': copy => {
      copy.files.set(`/proc/${QEMU}/task/523/stat`, copy.files.get(`/proc/${QEMU}/task/523/stat`)!.replace('(qemu-system-x86)', '(kvm-nx-lpage-re)'));
      put(copy, QEMU, 523, '', `${SCOPE}/libvirt/vcpu0`);
    },
    'a vCPU in the group of another one, which is thread-outside-layout': copy => put(copy, QEMU, 530, '', `${SCOPE}/libvirt/vcpu1`),
    'a machine whose vCPUs are not known yet': copy => {
      for (const tid of [528, 529, 530, 531]) put(copy, QEMU, tid, '', `${SCOPE}/libvirt/emulator`);
      for (const n of [0, 1, 2, 3]) copy.directories.delete(`/sys/fs/cgroup${SCOPE}/libvirt/vcpu${n}`);
    },
  };
  for (const [name, change] of Object.entries(silent)) it(`says nothing of ${name}`, async () => assert.deepEqual(await findings('guest-v2', change), []));
});
