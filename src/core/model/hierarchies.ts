import { parseCpuMax, parseCfs, parseCgroupType, parseInteger, parseLimit, parseWords } from '../parse/cgroupValues';
import { type CpuSet, parseCpuList } from '../parse/cpuList';
import { parseFlatKeyed } from '../parse/flatKeyed';
import { type Mount, parseMountinfo } from '../parse/mountinfo';
import type { CgroupLine } from '../parse/pidCgroup';
import { parseProcCgroups } from '../parse/procCgroups';
import type { RawSnapshot } from '../rawSnapshot';
import type { Cgroup, Hierarchy, HostModel, Mode, Problem } from './hostModel';

export const V2_KEY = '0::';

/** The key of the hierarchy that a line of /proc/PID/cgroup speaks of. */
export function hierarchyKey(line: CgroupLine): string {
  if (line.isV2) return V2_KEY;
  return [...line.controllers, ...(line.name === undefined ? [] : [`name=${line.name}`])].join(',');
}

/** While the model is built its hierarchies still grow: cgroups are added as threads name them. */
export class HierarchyBuilder {
  private readonly byKey = new Map<string, Hierarchy & { readonly cgroups: Map<string, Cgroup> }>();

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
    });
  }

  /** The cgroup at `path`, with all above it. One that was not visited has no values. */
  cgroup(line: CgroupLine): { key: string; cgroup: Cgroup } {
    const key = hierarchyKey(line);
    let hierarchy = this.byKey.get(key);
    if (!hierarchy) {
      const { isV2, controllers } = line;
      hierarchy = { key, version: isV2 ? 2 : 1, controllers, mountPoint: undefined, mountRoot: '/', cgroups: new Map() };
      this.byKey.set(key, hierarchy);
    }
    return { key, cgroup: this.at(hierarchy, line.path) };
  }

  /** The cgroup whose directory this is. */
  ofDirectory(directory: string): Cgroup | undefined {
    for (const hierarchy of this.byKey.values()) {
      const { mountPoint, mountRoot } = hierarchy;
      if (mountPoint === undefined || (directory !== mountPoint && !directory.startsWith(`${mountPoint}/`))) continue;
      const path = `${mountRoot === '/' ? '' : mountRoot}${directory.slice(mountPoint.length)}`;
      return this.at(hierarchy, path === '' ? '/' : path);
    }
    return undefined;
  }

  private at(hierarchy: Hierarchy & { readonly cgroups: Map<string, Cgroup> }, path: string): Cgroup {
    const known = hierarchy.cgroups.get(path);
    if (known) return known;
    const slash = path.lastIndexOf('/');
    const parent = path === '/' || path === hierarchy.mountRoot || path.startsWith('/..') ? undefined : this.at(hierarchy, slash === 0 ? '/' : path.slice(0, slash));
    const cgroup = this.read(hierarchy, path, parent);
    hierarchy.cgroups.set(path, cgroup);
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
      partition: text('cpuset.cpus.partition')?.trim(),
      bandwidth: v1 ? (quota === undefined || period === undefined ? undefined : parseCfs(quota, period)) : value('cpu.max', parseCpuMax),
      weight: value('cpu.weight', parseInteger),
      shares: value('cpu.shares', parseInteger),
      idle: flag('cpu.idle'),
      throttled: throttling(text('cpu.stat')),
      pidsMax: value('pids.max', parseLimit),
      pidsCurrent: value('pids.current', parseInteger),
      frozen: freezer === undefined ? flag('cgroup.freeze') : freezer.trim() !== 'THAWED',
    };
  }

  /** v1 controllers, v1 names, v2: an order that stays from boot to boot, unlike the kernel's numbers. */
  finish(): Pick<HostModel, 'mode' | 'controllers' | 'hierarchies'> {
    const rank = (h: Hierarchy): number => (h.version === 2 ? 2 : h.controllers.length > 0 ? 0 : 1);
    const hierarchies = [...this.byKey.values()].sort((a, b) => rank(a) - rank(b) || (a.key < b.key ? -1 : 1));
    const controllers = new Map<string, 'v1' | 'v2' | 'none'>();
    for (const { name } of parseProcCgroups(this.raw.files.get('/proc/cgroups') ?? '')) controllers.set(name, 'none');
    for (const hierarchy of hierarchies) {
      for (const name of hierarchy.controllers) if (!name.startsWith('name=')) controllers.set(name, hierarchy.version === 2 ? 'v2' : 'v1');
    }
    return { mode: modeOf(hierarchies), controllers, hierarchies };
  }
}

function directoryOf(hierarchy: Hierarchy, path: string): string | undefined {
  const { mountPoint, mountRoot } = hierarchy;
  if (mountPoint === undefined) return undefined;
  if (mountRoot === '/') return path.startsWith('/..') ? undefined : path === '/' ? mountPoint : mountPoint + path;
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
