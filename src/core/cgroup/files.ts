import { V2_KEY } from '../model/hierarchies';
import type { Cgroup } from '../model/hostModel';
import type { Limit } from '../parse/cgroupValues';
import type { Effect } from './outcome';
import { isRoot } from './threaded';
import type { CgroupState } from './world';

/** What an interface file reads, of the facts that a model has of its cgroup. */
type Text = (c: Omit<Cgroup, 'parent'>) => string | undefined;

/** Files of both versions, by the kernel's name. */
const SHARED: Readonly<Record<string, Text>> = {
  'cpuset.cpus': c => c.cpus?.toString(),
  'cpuset.mems': c => c.mems?.toString(),
  'cpu.idle': c => flag(c.idle),
  'pids.max': c => text(c.pidsMax),
};
const V1: Readonly<Record<string, Text>> = {
  ...SHARED,
  'cpuset.effective_cpus': c => c.cpusEffective?.toString(),
  'cpuset.effective_mems': c => c.memsEffective?.toString(),
  'cpuset.memory_migrate': c => flag(c.memoryMigrate),
  'cpuset.cpu_exclusive': c => flag(c.cpuExclusive),
  'cpuset.mem_exclusive': c => flag(c.memExclusive),
  'cgroup.clone_children': c => flag(c.cloneChildren),
  'cpu.shares': c => text(c.shares),
  'cpu.cfs_quota_us': c => text(c.bandwidth?.quota === 'max' ? -1 : c.bandwidth?.quota),
  'cpu.cfs_period_us': c => text(c.bandwidth?.period),
  'cpu.cfs_burst_us': c => text(c.burst),
  'cpu.rt_runtime_us': c => text(c.rtRuntime),
  'cpu.rt_period_us': c => text(c.rtPeriod),
  'freezer.state': c => (c.frozen === undefined ? undefined : c.frozen ? 'FROZEN' : 'THAWED'),
};
const V2: Readonly<Record<string, Text>> = {
  ...SHARED,
  'cgroup.controllers': c => c.controllers?.join(' '),
  'cgroup.subtree_control': c => c.subtreeControl?.join(' '),
  'cgroup.freeze': c => flag(c.frozen),
  'cpuset.cpus.effective': c => c.cpusEffective?.toString(),
  'cpuset.mems.effective': c => c.memsEffective?.toString(),
  'cpuset.cpus.partition': c => c.partition,
  'cpu.max': c => c.bandwidth && `${c.bandwidth.quota} ${c.bandwidth.period}`,
  'cpu.max.burst': c => text(c.burst),
  'cpu.weight': c => text(c.weight),
};

function filesOf({ hierarchy }: Pick<Cgroup, 'hierarchy'>): Readonly<Record<string, Text>> {
  return hierarchy === V2_KEY ? V2 : V1;
}

/**
 * What an interface file of a cgroup reads, without the newline at its end. `undefined`: the model does not have it, or
 * the cgroup's version has no such file.
 */
export function textOf(cgroup: Omit<Cgroup, 'parent'>, file: string): string | undefined {
  if (file === 'cgroup.type') return cgroup.type;
  const files = filesOf(cgroup);
  return Object.hasOwn(files, file) ? files[file]!(cgroup) : undefined;
}

/** All that a world knows of what a cgroup's files read, but for `cgroup.type`: that is an effect of its own kind. */
export function textsOf(cgroup: CgroupState): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(filesOf(cgroup)).map(([file, read]) => [file, read(cgroup)]));
}

function text(value: number | Limit | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}

function flag(value: boolean | undefined): string | undefined {
  return value === undefined ? undefined : value ? '1' : '0';
}

/** Files that read something else, but for the one that was written where it reads just that. */
export function differences(before: CgroupState, after: CgroupState, written: { readonly file: string; readonly value: string } | undefined): Effect[] {
  const old = textsOf(before);
  const { hierarchy, path } = after;
  return Object.entries(textsOf(after)).flatMap(([file, value]): Effect[] => {
    if (value === undefined || value === old[file]) return [];
    return file === written?.file && value === written.value.trim() ? [] : [{ kind: 'value', hierarchy, path, file, value }];
  });
}

/** Controllers in the kernel's own order (include/linux/cgroup_subsys.h), which is the order of `cgroup.controllers`. */
const ORDER: readonly string[] = ['cpuset', 'cpu', 'io', 'memory', 'perf_event', 'hugetlb', 'pids', 'rdma', 'misc', 'debug', 'dmem'];

export function inKernelOrder(controllers: readonly string[]): string[] {
  const rank = (name: string): number => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  return [...controllers].sort((a, b) => rank(a) - rank(b));
}

/** Files of the cgroup core that can be written, and whether a root has them. */
const CORE_V2: Readonly<Record<string, boolean>> = { 'cgroup.type': false, 'cgroup.freeze': false, 'cgroup.kill': false, 'cgroup.subtree_control': true, 'cgroup.procs': true, 'cgroup.threads': true, 'cgroup.max.depth': true, 'cgroup.max.descendants': true };
/** v1 files that a root has not (CFTYPE_NOT_ON_ROOT). */
const NOT_IN_V1_ROOT: readonly string[] = ['pids.max', 'freezer.state'];
/** Files that not every kernel has, and another of the same controller that tells whether this cgroup was read. */
const NOT_EVERYWHERE: Readonly<Record<string, readonly [keyof CgroupState, ...(keyof CgroupState)[]]>> = {
  'cpu.idle': ['idle', 'shares', 'bandwidth'],
  'cpu.max.burst': ['burst', 'bandwidth'],
  'cpu.cfs_burst_us': ['burst', 'shares'],
  'cpu.rt_runtime_us': ['rtRuntime', 'shares'],
  'cpu.rt_period_us': ['rtPeriod', 'shares'],
  'cpuset.cpus.partition': ['partition', 'cpus'],
};

/** Files that a controller has in one version alone. */
const ONLY: Readonly<Record<1 | 2, readonly string[]>> = {
  1: ['cpu.shares', 'cpu.cfs_quota_us', 'cpu.cfs_period_us', 'cpu.cfs_burst_us', 'cpu.rt_runtime_us', 'cpu.rt_period_us', 'cpuset.effective_cpus', 'cpuset.effective_mems', 'cpuset.memory_migrate'],
  2: ['cpu.max', 'cpu.max.burst', 'cpu.weight', 'cpu.weight.nice', 'cpuset.cpus.effective', 'cpuset.mems.effective', 'cpuset.cpus.partition', 'cpuset.cpus.exclusive'],
};

/** Whether a cgroup has an interface file. */
export function hasFile(cgroup: CgroupState, file: string, ofHierarchy: readonly string[]): boolean | undefined {
  const controller = file.slice(0, file.indexOf('.'));
  if (ONLY[cgroup.version === 1 ? 2 : 1].includes(file)) return false;
  if (cgroup.version === 2) {
    if (controller === 'cgroup') return CORE_V2[file] === undefined ? undefined : CORE_V2[file] || !isRoot(cgroup);
    if (isRoot(cgroup)) return false;
    if (!cgroup.controllers) return undefined;
    if (!cgroup.controllers.includes(controller)) return false;
  } else if (controller !== 'cgroup' && !(ofHierarchy.includes(controller) || file === 'tasks')) return false;
  else if (cgroup.path === '/' && NOT_IN_V1_ROOT.includes(file)) return false;
  const others = NOT_EVERYWHERE[file];
  if (!others) return true;
  if (cgroup[others[0]] !== undefined) return true;
  return others.slice(1).some(other => cgroup[other] !== undefined) ? false : undefined;
}
