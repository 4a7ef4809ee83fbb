import { V2_KEY } from '../../../src/core/model/hierarchies';
import type { HostModel } from '../../../src/core/model/hostModel';
import { type Changeable, emptySnapshot, model, statText } from '../fixtures';

/** A host of two CPUs with one QEMU of four threads, TIDs 10 to 13, all in the same cgroups. */
export interface SmallHost {
  /** `uname -r` */
  readonly kernel: string;
  /** Controllers of each v1 hierarchy, and of v2 as `0::cpuset,cpu`. */
  readonly hierarchies: readonly string[];
  /** `cpuset /a` → its files. The root is there in any case. */
  readonly cgroups?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Where the threads are, by controller; `/` elsewhere. */
  readonly places?: Readonly<Record<string, string>>;
  readonly allowed?: string;
  /** `fifo` and the like by their number (sched.h). */
  readonly policy?: number;
  /** Whether all cgroups were read. */
  readonly walked?: boolean;
  readonly cpus?: string;
}

const ROOTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  cpuset: { 'cpuset.cpus': '0-1', 'cpuset.effective_cpus': '0-1', 'cpuset.mems': '0', 'cpuset.effective_mems': '0', 'cpuset.cpu_exclusive': '1', 'cpuset.mem_exclusive': '1', 'cpuset.memory_migrate': '0', 'cgroup.clone_children': '0' },
  cpu: { 'cpu.shares': '1024', 'cpu.cfs_quota_us': '-1', 'cpu.cfs_period_us': '100000', 'cpu.cfs_burst_us': '0', 'cpu.idle': '0', 'cpu.rt_runtime_us': '950000', 'cpu.rt_period_us': '1000000' },
};

export function mountOf(hierarchy: string): string {
  return `/sys/fs/cgroup/${hierarchy.startsWith(V2_KEY) ? 'unified' : hierarchy}`;
}

export async function smallHost(host: SmallHost): Promise<HostModel> {
  const { kernel, hierarchies, cgroups = {}, places = {}, allowed = '0-1', policy = 0, walked = true, cpus = '0-1' } = host;
  const raw = emptySnapshot() as Changeable & { walked?: Set<string> };
  const file = (path: string, text: string): void => void raw.files.set(path, `${text}\n`);
  file('/proc/sys/kernel/osrelease', kernel);
  file('/proc/sys/kernel/sched_rt_runtime_us', '950000');
  for (const name of ['online', 'possible']) file(`/sys/devices/system/cpu/${name}`, cpus);
  file('/sys/devices/system/node/node0/cpulist', cpus);
  file('/proc/cgroups', `#subsys_name\thierarchy\tnum_cgroups\tenabled\n${['cpuset', 'cpu', 'cpuacct', 'blkio', 'memory', 'devices', 'freezer', 'hugetlb', 'pids'].map(name => `${name}\t1\t1\t1`).join('\n')}`);
  file('/proc/self/mountinfo', hierarchies.map((one, i) => `${i + 10} 1 0:${i} / ${mountOf(one)} rw - ${one.startsWith(V2_KEY) ? 'cgroup2 cgroup2 rw' : `cgroup cgroup rw,${one}`}`).join('\n'));
  raw.walked = walked ? new Set(hierarchies.map(mountOf)) : new Set();
  for (const hierarchy of hierarchies) {
    const root = mountOf(hierarchy);
    raw.directories.add(root);
    if (hierarchy.startsWith(V2_KEY)) {
      const controllers = hierarchy.slice(V2_KEY.length).replaceAll(',', ' ');
      file(`${root}/cgroup.controllers`, controllers);
      file(`${root}/cgroup.subtree_control`, controllers);
      if (controllers.includes('cpuset')) for (const [name, text] of [['cpuset.cpus.effective', cpus], ['cpuset.mems.effective', '0']] as const) file(`${root}/${name}`, text);
    } else for (const [name, text] of Object.entries(ROOTS[hierarchy] ?? {})) file(`${root}/${name}`, text === '0-1' ? cpus : text);
  }
  for (const [name, files] of Object.entries(cgroups)) {
    const [hierarchy, path] = name.split(' ') as [string, string];
    const directory = mountOf(hierarchies.find(one => one.startsWith(hierarchy)) ?? hierarchy) + path;
    raw.directories.add(directory);
    for (const [key, text] of Object.entries(files)) file(`${directory}/${key}`, text);
  }
  const cgroup = hierarchies.map((one, i) => (one.startsWith(V2_KEY) ? `0::${places['0::'] ?? '/'}` : `${i + 1}:${one}:${places[one] ?? '/'}`)).join('\n');
  for (const tid of [10, 11, 12, 13]) {
    const task = `/proc/10/task/${tid}`;
    file(`${task}/stat`, statText(tid, 'qemu-system-x86', { 4: 1, 22: 100 + tid, 40: policy === 1 ? 5 : 0, 41: policy }).trimEnd());
    file(`${task}/cgroup`, cgroup);
    file(`${task}/status`, `Cpus_allowed_list:\t${allowed}`);
  }
  raw.files.set('/proc/10/cmdline', 'qemu-system-x86_64\0');
  return (await model(raw)).model;
}
