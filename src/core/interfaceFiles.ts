import { t } from '@vscode/l10n';
import { ruleOfFile } from './plan/values';

/** An interface file of a cgroup, explained. */
export interface InterfaceFile {
  /** In the kernel's Documentation. */
  readonly source: string;
  explain(): string;
}

const V2 = 'admin-guide/cgroup-v2.rst';
const file = (source: string, explain: () => string): InterfaceFile => ({ source, explain });

/**
 * The interface files that people look into, by name; v1 and v2 have few names in common, and those mean the same.
 */
const FILES: Readonly<Record<string, InterfaceFile>> = {
  'cgroup.procs': file(V2, () => t('The PIDs of all processes here. Writing one moves the whole process. In a threaded cgroup it cannot be read.')),
  'cgroup.threads': file(V2, () => t('The TIDs of all threads here. Writing one moves that thread, within its threaded domain.')),
  'cgroup.type': file(V2, () => t('domain, domain threaded, domain invalid or threaded. Only "threaded" can be written, and there is no way back.')),
  'cgroup.controllers': file(V2, () => t('The controllers that the parent has enabled for this cgroup.')),
  'cgroup.subtree_control': file(V2, () => t('The controllers that are enabled for the children of this cgroup.')),
  'cgroup.events': file(V2, () => t('populated: whether there is any process here or below; frozen: whether all of it stands still.')),
  'cgroup.freeze': file(V2, () => t('1 stops all processes here and below, 0 lets them go on.')),
  'cgroup.kill': file(V2, () => t('Writing 1 kills every process here and below.')),
  'cgroup.stat': file(V2, () => t('How many cgroups are below, and how many that were removed still hold memory.')),
  'cgroup.max.depth': file(V2, () => t('How deep cgroups may be made below.')),
  'cgroup.max.descendants': file(V2, () => t('How many cgroups may be made below.')),
  'cpu.max': file(V2, () => t('QUOTA PERIOD: microseconds of CPU time that all threads here may use together in each period; "max" is no limit. A number alone leaves the period as it is.')),
  'cpu.max.burst': file(V2, () => t('Microseconds of unused quota that may be saved for later.')),
  'cpu.weight': file(V2, () => t('1 to 10000, usually 100: the share of CPU time against the siblings while there is not enough for all.')),
  'cpu.weight.nice': file(V2, () => t('The weight as a nice value, -20 to 19.')),
  'cpu.idle': file(V2, () => t('1: these threads run only where nothing else wants to, as SCHED_IDLE; the weight then cannot be written.')),
  'cpu.stat': file(V2, () => t('CPU time that was used, and how often and how long the quota ran out (nr_throttled).')),
  'cpu.pressure': file('accounting/psi.rst', () => t('How long threads here waited for a CPU: parts of the last 10, 60 and 300 seconds, in percent.')),
  'cpu.uclamp.min': file(V2, () => t('The lowest frequency that these threads ask for, in percent of the highest.')),
  'cpu.uclamp.max': file(V2, () => t('The highest frequency that these threads ask for, in percent.')),
  'cpuset.cpus': file('admin-guide/cgroup-v2.rst, admin-guide/cgroup-v1/cpusets.rst', () => t('The CPUs that are asked for: 0-3,8. v2: empty means those of the parent, and what is granted is in cpuset.cpus.effective. v1: empty lets no task in, and it must be part of the parent\'s.')),
  'cpuset.mems': file('admin-guide/cgroup-v2.rst, admin-guide/cgroup-v1/cpusets.rst', () => t('The NUMA nodes that memory may come from. A change may copy all memory of the processes here to other nodes: v2 always, v1 with cpuset.memory_migrate.')),
  'cpuset.cpus.effective': file(V2, () => t('The CPUs that are granted: what is asked for, as far as the parent has it.')),
  'cpuset.mems.effective': file(V2, () => t('The NUMA nodes that are granted.')),
  'cpuset.cpus.exclusive': file(V2, () => t('CPUs that are kept for a partition below.')),
  'cpuset.cpus.exclusive.effective': file(V2, () => t('CPUs that a partition can be made of.')),
  'cpuset.cpus.partition': file(V2, () => t('member, root or isolated: whether these CPUs are taken away from all others. The kernel accepts and may then say "invalid", with the reason.')),
  'cpuset.effective_cpus': file('admin-guide/cgroup-v1/cpusets.rst', () => t('The CPUs of cpuset.cpus that are online.')),
  'cpuset.effective_mems': file('admin-guide/cgroup-v1/cpusets.rst', () => t('The nodes of cpuset.mems that have memory.')),
  'cpuset.cpu_exclusive': file('admin-guide/cgroup-v1/cpusets.rst', () => t('1: no sibling may have any of these CPUs.')),
  'cpuset.mem_exclusive': file('admin-guide/cgroup-v1/cpusets.rst', () => t('1: no sibling may have any of these nodes.')),
  'cpuset.mem_hardwall': file('admin-guide/cgroup-v1/cpusets.rst', () => t('1: the kernel\'s own allocations for these tasks stay on their nodes, too.')),
  'cpuset.memory_migrate': file('admin-guide/cgroup-v1/cpusets.rst', () => t('1: when the nodes change, or a task is moved here, its memory is copied to the new nodes.')),
  'cpuset.memory_pressure': file('admin-guide/cgroup-v1/cpusets.rst', () => t('How fast memory is reclaimed directly, times 1000 a second.')),
  'cpuset.memory_spread_page': file('admin-guide/cgroup-v1/cpusets.rst', () => t('1: pages of files are spread over all nodes.')),
  'cpuset.memory_spread_slab': file('admin-guide/cgroup-v1/cpusets.rst', () => t('1: the kernel\'s caches for files are spread over all nodes.')),
  'cpuset.sched_load_balance': file('admin-guide/cgroup-v1/cpusets.rst', () => t('0: the scheduler does not balance load over these CPUs.')),
  'cpuset.sched_relax_domain_level': file('admin-guide/cgroup-v1/cpusets.rst', () => t('How far a CPU with nothing to do looks for work; -1 is the usual.')),
  'cpu.shares': file('scheduler/sched-design-CFS.rst', () => t('2 to 262144, usually 1024: the share of CPU time against the siblings; what is outside is clamped without a word.')),
  'cpu.cfs_quota_us': file('scheduler/sched-bwc.rst', () => t('Microseconds of CPU time that all threads here may use together in each period; -1 is no limit. A child may not have more of its period than its parent of its own.')),
  'cpu.cfs_period_us': file('scheduler/sched-bwc.rst', () => t('The period of the quota: 1000 to 1000000 microseconds.')),
  'cpu.cfs_burst_us': file('scheduler/sched-bwc.rst', () => t('Microseconds of unused quota that may be saved for later.')),
  'cpu.rt_runtime_us': file('scheduler/sched-rt-group.rst', () => t('Microseconds of each period that real-time threads may run; with 0 none can be moved here.')),
  'cpu.rt_period_us': file('scheduler/sched-rt-group.rst', () => t('The period of cpu.rt_runtime_us, in microseconds.')),
  'cpuacct.usage': file('admin-guide/cgroup-v1/cpuacct.rst', () => t('CPU time that was used here and below, in nanoseconds.')),
  'cpuacct.stat': file('admin-guide/cgroup-v1/cpuacct.rst', () => t('The same, apart for user and kernel, in ticks of 1/100 s.')),
  'pids.max': file('admin-guide/cgroup-v2.rst, admin-guide/cgroup-v1/pids.rst', () => t('How many tasks there may be here and below; "max" is no limit. It stops new ones and never a move.')),
  'pids.current': file('admin-guide/cgroup-v2.rst, admin-guide/cgroup-v1/pids.rst', () => t('How many tasks there are here and below.')),
  'pids.peak': file(V2, () => t('The most tasks that there have been.')),
  'pids.events': file('admin-guide/cgroup-v2.rst, admin-guide/cgroup-v1/pids.rst', () => t('How often a new task was refused for pids.max.')),
  'io.weight': file(V2, () => t('"default WEIGHT" or "MAJOR:MINOR WEIGHT", 1 to 10000: the share of a disk\'s time. One line is written at a time.')),
  'io.bfq.weight': file(V2, () => t('The share of a disk\'s time under the BFQ scheduler, 1 to 1000: "default WEIGHT" or "MAJOR:MINOR WEIGHT".')),
  'io.max': file(V2, () => t('Limits of a device: MAJOR:MINOR rbps= wbps= riops= wiops=.')),
  'io.stat': file(V2, () => t('What was read and written, by device.')),
  'io.pressure': file('accounting/psi.rst', () => t('How long processes here waited for disks, in percent.')),
  'blkio.weight': file('admin-guide/cgroup-v1/blkio-controller.rst', () => t('The share of a disk\'s time, 10 to 1000.')),
  'blkio.bfq.weight': file('admin-guide/cgroup-v1/blkio-controller.rst', () => t('The share of a disk\'s time under the BFQ scheduler, 1 to 1000.')),
  'memory.max': file(V2, () => t('The most memory of all processes here and below: beyond it, and with nothing to reclaim, one is killed.')),
  'memory.high': file(V2, () => t('Beyond this much memory the processes here are slowed down and made to give some back.')),
  'memory.current': file(V2, () => t('Memory that is used here and below, in bytes.')),
  'memory.events': file(V2, () => t('How often a limit of memory was met; oom_kill counts who was killed for it.')),
  'memory.pressure': file('accounting/psi.rst', () => t('How long processes here waited for memory, in percent.')),
  'memory.limit_in_bytes': file('admin-guide/cgroup-v1/memory.rst', () => t('The most memory of all processes here and below, in bytes.')),
  'memory.usage_in_bytes': file('admin-guide/cgroup-v1/memory.rst', () => t('Memory that is used here and below, in bytes, roughly.')),
  'freezer.state': file('admin-guide/cgroup-v1/freezer-subsystem.rst', () => t('FROZEN, FREEZING or THAWED; FROZEN stops all tasks here and below.')),
  'devices.list': file('admin-guide/cgroup-v1/devices.rst', () => t('The devices that processes here may open.')),
  'devices.allow': file('admin-guide/cgroup-v1/devices.rst', () => t('Writing a rule allows a device.')),
  'devices.deny': file('admin-guide/cgroup-v1/devices.rst', () => t('Writing a rule forbids a device.')),
  tasks: file('admin-guide/cgroup-v1/cgroups.rst', () => t('The TIDs of all threads here. Writing one moves that thread.')),
  notify_on_release: file('admin-guide/cgroup-v1/cgroups.rst', () => t('1: release_agent is run when the last task has left.')),
  release_agent: file('admin-guide/cgroup-v1/cgroups.rst', () => t('The program that is run when a cgroup became empty.')),
};

export function interfaceFile(name: string): InterfaceFile | undefined {
  return Object.hasOwn(FILES, name) ? FILES[name] : undefined;
}

/** Whether its value can be changed from an editor; all others are only read. */
export function isWritable(name: string): boolean {
  return ruleOfFile(name) !== 'never';
}

/**
 * What a person wrote into a file's text, as one write: the line that is new. `undefined`: nothing; `many`: several
 * lines, of which the kernel takes one a write.
 */
export function writtenValue(before: string, now: string): { readonly value: string } | 'many' | undefined {
  const [had, has] = [linesOf(before), linesOf(now)];
  const added = has.filter(line => !had.includes(line));
  if (added.length > 1) return 'many';
  if (added.length === 1) return { value: added[0]! };
  if (has.length === had.length) return undefined;
  return has.length === 0 && had.length === 1 ? { value: '' } : 'many';
}

function linesOf(text: string): string[] {
  return text.split('\n').map(line => line.trim()).filter(line => line !== '');
}
