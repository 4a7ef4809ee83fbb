import type { Limit } from '../parse/cgroupValues';
import type { Effect } from './outcome';
import { isRoot } from './threaded';
import type { CgroupState } from './world';

type Texts = Readonly<Record<string, string | undefined>>;

/** What a cgroup's interface files read, as far as a world knows: those that an action of ours can change. */
export function textsOf(cgroup: CgroupState): Texts {
  return cgroup.version === 1 ? textsV1(cgroup) : textsV2(cgroup);
}

function textsV1(c: CgroupState): Texts {
  return {
    'cpuset.cpus': c.cpus?.toString(),
    'cpuset.effective_cpus': c.cpusEffective?.toString(),
    'cpuset.mems': c.mems?.toString(),
    'cpuset.effective_mems': c.memsEffective?.toString(),
    'cpuset.memory_migrate': flag(c.memoryMigrate),
    'cpuset.cpu_exclusive': flag(c.cpuExclusive),
    'cpuset.mem_exclusive': flag(c.memExclusive),
    'cgroup.clone_children': flag(c.cloneChildren),
    'cpu.shares': text(c.shares),
    'cpu.cfs_quota_us': c.bandwidth && (c.bandwidth.quota === 'max' ? '-1' : text(c.bandwidth.quota)),
    'cpu.cfs_period_us': text(c.bandwidth?.period),
    'cpu.cfs_burst_us': text(c.burst),
    'cpu.idle': flag(c.idle),
    'cpu.rt_runtime_us': text(c.rtRuntime),
    'cpu.rt_period_us': text(c.rtPeriod),
    'pids.max': text(c.pidsMax),
    'freezer.state': c.frozen === undefined ? undefined : c.frozen ? 'FROZEN' : 'THAWED',
  };
}

function textsV2(c: CgroupState): Texts {
  return {
    'cgroup.controllers': c.controllers?.join(' '),
    'cgroup.subtree_control': c.subtreeControl?.join(' '),
    'cgroup.freeze': flag(c.frozen),
    'cpuset.cpus': c.cpus?.toString(),
    'cpuset.cpus.effective': c.cpusEffective?.toString(),
    'cpuset.mems': c.mems?.toString(),
    'cpuset.mems.effective': c.memsEffective?.toString(),
    'cpuset.cpus.partition': c.partition,
    'cpu.max': c.bandwidth && `${c.bandwidth.quota} ${c.bandwidth.period}`,
    'cpu.max.burst': text(c.burst),
    'cpu.weight': text(c.weight),
    'cpu.idle': flag(c.idle),
    'pids.max': text(c.pidsMax),
  };
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
