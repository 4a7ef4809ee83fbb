import { t } from '@vscode/l10n';
import type { Cgroup, HostModel, Machine } from '../model/hostModel';
import type { CpuSet } from '../parse/cpuList';
import { visible } from '../visible';
import type { CheckedHost } from './checkedHost';
import { narrowerAbove } from './cpuFacts';
import { cpusText, cpusetFiles, onlineOf, threadsText, widenText } from './cpuWords';
import type { Finding, Fix, Rule, ShowPath } from './rule';

/**
 * `silent-inherit`: none of the CPUs that a cpuset was given can be had, and it has its parent's instead.
 *
 * **Cause.** In cgroup v2 a cpuset whose CPUs and its parent's have none in common takes the parent's, without an error
 * and without a word in any log. The parent was made narrower (`AllowedCPUs=` of `machine.slice`, a hook), or the CPUs
 * went offline. `virsh vcpupin` goes on to show the pin that is no more.
 *
 * **Signature.** `cpuset.cpus` is not empty, has nothing in common with the parent's `cpuset.cpus.effective`, and
 * `cpuset.cpus.effective` reads as the parent's. An empty `cpuset.cpus` is every group that nobody pinned.
 *
 * **Cost.** The threads run on CPUs that were meant for others, and all that were pinned to different CPUs may meet on the same ones.
 *
 * **Fix.** Widen the cpuset above, by the CPUs of all pins that are lost below it, or bring the CPU online: the kernel has kept
 * what was configured and applies it by itself.
 *
 * **Sources.** Documentation/admin-guide/cgroup-v2.rst (Cpuset, "cpuset.cpus"); kernel/cgroup/cpuset.c
 * (update_cpumasks_hier); measured on Linux 6.1 with `AllowedCPUs=` and with a CPU taken offline.
 */
export const silentInherit: Rule = {
  id: 'silent-inherit',
  title: () => t('A pin has vanished: its CPUs cannot be had'),
  check: (host, machine) => (host.cpus.hierarchy?.version === 2 ? host.cpusetsAround(machine).flatMap(cgroup => {
    const { cpus: wanted, cpusEffective: has, parent } = cgroup;
    const offered = parent?.cpusEffective;
    if (!wanted || wanted.isEmpty || !has || !offered || !has.equals(offered) || !wanted.intersect(offered).isEmpty) return [];
    return host.isOwn(machine, cgroup) ? [finding(host, machine, cgroup, wanted, has)] : [];
  }) : []),
};

function finding(host: CheckedHost, machine: Machine, cgroup: Cgroup, wanted: CpuSet, has: CpuSet): Finding {
  const { model, cpus } = host;
  const threads = host.threadsWithin(machine, cgroup);
  const online = cpus.onlineOf(wanted);
  const above = online.isEmpty ? undefined : narrowerAbove(cgroup, online);
  const widened = above && host.widened(above);
  return {
    rule: silentInherit.id,
    severity: 'warning',
    machine,
    threads,
    at: { kind: 'value', hierarchy: cgroup.hierarchy, path: cgroup.path, name: 'cpus' },
    evidence: [...cpusetFiles(cgroup), ...(above ? cpusetFiles(above) : cpusetFiles(cgroup.parent)), ...onlineOf(model)],
    sentence: shown => {
      const what = t('{0} was given {1} and has {2} instead', visible(shown(cgroup.path)), cpusText(wanted), cpusText(has));
      if (online.isEmpty) return t('{0}: {1} is offline', what, cpusText(wanted));
      return above ? t('{0}: {1} has only {2}', what, visible(shown(above.path)), cpusText(above.cpus!)) : what;
    },
    cost: () => t('{0} may run anywhere on {1}, with all others there; the pin that was set has no effect', threadsText(threads), cpusText(has)),
    advice: shown => advice(model, shown, { wanted, online, above, widened }),
    fixes: above && widened && host.isOwnLimit(machine, above) && widened.isSubsetOf(above.parent?.cpusEffective ?? widened) ? [widening(above, widened)] : [],
  };
}

function advice(model: HostModel, shown: ShowPath, { wanted, online, above, widened }: { readonly wanted: CpuSet; readonly online: CpuSet; readonly above: Cgroup | undefined; readonly widened: CpuSet | undefined }): string {
  if (online.isEmpty) return t('bring {0} online, and the pin is back by itself, or pin to CPUs that are', cpusText(wanted));
  if (!above || !widened) return t('find who took {0} from the cgroups above: a partition has CPUs for itself', cpusText(online));
  return widenText(model, above, widened, shown);
}

/** Of a cpuset within the machine's own directory: a slice is others' too. */
export function widening(above: Cgroup, widened: CpuSet): Fix {
  return {
    title: shown => t('Give {0} {1}', visible(shown(above.path)), cpusText(widened)),
    changes: () => [{ kind: 'set', hierarchy: above.hierarchy, path: above.path, file: 'cpuset.cpus', value: widened.toString() }],
  };
}
