import { t } from '@vscode/l10n';
import { without } from '../cgroup/affinity';
import type { Cgroup, HostModel, Machine, Thread } from '../model/hostModel';
import { CpuSet } from '../parse/cpuList';
import type { CheckedHost } from './checkedHost';
import { vcpusOf } from './cpuFacts';
import { allowedOf, cpusText, filesOf, threadsText } from './cpuWords';
import type { Evidence, Finding, Rule } from './rule';

/**
 * `numa-split`: vCPUs run on a NUMA node on which the machine may have no memory.
 *
 * **Cause.** The pins and the memory's nodes (`<numatune>`, `cpuset.mems`, `numactl`) were chosen apart from each other, or one of them was changed later.
 *
 * **Signature.** The nodes of a vCPU's memory lack those of all CPUs that it may run on. They are `cpuset.mems.effective` of its own cpuset
 * (libvirt's numatune `restrictive` writes one for each vCPU), and `Mems_allowed_list` of the process where it is in that of the first thread. Where the memory may be on all nodes
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
  if (nodes.size < 2) return [];
  const byMemory = new Map<string, { readonly memory: CpuSet; readonly threads: Thread[] }>();
  for (const thread of vcpusOf(machine)) {
    const memory = memoryOf({ cpus }, machine, thread);
    if (!memory || memory.isEmpty || [...nodes.keys()].every(node => memory.has(node))) continue;
    const same = byMemory.get(memory.toString());
    if (same) same.threads.push(thread);
    else byMemory.set(memory.toString(), { memory, threads: [thread] });
  }
  return [...byMemory.values()].flatMap(({ memory, threads }) => {
    const near = CpuSet.fromRanges([...nodes].flatMap(([node, of]) => (memory.has(node) ? of.ranges : [])));
    const far = threads.filter(thread => {
      const may = cpus.may(thread);
      return may && !may.isEmpty && may.intersect(near).isEmpty;
    });
    return near.isEmpty || far.length === 0 ? [] : [finding({ model, cpus }, machine, far, memory, near)];
  });
}

/** Where what it is the first to touch may be. The process's own line is that of its first thread. */
function memoryOf({ cpus }: Pick<CheckedHost, 'cpus'>, machine: Machine, thread: Thread): CpuSet | undefined {
  const own = apartOf({ cpus }, machine, thread);
  return own?.memsEffective ?? own?.mems ?? machine.memsAllowed;
}

/** Its cpuset, where that is another one than the first thread's. */
function apartOf({ cpus }: Pick<CheckedHost, 'cpus'>, machine: Machine, thread: Thread): Cgroup | undefined {
  const first = machine.threads.find(({ tid }) => tid === machine.pid);
  const own = cpus.cpuset(thread);
  return own === (first && cpus.cpuset(first)) ? undefined : own;
}

/** What says where the memory of these may be. */
function memoryEvidence({ cpus }: Pick<CheckedHost, 'cpus'>, machine: Machine, far: readonly Thread[], memory: CpuSet): Evidence[] {
  const files = far.slice(0, 4).flatMap(thread => filesOf(apartOf({ cpus }, machine, thread), 'cpuset.mems.effective', 'cpuset.effective_mems'));
  return files.length > 0 ? files : [{ file: `/proc/${machine.pid}/status`, value: `Mems_allowed_list: ${memory.toString()}` }];
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
    evidence: [...memoryEvidence({ cpus }, machine, far, memory), ...far.slice(0, 4).flatMap(allowedOf), ...[...memory].flatMap(node => {
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
