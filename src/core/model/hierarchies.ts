import { encodeBytes } from '../parse/bytes';
import { parseCpuMax, parseCfs, parseCgroupType, parseInteger, parseLimit, parseWords } from '../parse/cgroupValues';
import { type CpuSet, parseCpuList } from '../parse/cpuList';
import { parseFlatKeyed } from '../parse/flatKeyed';
import { type Mount, parseMountinfo } from '../parse/mountinfo';
import type { CgroupLine } from '../parse/pidCgroup';
import { parsePressure } from '../parse/pressure';
import { parseProcCgroups } from '../parse/procCgroups';
import type { RawSnapshot } from '../rawSnapshot';
import type { Cgroup, Hierarchy, HostModel, Mode, Problem } from './hostModel';

export const V2_KEY = '0::';

/** Bytes of the longest path in /proc/PID/cgroup: the kernel has a buffer of PATH_MAX for it (proc_cgroup_show). */
const LONGEST_PATH = 4096;
/** About what has room in such a path: `/a/a/a…` */
const DEEPEST_PATH = 2000;

/** The key of the hierarchy that a line of /proc/PID/cgroup speaks of. */
export function hierarchyKey(line: CgroupLine): string {
  if (line.isV2) return V2_KEY;
  return [...line.controllers, ...(line.name === undefined ? [] : [`name=${line.name}`])].join(',');
}

type GrowingHierarchy = Hierarchy & { readonly cgroups: Map<string, Cgroup>; readonly walked: string[] };

/** While the model is built its hierarchies still grow: cgroups are added as threads name them. */
export class HierarchyBuilder {
  private readonly byKey = new Map<string, GrowingHierarchy>();

  constructor(
    private readonly raw: RawSnapshot,
    private readonly problems: Problem[],
  ) {
    const controllers = new Set(parseProcCgroups(raw.files.get('/proc/cgroups') ?? '').map(c => c.name));
    const mounts = parseMountinfo(raw.files.get('/proc/self/mountinfo') ?? '');
    for (const mount of mounts.filter(m => m.fsType === 'cgroup2' || m.fsType === 'cgroup')) {
      const isV2 = mount.fsType === 'cgroup2';
      const own = mount.superOptions.filter(o => controllers.has(o) || o.startsWith('name='));
      this.mounted(isV2 ? V2_KEY : own.join(','), isV2 ? 2 : 1, own, mount);
    }
  }

  private mounted(key: string, version: 1 | 2, own: readonly string[], mount: Mount): void {
    const known = this.byKey.get(key);
    if (key === '' || (known && (known.mountRoot === '/' || mount.root !== '/'))) return;
    const listed = this.raw.files.get(`${mount.mountPoint}/cgroup.controllers`);
    this.byKey.set(key, {
      key,
      version,
      controllers: version === 2 ? parseWords(listed ?? '') : own.filter(o => !o.startsWith('name=')),
      mountPoint: mount.mountPoint,
      mountRoot: mount.root,
      cgroups: new Map(),
      walked: [],
    });
  }

  /** The cgroup at `path`, with all above it. One that was not visited has no values; one that was removed is `undefined`. */
  cgroup(line: CgroupLine): { key: string; cgroup: Cgroup | undefined } {
    const key = hierarchyKey(line);
    let hierarchy = this.byKey.get(key);
    if (!hierarchy) {
      const { isV2, controllers } = line;
      hierarchy = { key, version: isV2 ? 2 : 1, controllers, mountPoint: undefined, mountRoot: '/', cgroups: new Map(), walked: [] };
      this.byKey.set(key, hierarchy);
    }
    return { key, cgroup: line.deleted ? undefined : this.at(hierarchy, line.path) };
  }

  /** All below this directory was visited. */
  wasWalked(directory: string): void {
    const cgroup = this.ofDirectory(directory);
    if (cgroup) this.byKey.get(cgroup.hierarchy)!.walked.push(cgroup.path);
  }

  /** The cgroup whose directory this is. */
  ofDirectory(directory: string): Cgroup | undefined {
    let nearest: GrowingHierarchy | undefined;
    let nearestMount = '';
    for (const hierarchy of this.byKey.values()) {
      const { mountPoint } = hierarchy;
      if (mountPoint === undefined || (directory !== mountPoint && !directory.startsWith(`${mountPoint}/`))) continue;
      // A v1 controller may be mounted in a directory of v2's mount: the innermost mount counts.
      if (mountPoint.length > nearestMount.length) [nearest, nearestMount] = [hierarchy, mountPoint];
    }
    if (!nearest) return undefined;
    const path = `${nearest.mountRoot === '/' ? '' : nearest.mountRoot}${directory.slice(nearestMount.length)}`;
    return this.at(nearest, path === '' ? '/' : path);
  }

  /** `undefined`, and a problem, for a path that no kernel has: only a made-up file can name it, to cost time and memory. */
  private at(hierarchy: GrowingHierarchy, path: string): Cgroup | undefined {
    if (!isPossible(path)) {
      this.problems.push({ path: `${path.slice(0, 80)}…`, errno: 'unexpected content' });
      return undefined;
    }
    const missing: string[] = [];
    let at: string | undefined = path;
    for (; at !== undefined && !hierarchy.cgroups.has(at); at = parentPath(hierarchy, at)) missing.push(at);
    let cgroup = at === undefined ? undefined : hierarchy.cgroups.get(at);
    for (const below of missing.reverse()) {
      cgroup = this.read(hierarchy, below, cgroup);
      hierarchy.cgroups.set(below, cgroup);
    }
    return cgroup;
  }

  private read(hierarchy: Hierarchy, path: string, parent: Cgroup | undefined): Cgroup {
    const directory = directoryOf(hierarchy, path);
    const visited = directory !== undefined && this.raw.directories.has(directory);
    const text = (name: string): string | undefined => (visited ? this.raw.files.get(`${directory}/${name}`) : undefined);
    const value = <T>(name: string, parse: (text: string) => T | undefined): T | undefined => {
      const content = text(name);
      if (content === undefined) return undefined;
      const parsed = parse(content);
      if (parsed === undefined) this.problems.push({ path: `${directory}/${name}`, errno: 'unexpected content' });
      return parsed;
    };
    const flag = (name: string): boolean | undefined => {
      const number = value(name, parseInteger);
      return number === undefined ? undefined : number !== 0;
    };
    const v1 = hierarchy.version === 1;
    const cpus = value('cpuset.cpus', parseCpuList);
    const mems = value('cpuset.mems', parseCpuList);
    const quota = text('cpu.cfs_quota_us');
    const period = text('cpu.cfs_period_us');
    const freezer = text('freezer.state');
    const populated = parseFlatKeyed(text('cgroup.events') ?? '').get('populated');
    return {
      hierarchy: hierarchy.key,
      path,
      directory,
      parent,
      type: value('cgroup.type', parseCgroupType),
      controllers: value('cgroup.controllers', parseWords),
      subtreeControl: value('cgroup.subtree_control', parseWords),
      cpus,
      cpusEffective: value(v1 ? 'cpuset.effective_cpus' : 'cpuset.cpus.effective', parseCpuList),
      cpusExclusive: value('cpuset.cpus.exclusive', parseCpuList),
      mems,
      memsEffective: value(v1 ? 'cpuset.effective_mems' : 'cpuset.mems.effective', parseCpuList),
      memoryMigrate: flag('cpuset.memory_migrate'),
      cpuExclusive: flag('cpuset.cpu_exclusive'),
      memExclusive: flag('cpuset.mem_exclusive'),
      cloneChildren: flag('cgroup.clone_children'),
      partition: text('cpuset.cpus.partition')?.trim(),
      bandwidth: v1 ? (quota === undefined || period === undefined ? undefined : parseCfs(quota, period)) : value('cpu.max', parseCpuMax),
      burst: value(v1 ? 'cpu.cfs_burst_us' : 'cpu.max.burst', parseInteger),
      weight: value('cpu.weight', parseInteger),
      shares: value('cpu.shares', parseInteger),
      idle: flag('cpu.idle'),
      throttled: throttling(text('cpu.stat')),
      rtRuntime: value('cpu.rt_runtime_us', parseInteger),
      rtPeriod: value('cpu.rt_period_us', parseInteger),
      pidsMax: value('pids.max', parseLimit),
      pidsCurrent: value('pids.current', parseInteger),
      frozen: freezer === undefined ? flag('cgroup.freeze') : freezer.trim() !== 'THAWED',
      cpuPressure: value('cpu.pressure', parsePressure),
      pidsRefused: parseFlatKeyed(text('pids.events') ?? '').get('max'),
      frozenItself: flag('freezer.self_freezing'),
      populated: populated === undefined ? undefined : populated !== 0,
    };
  }

  /** v1 controllers, v1 names, v2: an order of keys that stays from boot to boot, unlike the kernel's numbers. */
  compare(a: string, b: string): number {
    return this.rank(a) - this.rank(b) || (a < b ? -1 : 1);
  }

  private rank(key: string): number {
    const hierarchy = this.byKey.get(key);
    return hierarchy?.version === 2 ? 2 : hierarchy && hierarchy.controllers.length > 0 ? 0 : 1;
  }

  finish(): Pick<HostModel, 'mode' | 'controllers' | 'hierarchies'> {
    const hierarchies = [...this.byKey.values()].map(hierarchy => ({ ...hierarchy, walked: hierarchy.walked.sort() })).sort((a, b) => this.compare(a.key, b.key));
    const controllers = new Map<string, 'v1' | 'v2' | 'none'>();
    for (const { name, enabled } of parseProcCgroups(this.raw.files.get('/proc/cgroups') ?? '')) {
      // Where v1 has not got perf_event, it is on in all of v2 and not listed (cgroup-v2.rst, "perf_event").
      controllers.set(name, enabled && name === 'perf_event' && this.byKey.has(V2_KEY) ? 'v2' : 'none');
    }
    for (const hierarchy of hierarchies) {
      for (const name of hierarchy.controllers) if (!name.startsWith('name=')) controllers.set(name, hierarchy.version === 2 ? 'v2' : 'v1');
    }
    return { mode: modeOf(hierarchies), controllers, hierarchies };
  }
}

function isPossible(path: string): boolean {
  // A UTF-16 unit stands for one to three bytes.
  if (path.length > LONGEST_PATH || (path.length * 3 > LONGEST_PATH && encodeBytes(path).length > LONGEST_PATH)) return false;
  return path.length <= DEEPEST_PATH || path.split('/').length - 1 <= DEEPEST_PATH;
}

/** The path one level up; `undefined` above what is mounted, and where it is unknown (`/../x` is a cgroup outside the namespace). */
function parentPath({ mountRoot }: Hierarchy, path: string): string | undefined {
  if (path === '/' || path === mountRoot || (isOutside(path) && !path.startsWith(`${mountRoot}/`))) return undefined;
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}

/** Outside the reader's cgroup namespace: cgroup_namespaces(7). A cgroup's own name may begin with two dots. */
function isOutside(path: string): boolean {
  return path === '/..' || path.startsWith('/../');
}

function directoryOf(hierarchy: Hierarchy, path: string): string | undefined {
  const { mountPoint, mountRoot } = hierarchy;
  if (mountPoint === undefined) return undefined;
  if (mountRoot === '/') return isOutside(path) ? undefined : path === '/' ? mountPoint : mountPoint + path;
  if (path === mountRoot) return mountPoint;
  return path.startsWith(`${mountRoot}/`) ? mountPoint + path.slice(mountRoot.length) : undefined;
}

function modeOf(hierarchies: readonly Hierarchy[]): Mode {
  const v1 = hierarchies.some(h => h.version === 1 && h.controllers.length > 0);
  const v2 = hierarchies.find(h => h.version === 2);
  if (v1) return v2 === undefined ? 'legacy' : v2.controllers.length > 0 ? 'mixed' : 'hybrid';
  return v2 === undefined ? 'none' : 'unified';
}

/** v1 counts `throttled_time` in nanoseconds, v2 `throttled_usec`. */
function throttling(text: string | undefined): Cgroup['throttled'] {
  if (text === undefined) return undefined;
  const stat = parseFlatKeyed(text);
  const times = stat.get('nr_throttled');
  if (times === undefined) return undefined;
  return { periods: stat.get('nr_periods') ?? 0, times, time: stat.get('throttled_time') ?? (stat.get('throttled_usec') ?? 0) * 1000 };
}

/** The cgroup and all above it, the nearest first. */
export function* withAncestors(cgroup: Cgroup | undefined): IterableIterator<Cgroup> {
  for (let at = cgroup; at !== undefined; at = at.parent) yield at;
}

/** What a thread in this cgroup may use at most by its cpuset: v1 configured is effective. */
export function effectiveCpus(cgroup: Cgroup | undefined): CpuSet | undefined {
  return cgroup?.cpusEffective ?? cgroup?.cpus;
}
