import { t } from '@vscode/l10n';
import { effectiveCpus, withAncestors } from '../model/hierarchies';
import type { Cgroup, Machine, Thread } from '../model/hostModel';
import { ownThreads } from '../model/machines';
import type { CpuSet } from '../parse/cpuList';
import type { Change } from '../plan/plan';
import { visible } from '../visible';
import type { CheckedHost } from './checkedHost';

import { cpusText, filesOf, onlineOf, threadsText } from './cpuWords';
import type { Finding, Rule } from './rule';

/**
 * `v1-empty-cpuset`: the cpuset that was made for a thread has no CPU or no memory node, and nothing can be in it.
 *
 * **Cause.** cgroup v1 inherits nothing: a new cpuset is empty until somebody fills it. And when the last CPU of one goes
 * offline the kernel takes it out for good and moves the tasks to the cgroup above: the CPU comes back, they do not.
 *
 * **Signature.** In the v1 hierarchy of cpusets `cpuset.cpus` or `cpuset.mems` of the group that libvirt has for a thread is empty.
 *
 * **Cost.** The thread is where it was put instead, with that group's CPUs; it cannot be moved to its own (ENOSPC), and
 * `virsh vcpupin` fails or changes nothing.
 *
 * **Fix.** Fill both files, from above downwards, and move the thread there.
 *
 * **Sources.** Documentation/admin-guide/cgroup-v1/cpusets.rst; kernel/cgroup/cpuset.c (cpuset_can_attach_check,
 * cpuset_hotplug_update_tasks_v1); measured on Linux 6.1 with a CPU taken offline.
 */
export const v1EmptyCpuset: Rule = {
  id: 'v1-empty-cpuset',
  title: () => t('A cpuset is empty: nothing can be in it'),
  check: ofMachine,
};

function ofMachine(host: CheckedHost, machine: Machine): Finding[] {
  const { hierarchy } = host.cpus;
  const layout = hierarchy?.version === 1 ? host.layoutOf(machine) : undefined;
  if (!hierarchy || !layout) return [];
  const empty = new Map<Cgroup, Thread[]>();
  for (const thread of ownThreads(machine)) {
    const path = layout.expectedPath(thread, hierarchy.key);
    const cgroup = path === undefined ? undefined : hierarchy.cgroups.get(path);
    if (cgroup?.cpus?.isEmpty !== true && cgroup?.mems?.isEmpty !== true) continue;
    const threads = empty.get(cgroup);
    if (threads) threads.push(thread);
    else empty.set(cgroup, [thread]);
  }
  return [...empty].map(([cgroup, threads]) => finding(host, machine, cgroup, threads));
}

function finding({ model, cpus }: CheckedHost, machine: Machine, cgroup: Cgroup, threads: readonly Thread[]): Finding {
  const above = [...withAncestors(cgroup.parent)].find(one => one.cpus?.isEmpty === false && one.mems?.isEmpty === false);
  const offered = effectiveCpus(above);
  const pin = offered && cpus.pin(machine, threads[0]!)?.intersect(offered);
  const fill = pin && !pin.isEmpty ? pin : offered;
  const lacks = [...(cgroup.cpus?.isEmpty === true ? [t('no CPU')] : []), ...(cgroup.mems?.isEmpty === true ? [t('no memory node')] : [])].join(', ');
  const changes = above && fill && above === cgroup.parent ? changesOf(cgroup, above, fill, threads) : undefined;
  return {
    rule: v1EmptyCpuset.id,
    severity: 'warning',
    machine,
    threads,
    at: { kind: 'value', hierarchy: cgroup.hierarchy, path: cgroup.path, name: cgroup.cpus?.isEmpty === true ? 'cpus' : 'mems' },
    evidence: [...filesOf(cgroup, 'cpuset.cpus', 'cpuset.mems'), ...filesOf(above, 'cpuset.cpus', 'cpuset.mems'), ...onlineOf(model)],
    sentence: shown => t('{0}, made for {1}, has {2}', visible(shown(cgroup.path)), threadsText(threads), lacks),
    cost: () => t('{0} cannot be in it: it runs with the CPUs of the group where it was put instead, and vcpupin has no effect', threadsText(threads)),
    advice: shown => t('write CPUs to cpuset.cpus and nodes to cpuset.mems of {0}, from above downwards, then its TIDs to tasks', visible(shown(cgroup.path))),
    fixes: changes && fill ? [{ title: shown => t('Give {0} {1} and move {2} there', visible(shown(cgroup.path)), cpusText(fill), threadsText(threads)), changes: () => changes }] : [],
  };
}

function changesOf(cgroup: Cgroup, above: Cgroup, fill: CpuSet, threads: readonly Thread[]): Change[] {
  const { hierarchy, path } = cgroup;
  const set = (file: string, value: string): Change => ({ kind: 'set', hierarchy, path, file, value });
  return [
    ...(cgroup.cpus?.isEmpty === true ? [set('cpuset.cpus', fill.toString())] : []),
    ...(cgroup.mems?.isEmpty === true && above.mems ? [set('cpuset.mems', above.mems.toString())] : []),
    ...threads.map((thread): Change => ({ kind: 'move', thread, hierarchy, to: path })),
  ];
}
