import { t } from '@vscode/l10n';
import { textOf } from '../cgroup/files';
import { effectiveCpus } from '../model/hierarchies';
import type { Cgroup, Hierarchy, Machine, Thread } from '../model/hostModel';
import { roleText } from '../model/roles';
import type { CpuSet } from '../parse/cpuList';
import type { Change } from '../plan/plan';
import { visible } from '../visible';
import type { CheckedHost } from './checkedHost';
import type { Evidence, Finding, Fix, Rule } from './rule';

/**
 * `vcpu-in-emulator`: a vCPU's thread is not in the group that libvirt made for it.
 *
 * **Cause.** libvirt starts QEMU in `emulator`, learns from QEMU which threads are vCPUs, and moves each into its `vcpuN`.
 * One that is elsewhere was moved by hand, by a script that wrote the whole process back (`cgroup.procs`, `cgclassify`),
 * or by a restore of "all tasks". libvirt does not notice: `virsh vcpupin N` with the CPUs that it has written before
 * answers 0 and moves nothing, and one with others fails with EINVAL.
 *
 * **Signature.** In a hierarchy where the machine has groups of threads, the thread `CPU N/KVM` is in another cgroup than
 * `vcpuN`, and `vcpuN` exists. Not while the machine starts: until QEMU has answered all of them are in `emulator`, and then
 * libvirt makes one `vcpuN` after the other, each just before it moves the thread there.
 *
 * **Cost.** It shares the emulator's quota and CPUs with QEMU's main loop, and `schedinfo` and `vcpupin` have no effect on it.
 *
 * **Fix.** Writing its TID to `tasks` (v1) or `cgroup.threads` (v2) of `vcpuN`.
 *
 * **Sources.** libvirt src/qemu/qemu_process.c (qemuProcessSetupPid), src/util/vircgroup.c (virCgroupNewThread); measured
 * with libvirt 9.0 on v1, hybrid and v2.
 */
export const vcpuInEmulator: Rule = {
  id: 'vcpu-in-emulator',
  title: () => t('A vCPU is not in its own cgroup'),
  check: ofMachine,
};

interface Misplaced {
  readonly hierarchy: Hierarchy;
  readonly from: string;
  readonly at: Cgroup | undefined;
  readonly to: Cgroup;
}

function ofMachine(host: CheckedHost, machine: Machine): Finding[] {
  const layout = host.layoutOf(machine);
  if (!layout) return [];
  return machine.threads.filter(({ role }) => role.kind === 'vcpu').flatMap(thread => {
    const misplaced = host.model.hierarchies.flatMap((hierarchy): Misplaced[] => {
      const expected = layout.expectedPath(thread, hierarchy.key);
      const to = expected === undefined ? undefined : hierarchy.cgroups.get(expected);
      const place = thread.membership.places.get(hierarchy.key);
      return !to || !place || place.deleted || place.path === to.path ? [] : [{ hierarchy, from: place.path, at: place.cgroup, to }];
    });
    return misplaced.map(one => finding(machine, thread, one, misplaced));
  });
}

function finding(machine: Machine, thread: Thread, one: Misplaced, all: readonly Misplaced[]): Finding {
  const { hierarchy, from, at, to } = one;
  const costs = differences(at, to);
  return {
    rule: vcpuInEmulator.id,
    severity: 'warning',
    machine,
    threads: [thread],
    at: { kind: 'place', thread, hierarchy: hierarchy.key, path: from, expected: to.path },
    evidence: evidence(thread, one),
    sentence: shown => {
      const where = t('{0} is in {1} ({2}), expected {3}', roleText(thread.role), visible(shown(from)), hierarchyText(hierarchy), visible(shown(to.path)));
      return costs.length === 0 ? where : `${where} (${costs.join(', ')})`;
    },
    cost: () => t('it has the CPUs and the quota of who else is there, and what libvirt sets for this vCPU has no effect on it'),
    advice: shown => t('write {0} to {1} of {2}', thread.tid, hierarchy.version === 2 ? 'cgroup.threads' : 'tasks', visible(shown(to.path))),
    fixes: [fix(thread, [one]), ...(all.length > 1 ? [fix(thread, all)] : [])],
  };
}

function fix(thread: Thread, misplaced: readonly Misplaced[]): Fix {
  const keys = misplaced.map(({ hierarchy }) => hierarchyText(hierarchy)).join(', ');
  return {
    title: shown => t('Move {0} to {1} ({2})', roleText(thread.role), visible(shown(misplaced[0]!.to.path)), keys),
    changes: () => misplaced.map(({ hierarchy, to }): Change => ({ kind: 'move', thread, hierarchy: hierarchy.key, to: to.path })),
  };
}

function hierarchyText({ version, key }: Hierarchy): string {
  return version === 2 ? 'v2' : visible(key);
}

function evidence({ pid, tid }: Thread, { hierarchy, from, at, to }: Misplaced): Evidence[] {
  // Without the hierarchy's number: that is another one after each boot.
  const line = { file: `/proc/${pid}/task/${tid}/cgroup`, value: `${hierarchy.version === 2 ? '0::' : `${hierarchy.key}:`}${from}` };
  return [line, ...[at, to].flatMap(cgroup => (cgroup ? valuesOf(cgroup) : []))];
}

/** What tells the groups apart; a cgroup has those of its version. */
const TELLING = ['cpuset.cpus', 'cpu.max', 'cpu.cfs_quota_us', 'cpu.cfs_period_us'];

function valuesOf(cgroup: Cgroup): Evidence[] {
  const { directory } = cgroup;
  return TELLING.flatMap(file => {
    const value = textOf(cgroup, file);
    return directory === undefined || value === undefined ? [] : [{ file: `${directory}/${file}`, value }];
  });
}

/** What it gets where it is, and would get where it belongs. */
function differences(at: Cgroup | undefined, to: Cgroup): string[] {
  const found: string[] = [];
  const [quota, ownQuota] = [at, to].map(cgroup => cgroup?.bandwidth && `${cgroup.bandwidth.quota}/${cgroup.bandwidth.period}`);
  if (quota !== ownQuota && quota !== undefined && ownQuota !== undefined) found.push(t('quota {0} instead of {1}', quota, ownQuota));
  const [cpus, ownCpus] = [effectiveCpus(at), effectiveCpus(to)];
  if (cpus && ownCpus && !cpus.equals(ownCpus)) found.push(t('CPUs {0} instead of {1}', cpusText(cpus), cpusText(ownCpus)));
  return found;
}

/** v1 leaves a group without any when its last CPU is taken offline, and moves its tasks to one above. */
function cpusText(cpus: CpuSet): string {
  return cpus.isEmpty ? t('none') : cpus.toString();
}
