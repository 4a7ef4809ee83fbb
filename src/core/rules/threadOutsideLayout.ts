import { t } from '@vscode/l10n';
import type { Misplaced } from '../layout/misplaced';
import type { Machine } from '../model/hostModel';
import { ownThreads } from '../model/machines';
import { isWithin } from '../model/subtree';
import { visible } from '../visible';
import type { CheckedHost } from './checkedHost';
import { type Together, adviceOf, differences, evidenceOf, fixOf, togetherOf } from './misplaced';
import type { Finding, Fix, Rule } from './rule';
import { hierarchyText, singleThreadText } from './words';
import { isInEmulator } from './vcpuInEmulator';

/**
 * `thread-outside-layout`: a thread is not in the cgroup in which who placed its machine has it.
 *
 * **Cause.** Somebody wrote its TID, or the PID of its process, to another cgroup: by hand, with `cgclassify` or `cgexec`, by a
 * daemon with rules for names (`cgrulesengd`), by a script that puts back "all tasks". In v1 the kernel does it too: when a
 * cpuset loses its last CPU (offline, suspend) it moves the tasks to the nearest above that has any, and never back. Nobody
 * puts a thread back: systemd knows processes only, and libvirt writes where its groups are, without a look at who is in them.
 *
 * **Signature.** A line of `/proc/PID/task/TID/cgroup` differs from the place that the machine's layout has for that role in that
 * hierarchy. libvirt: `vcpuN`, `iothreadN` and `emulator` where it has groups of threads, and the machine's own directory in
 * all other hierarchies where it has one. KubeVirt with CPUs for the emulator: `housekeeping` for all but vCPUs and what these start. Others: the
 * unit or the container, or anything below it. A vCPU in `emulator` is `vcpu-in-emulator`. Nothing is expected in hierarchies that
 * the layout does not use (hugetlb, rdma, misc, mostly), of a machine that is starting, of threads that are where they were
 * started from (`kvm-nx-lpage-re`, io_uring workers; workers in the group of the vCPU or the I/O thread that started them), and of a group that was not made yet.
 *
 * **Cost.** In another group of its machine what is set for it has no effect. Elsewhere the limits of the machine do not hold for it: it uses the CPUs, quota, memory limit and devices of wherever it is,
 * is not counted with its machine, and what `virsh` sets for it has no effect.
 *
 * **Fix.** Writing its TID to `tasks` (v1) or `cgroup.threads` (v2) of the cgroup where it belongs.
 *
 * **Sources.** libvirt src/util/vircgroup.c (virCgroupNewMachineSystemd, virCgroupNewThread), src/qemu/qemu_process.c
 * (qemuProcessSetupPid); systemd CGROUP_DELEGATION.md; kernel Documentation/admin-guide/cgroup-v1/cpusets.rst, 1.4; measured with
 * libvirt 9.0 and systemd 252 on v1, hybrid and v2: daemon-reload, restarts and `vcpupin` put no thread back.
 */
export const threadOutsideLayout: Rule = {
  id: 'thread-outside-layout',
  title: () => t('A thread is not where its machine\'s layout has it'),
  check: ofMachine,
};

function* ofMachine(host: CheckedHost, machine: Machine): Iterable<Finding> {
  const all = host.misplacedIn(machine);
  const common = togetherOf(host.model, all);
  const layout = host.layoutOf(machine);
  const byPlace = new Map<string, Misplaced[]>();
  for (const one of all) {
    const place = `${one.hierarchy.key}\n${one.from}`;
    const same = byPlace.get(place);
    if (same) same.push(one);
    else byPlace.set(place, [one]);
  }
  for (const together of byPlace.values()) {
    // A process that was moved as a whole is one fault, however many threads it has.
    const key = together[0]!.hierarchy.key;
    if (together.length > 1 && together.length === ownThreads(machine).filter(thread => layout.expectedPath(thread, key) !== undefined).length) yield ofProcess(host, machine, together, all.length > together.length ? common.allBack : []);
    else for (const one of together) if (!isInEmulator(one)) yield ofThread(host, machine, one, common);
  }
}

function ofThread({ model }: CheckedHost, machine: Machine, one: Misplaced, { ofThread: byThread, allBack }: Together): Finding {
  const { thread, hierarchy, from, at, to, target } = one;
  const costs = differences(at, target);
  const everywhere = byThread.get(thread) ?? [];
  const moving = (misplaced: readonly Misplaced[]): Fix[] => fixOf(model, misplaced, shown => t('Move {0} to {1} ({2})', singleThreadText(thread), visible(shown(to)), misplaced.map(({ hierarchy: of }) => hierarchyText(of)).join(', ')));
  return {
    ...about(machine, one),
    threads: [thread],
    sentence: shown => {
      const where = t('{0} is in {1} ({2}), expected {3}', singleThreadText(thread), visible(shown(from)), hierarchyText(hierarchy), visible(shown(to)));
      return costs.length === 0 ? where : `${where} (${costs.join(', ')})`;
    },
    advice: shown => adviceOf(one, shown),
    fixes: [...moving([one]), ...(everywhere.length > 1 ? moving(everywhere) : []), ...allBack],
  };
}

/** @param together where each of its threads is, in one hierarchy */
function ofProcess({ model }: CheckedHost, machine: Machine, together: readonly Misplaced[], allBack: readonly Fix[]): Finding {
  const first = together.find(({ thread }) => thread.tid === machine.pid) ?? together[0]!;
  const { hierarchy, from, to } = first;
  const here = fixOf(model, together, () => t('Bring {0} threads back ({1})', together.length, hierarchyText(hierarchy)));
  return {
    ...about(machine, first),
    threads: together.map(({ thread }) => thread),
    sentence: shown => t('all {0} threads are in {1} ({2}), expected {3}', together.length, visible(shown(from)), hierarchyText(hierarchy), visible(shown(commonPart(together)))),
    advice: shown => t('write each TID to {0} of its own cgroup, that of the emulator to {1}', hierarchy.version === 2 ? 'cgroup.threads' : 'tasks', visible(shown(to))),
    fixes: [...here, ...allBack],
  };
}

function about(machine: Machine, one: Misplaced): Pick<Finding, 'rule' | 'severity' | 'machine' | 'at' | 'evidence' | 'cost'> {
  const { thread, hierarchy, from, to } = one;
  return {
    rule: threadOutsideLayout.id,
    severity: 'warning',
    machine,
    at: { kind: 'place', thread, hierarchy: hierarchy.key, path: from, expected: to },
    evidence: evidenceOf(one),
    cost: () => (isGroupOfThread(to) && isWithin(from, to.slice(0, to.lastIndexOf('/')))
      ? t('it has the CPUs and the quota of the cgroup that it is in, and what is set for it has no effect')
      : t('what is set for its machine there does not hold for it, and it uses what belongs to others')),
  };
}

/** What is beside it is the same machine's. */
function isGroupOfThread(path: string): boolean {
  return /\/(?:emulator|(?:vcpu|iothread)\d+)$/.test(path);
}

/** `S/emulator` and `S/vcpu0` are in S. */
function commonPart(together: readonly Misplaced[]): string {
  const paths = new Set(together.map(({ to }) => to));
  const [first] = paths;
  return paths.size === 1 ? first! : first!.slice(0, first!.lastIndexOf('/'));
}
