import type { CpuBandwidth } from '../parse/cgroupValues';
import type { CgroupRef, MoveTask, WriteValue } from './action';
import { predict } from './predict';
import { domainOf, isRoot } from './threaded';
import { type CgroupState, type World, parentOf, pathAndAbove } from './world';

/** What is written where, for what is wanted: the one place besides the predictions that knows v1 from v2. */
export interface CgroupBackend {
  readonly version: 1 | 2;
  /** A TID written here moves that thread alone. */
  readonly threadFile: Exclude<MoveTask['file'], 'cgroup.procs'>;
  /** A TID written here moves its whole process. */
  readonly processFile: 'cgroup.procs';
  /** Sets quota and period, in an order that the kernel takes; empty where they are so already. */
  writesForQuota(world: World, cgroup: CgroupRef, to: CpuBandwidth): readonly WriteValue[];
  /** What a cgroup that is there lacks to hold threads of the processes around it. */
  fill(world: World, cgroup: CgroupRef): readonly WriteValue[];
  /** What makes a fresh child able to hold threads of its parent's processes; it need not be in the world yet. */
  fillNew(world: World, cgroup: CgroupRef): readonly WriteValue[];
  /** Writes that bring controllers to a cgroup from its resource domain on, the uppermost first. v1 has them everywhere. */
  bringControllers(world: World, cgroup: CgroupRef, controllers: readonly string[]): readonly WriteValue[];
  /** Within it a thread may move: v1 the whole hierarchy; v2 the nearest cgroup at or above that is not threaded. */
  threadedDomain(world: World, path: string): string;
}

export function backendOf(hierarchy: { readonly key: string; readonly version: 1 | 2 }): CgroupBackend {
  return hierarchy.version === 1 ? v1() : v2(hierarchy.key);
}

function write(cgroup: CgroupRef, file: string, value: string): WriteValue {
  return { kind: 'write', cgroup, file, value };
}

function v1(): CgroupBackend {
  return {
    version: 1,
    threadFile: 'tasks',
    processFile: 'cgroup.procs',
    writesForQuota(world, cgroup, { quota, period }) {
      const before = world.cgroup(cgroup.hierarchy, cgroup.path)?.bandwidth;
      const setQuota = write(cgroup, 'cpu.cfs_quota_us', quota === 'max' ? '-1' : String(quota));
      const setPeriod = write(cgroup, 'cpu.cfs_period_us', String(period));
      const noQuota = write(cgroup, 'cpu.cfs_quota_us', '-1');
      if (before?.quota === quota && before.period === period) return [];
      if (before?.quota === quota) return firstThatWorks(world, [[setPeriod], [noQuota, setPeriod, setQuota]]);
      if (before?.period === period) return [setQuota];
      return firstThatWorks(world, [[setQuota, setPeriod], [setPeriod, setQuota], [noQuota, setPeriod, setQuota]]);
    },
    fill: fillV1,
    fillNew: fillV1,
    bringControllers: () => [],
    threadedDomain: () => '/',
  };
}

/** Nothing is inherited: what is empty gets what the nearest above has that is there already. */
function fillV1(world: World, cgroup: CgroupRef): WriteValue[] {
  const own = world.cgroup(cgroup.hierarchy, cgroup.path);
  const above = pathAndAbove(cgroup.path).slice(1).map(path => world.cgroup(cgroup.hierarchy, path)).find(one => one !== undefined);
  if (!above?.cpus || !above.mems) return []; // no cpusets in this hierarchy
  return [
    ...(own?.cpus === undefined || own.cpus.isEmpty ? [write(cgroup, 'cpuset.cpus', above.cpus.toString())] : []),
    ...(own?.mems === undefined || own.mems.isEmpty ? [write(cgroup, 'cpuset.mems', above.mems.toString())] : []),
  ];
}

function v2(hierarchy: string): CgroupBackend {
  return {
    version: 2,
    threadFile: 'cgroup.threads',
    processFile: 'cgroup.procs',
    writesForQuota(world, cgroup, { quota, period }) {
      const before = world.cgroup(cgroup.hierarchy, cgroup.path)?.bandwidth;
      return before?.quota === quota && before.period === period ? [] : [write(cgroup, 'cpu.max', `${quota} ${period}`)];
    },
    fill: (world, cgroup) => (world.cgroup(hierarchy, cgroup.path)?.type === 'domain invalid' ? [write(cgroup, 'cgroup.type', 'threaded')] : []),
    fillNew(world, cgroup) {
      const parent = world.cgroup(hierarchy, parentOf(cgroup.path) ?? '/');
      const own = world.cgroup(hierarchy, cgroup.path);
      return own?.type === 'threaded' || (parent && isRoot(parent)) ? [] : [write(cgroup, 'cgroup.type', 'threaded')];
    },
    bringControllers(world, cgroup, controllers) {
      const writes: WriteValue[] = [];
      const domain = domainOf(world, hierarchy, parentOf(cgroup.path) ?? '/')?.path;
      for (let path = parentOf(cgroup.path); path !== undefined; path = parentOf(path)) {
        const at = world.cgroup(hierarchy, path);
        const missing = at?.directory === undefined ? [] : controllers.filter(name => at.subtreeControl?.includes(name) === false);
        if (missing.length > 0) writes.unshift(write({ hierarchy, path, directory: at!.directory! }, 'cgroup.subtree_control', missing.map(name => `+${name}`).join(' ')));
        if (path === domain) break; // what is above belongs to somebody else
      }
      return writes;
    },
    threadedDomain: (world, path) => domainOf(world, hierarchy, path)?.path ?? path,
  };
}

/** Of several orders the first that is accepted for certain, or the first of all: its refusal is then told. */
function firstThatWorks(world: World, orders: readonly (readonly WriteValue[])[]): readonly WriteValue[] {
  return orders.find(order => works(world, order)) ?? orders[0]!;
}

function works(world: World, order: readonly WriteValue[]): boolean {
  for (const action of order) {
    const { outcomes, after } = predict(world, action);
    if (outcomes.some(({ errno }) => errno !== undefined)) return false;
    world = after;
  }
  return true;
}

/** Where a cgroup is, as an action names it; `undefined` where it is not below a mount. */
export function refOf({ hierarchy, path, directory }: Pick<CgroupState, 'hierarchy' | 'path' | 'directory'>): CgroupRef | undefined {
  return directory === undefined ? undefined : { hierarchy, path, directory };
}
