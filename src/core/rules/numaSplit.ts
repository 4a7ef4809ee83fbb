import { t } from '@vscode/l10n';
import { without } from '../cgroup/affinity';
import type { HostModel, Machine, Thread } from '../model/hostModel';
import { CpuSet } from '../parse/cpuList';
import type { CheckedHost } from './checkedHost';
import { vcpusOf } from './cpuFacts';
import { allowedOf, cpusText, threadsText } from './cpuWords';
import type { Finding, Rule } from './rule';

/**
 * `numa-split`: vCPUs run on a NUMA node on which the machine may have no memory.
 *
 * **Cause.** The pins and the memory's nodes (`<numatune>`, `cpuset.mems`, `numactl`) were chosen apart from each other, or one of them was changed later.
 *
 * **Signature.** `Mems_allowed_list` of the process lacks the nodes of all CPUs that a vCPU may run on. Where the memory may be on all nodes
 * that the vCPUs run on, as that of a guest with NUMA nodes of its own is, it is silent; and where a vCPU may run next to the memory too.
 *
 * **Cost.** All that these vCPUs read and write goes over the link between the nodes: half the bandwidth, and longer waits.
 *
 * **Fix.** Pin them to CPUs of the memory's node, or move the memory: that takes long and is the owner's to decide.
 *
 * **Sources.** Documentation/admin-guide/cgroup-v2.rst ("cpuset.mems"); libvirt formatdomain (numatune); proc(5), Mems_allowed_list.
 */
export const numaSplit: Rule = {
  id: 'numa-split',
  title: () => t('vCPUs run on another NUMA node than their memory'),
  check: ofMachine,
};

function ofMachine({ model, cpus }: CheckedHost, machine: Machine): Finding[] {
  const { nodes } = model.topology;
  const { memsAllowed } = machine;
  if (nodes.size < 2 || !memsAllowed || memsAllowed.isEmpty || [...nodes.keys()].every(node => memsAllowed.has(node))) return [];
  const near = CpuSet.fromRanges([...nodes].flatMap(([node, of]) => (memsAllowed.has(node) ? of.ranges : [])));
  const far = vcpusOf(machine).filter(thread => {
    const may = cpus.may(thread);
    return may && !may.isEmpty && may.intersect(near).isEmpty;
  });
  return near.isEmpty || far.length === 0 ? [] : [finding({ model, cpus }, machine, far, memsAllowed, near)];
}

function finding({ model, cpus }: Pick<CheckedHost, 'model' | 'cpus'>, machine: Machine, far: readonly Thread[], memory: CpuSet, near: CpuSet): Finding {
  const where = nodesOf(model, CpuSet.fromRanges(far.flatMap(thread => cpus.may(thread)!.ranges)));
  const free = without(cpus.onlineOf(near), cpus.boundCpus());
  return {
    rule: numaSplit.id,
    severity: 'information',
    machine,
    threads: far,
    at: { kind: 'cpus', thread: far[0]! },
    evidence: [{ file: `/proc/${machine.pid}/status`, value: `Mems_allowed_list: ${memory.toString()}` }, ...far.slice(0, 4).flatMap(allowedOf), ...[...memory].flatMap(node => {
      const of = model.topology.nodes.get(node);
      return of ? [{ file: `/sys/devices/system/node/node${node}/cpulist`, value: of.toString() }] : [];
    })],
    sentence: () => t('{0} may run only on node {1}, and the memory only on node {2}', threadsText(far), where.toString(), memory.toString()),
    cost: () => t('all their memory is on the other side of the link between the nodes'),
    advice: () => (free.isEmpty ? t('pin them to {0}, next to the memory', cpusText(near)) : t('pin them to {0}, next to the memory, where no vCPU is bound', cpusText(free))),
    fixes: [],
  };
}

function nodesOf({ topology: { nodes } }: HostModel, cpus: CpuSet): CpuSet {
  return CpuSet.of(...[...nodes].flatMap(([node, of]) => (of.intersect(cpus).isEmpty ? [] : [node])));
}
