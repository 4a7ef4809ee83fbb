import { t } from '@vscode/l10n';
import type { Cgroup, Machine } from '../model/hostModel';
import type { CpuSet } from '../parse/cpuList';
import { visible } from '../visible';
import type { CheckedHost } from './checkedHost';
import { narrowerAbove } from './cpuFacts';
import { cpusText, cpusetFiles, threadsText, widenText } from './cpuWords';
import type { Finding, Rule } from './rule';
import { widening } from './silentInherit';

/**
 * `parent-narrower`: a cpuset has only a part of the CPUs that it was given, because one above it has not got the others.
 *
 * **Cause.** `AllowedCPUs=` of `machine.slice`, a hook or an administrator made a cgroup above the machine narrower than the
 * pins in it. cgroup v2 then cuts the pin down in silence. (cgroup v1 refuses such a write with EACCES: nothing of it remains
 * to be seen. Where nothing at all is left of the pin it is `silent-inherit`.)
 *
 * **Signature.** `cpuset.cpus.effective` lacks online CPUs of `cpuset.cpus`, and the `cpuset.cpus` of a cgroup above lacks
 * them too. CPUs that are offline, or that a partition has for itself, are no case of it.
 *
 * **Cost.** Fewer CPUs than it was promised: what was meant to have a CPU each shares what is left.
 *
 * **Fix.** Widen the cgroup above, by what all pins below it lack: `systemctl set-property machine.slice AllowedCPUs=…` where
 * systemd owns it.
 *
 * **Sources.** Documentation/admin-guide/cgroup-v2.rst (Cpuset); systemd.resource-control(5), AllowedCPUs=;
 * vagrant-libvirt#1465, OpenNebula/one-deploy#283.
 */
export const parentNarrower: Rule = {
  id: 'parent-narrower',
  title: () => t('A cgroup above has not got all the CPUs of a pin'),
  check: ofMachine,
};

function* ofMachine(host: CheckedHost, machine: Machine): Iterable<Finding> {
  if (host.cpus.hierarchy?.version !== 2) return;
  for (const cgroup of host.cpusetsAround(machine)) {
    const { cpus: wanted, cpusEffective: has, parent } = cgroup;
    const offered = parent?.cpusEffective;
    if (!wanted || wanted.isEmpty || !has || !offered || wanted.isSubsetOf(has) || wanted.intersect(offered).isEmpty) continue;
    const missing = host.cpus.missingIn(cgroup);
    const above = missing.isEmpty ? undefined : narrowerAbove(cgroup, missing);
    if (above && host.isOwn(machine, cgroup)) yield finding(host, machine, cgroup, above, missing);
  }
}

function finding(host: CheckedHost, machine: Machine, cgroup: Cgroup, above: Cgroup, missing: CpuSet): Finding {
  const threads = host.threadsWithin(machine, cgroup);
  const widened = host.widened(above);
  return {
    rule: parentNarrower.id,
    severity: 'warning',
    machine,
    threads,
    at: { kind: 'value', hierarchy: cgroup.hierarchy, path: cgroup.path, name: 'cpus' },
    evidence: [...cpusetFiles(cgroup), ...cpusetFiles(above)],
    sentence: shown => t('{0} was given {1} and has only {2}: {3} has only {4}', visible(shown(cgroup.path)), cpusText(cgroup.cpus!), cpusText(cgroup.cpusEffective!), visible(shown(above.path)), cpusText(above.cpus!)),
    cost: () => t('{0} cannot run on {1}, and what was to have a CPU each shares what is left', threadsText(threads), cpusText(missing)),
    advice: shown => widenText(host.model, above, widened, shown),
    fixes: host.isOwnLimit(machine, above) && widened.isSubsetOf(above.parent?.cpusEffective ?? widened) ? [widening(above, widened)] : [],
  };
}
