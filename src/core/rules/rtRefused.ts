import { t } from '@vscode/l10n';
import type { Cgroup, Machine, Thread } from '../model/hostModel';
import { ownThreads } from '../model/machines';
import { roleText } from '../model/roles';
import { visible } from '../visible';
import { fileOf, placeLine } from './asRead';
import type { CheckedHost } from './checkedHost';
import type { Finding, Rule } from './rule';
import { hierarchyText } from './words';

/**
 * `rt-refused`: no thread in the machine's groups can be real-time.
 *
 * **Cause.** A kernel with CONFIG_RT_GROUP_SCHED gives each new v1 cgroup 0 µs for real-time threads, and libvirt sets none.
 *
 * **Signature.** `cpu.rt_runtime_us` reads 0 in the group of a vCPU or an I/O thread: a hint. A thread that is real-time and is not
 * in its own group, where it reads 0, cannot be moved there: information. In v2 there is no file that tells.
 *
 * **Cost.** `chrt --fifo`, `<vcpusched scheduler="fifo">` fail with EPERM, and a real-time thread cannot be moved there: EINVAL.
 *
 * **Fix.** Runtime from the top down: `cpu.rt_runtime_us` of the slice, the machine, the group (the sum of all children may not
 * be more than their parent's). In v2: a kernel without CONFIG_RT_GROUP_SCHED, or `rt_group_sched=0`.
 *
 * **Sources.** Documentation/scheduler/sched-rt-group.rst; moby/moby#22380, #31411; systemd/systemd#329.
 */
export const rtRefused: Rule = {
  id: 'rt-refused',
  title: () => t('Real-time threads are refused'),
  check: (host, machine) => {
    const stuck = ownThreads(machine).flatMap(thread => stuckOf(host, machine, thread));
    if (stuck.length > 0) return stuck;
    for (const thread of ownThreads(machine)) {
      if (thread.role.kind !== 'vcpu' && thread.role.kind !== 'iothread') continue;
      for (const { cgroup } of thread.membership.places.values()) {
        if (cgroup?.rtRuntime !== 0) continue;
        const { hierarchy, path } = cgroup;
        const sentence: Finding['sentence'] = shown => t('{0} has no time for real-time threads: the policies fifo and rr are refused there', visible(shown(path)));
        return [{ ...about(machine, cgroup), severity: 'hint', threads: [], at: { kind: 'place', thread, hierarchy, path, expected: undefined }, sentence }];
      }
    }
    return [];
  },
};

function stuckOf(host: CheckedHost, machine: Machine, thread: Thread): Finding[] {
  if (thread.policy !== 'fifo' && thread.policy !== 'rr') return [];
  const layout = host.layoutOf(machine);
  return host.model.hierarchies.flatMap((hierarchy): Finding[] => {
    const expected = layout?.expectedPath(thread, hierarchy.key);
    const to = expected === undefined ? undefined : hierarchy.cgroups.get(expected);
    const place = thread.membership.places.get(hierarchy.key);
    if (!to || to.rtRuntime !== 0 || !place || place.deleted || place.path === to.path) return [];
    const { path } = place;
    return [{
      ...about(machine, to),
      severity: 'information',
      threads: [thread],
      at: { kind: 'place', thread, hierarchy: hierarchy.key, path, expected: to.path },
      evidence: [placeLine(thread, hierarchy), ...fileOf(to, 'cpu.rt_runtime_us')],
      sentence: shown => t('{0} is real-time and in {1} ({2}): it cannot be moved to {3}, which has no time for real-time threads', roleText(thread.role), visible(shown(path)), hierarchyText(hierarchy), visible(shown(to.path))),
    }];
  });
}

function about(machine: Machine, cgroup: Cgroup): Pick<Finding, 'rule' | 'machine' | 'evidence' | 'cost' | 'advice' | 'fixes'> {
  return {
    rule: rtRefused.id,
    machine,
    evidence: fileOf(cgroup, 'cpu.rt_runtime_us'),
    cost: () => t('chrt and <vcpusched> fail with EPERM, a move of a real-time thread there with EINVAL'),
    advice: shown => t('write cpu.rt_runtime_us from the top down, {0} last', visible(shown(cgroup.path))),
    fixes: [],
  };
}
