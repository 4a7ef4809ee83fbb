import { CpuSet } from '../parse/cpuList';
import { type Confinement, confine, cpusetOf, effectiveOf, granted } from './affinity';
import { accepted, refusal, refused, unless } from './answers';
import { reason } from './because';
import { effectsOf } from './cpuset';
import { inKernelOrder } from './files';
import type { Outcome, Prediction } from './outcome';
import { canBeThreadRoot, domainOf, hasTasks, isRoot, isThreadRoot, isThreaded, isThreadedController, retype } from './threaded';
import { type CgroupState, type World, parentOf } from './world';

/** Controllers of /proc/cgroups that v2 has not got, and those that are on everywhere and not listed. */
const NOT_IN_V2: readonly string[] = ['cpuacct', 'devices', 'freezer', 'net_cls', 'net_prio', 'blkio'];

/** kernel/cgroup/cgroup.c: cgroup_subtree_control_write. All or nothing. */
export function writeSubtreeControl(world: World, cgroup: CgroupState, file: string, value: string): Prediction {
  const { hierarchy, path } = cgroup;
  const known = controllersOf(world);
  const enable = new Set<string>();
  const disable = new Set<string>();
  for (const word of value.trim().split(' ')) {
    if (word === '') continue;
    const name = word.slice(1);
    if (!known.has(name)) return refused(world, 'EINVAL', reason('no-such-controller', { controller: name }));
    if (word.startsWith('+')) [enable.add(name), disable.delete(name)];
    else if (word.startsWith('-')) [disable.add(name), enable.delete(name)];
    else return refused(world, 'EINVAL', reason('bad-value', { file, value }));
  }
  const on = cgroup.subtreeControl;
  if (!on || !cgroup.controllers) return unless(accepted(world), refusal('ENOENT', reason('not-modelled', { file })));
  const possible: Outcome[] = [];
  for (const name of inKernelOrder([...enable, ...disable])) {
    if (enable.has(name)) {
      if (on.includes(name)) enable.delete(name);
      else if (!cgroup.controllers.includes(name)) return { outcomes: [refusal('ENOENT', reason('controller-not-here', { controller: name, path })), ...possible], after: world };
    } else if (!on.includes(name)) disable.delete(name);
    else {
      const child = world.children(hierarchy, path).find(one => one.subtreeControl?.includes(name) === true);
      if (child) return { outcomes: [refusal('EBUSY', reason('controller-in-use', { controller: name, child: child.path })), ...possible], after: world };
      if (!cgroup.childrenKnown) possible.push(refusal('EBUSY', reason('children-unknown', { path })));
    }
  }
  if (enable.size === 0 && disable.size === 0) return unless(accepted(world), ...possible);
  const vetted = vetEnable(world, cgroup, [...enable]);
  possible.push(...vetted.possible);
  if (vetted.certain) return { outcomes: [vetted.certain, ...possible], after: world };
  const realTime = enable.has('cpu') ? realTimeBelow(world, hierarchy, path) : undefined;
  if (realTime !== undefined) possible.push(refusal('EINVAL', reason('rt-tasks-below', { path: realTime })));
  return unless(switched(world, cgroup, [...enable], [...disable], { file, value }), ...possible);
}

/** Those that this kernel knows by their v2 names. */
function controllersOf(world: World): Set<string> {
  const names = [...world.model.controllers.keys()];
  return new Set([...names.filter(name => !NOT_IN_V2.includes(name)), ...(names.includes('blkio') ? ['io'] : [])]);
}

/** cgroup_vet_subtree_control_enable */
function vetEnable(world: World, cgroup: CgroupState, enable: readonly string[]): { readonly certain?: Outcome; readonly possible: readonly Outcome[] } {
  const { hierarchy, path } = cgroup;
  if (enable.length === 0) return { possible: [] };
  const domain = domainOf(world, hierarchy, path);
  if (domain?.type === 'domain invalid') return { certain: refusal('EOPNOTSUPP', reason('domain-invalid', { path: domain.path })), possible: [] };
  if (isRoot(cgroup)) return { possible: [] };
  const domainOnes = enable.filter(name => !isThreadedController(name));
  const possible: Outcome[] = [];
  if (domainOnes.length > 0) {
    const inThreads = refusal('EOPNOTSUPP', reason('in-threads', { controllers: domainOnes.join(' '), path }));
    const root = isThreadRoot(world, cgroup);
    if (isThreaded(cgroup) || root === true) return { certain: inThreads, possible };
    if (root === undefined) possible.push(inThreads);
  } else {
    const can = canBeThreadRoot(world, cgroup);
    if (isThreaded(cgroup) || can === true) return { possible };
    if (can === undefined) {
      const inside = hasTasks(world, cgroup) === false ? [] : [refusal('EBUSY', reason('tasks-inside', { path }))];
      return { possible: inside };
    }
  }
  const tasks = hasTasks(world, cgroup);
  const inside = refusal('EBUSY', reason('tasks-inside', { path }));
  if (tasks === true) return { certain: inside, possible };
  return { possible: tasks === undefined ? [...possible, inside] : possible };
}

/** A cgroup below with real-time tasks: what they need in a kernel that has groups of them, v2 cannot give. */
function realTimeBelow(world: World, hierarchy: string, path: string): string | undefined {
  for (const child of world.children(hierarchy, path)) {
    if (world.tasksIn(hierarchy, child.path).some(({ policy }) => policy === 'fifo' || policy === 'rr')) return child.path;
    const below = realTimeBelow(world, hierarchy, child.path);
    if (below !== undefined) return below;
  }
  return undefined;
}

function switched(world: World, cgroup: CgroupState, enable: readonly string[], disable: readonly string[], written: { readonly file: string; readonly value: string }): Prediction {
  const { hierarchy, path } = cgroup;
  const subtreeControl = inKernelOrder([...(cgroup.subtreeControl ?? []).filter(name => !disable.includes(name)), ...enable]);
  const own = { ...cgroup, subtreeControl };
  const children = world.children(hierarchy, path).map(child => withControllers(world, child, controllersFrom(own, child)));
  const changed = world.with({ cgroups: [own, ...children] });
  const { world: after, effects } = retype(changed, hierarchy, [path]);
  const values = effectsOf(world, after, hierarchy, [path, ...children.map(child => child.path)], written);
  const moved = enable.includes('cpuset') || disable.includes('cpuset') ? reattached(world, after, hierarchy, children.map(child => child.path)) : [];
  return confine(after, moved, [...values, ...effects]);
}

/** cgroup_control: of a threaded cgroup only what tells threads apart. */
export function controllersFrom(parent: CgroupState | undefined, child: { readonly type: CgroupState['type'] }): readonly string[] | undefined {
  const all = parent?.subtreeControl;
  return child.type === 'threaded' ? all?.filter(isThreadedController) : all;
}

/** A v2 cgroup that has these controllers now: those that are new begin with the kernel's defaults, those that are gone have left nothing. */
export function withControllers(world: World, cgroup: CgroupState, controllers: readonly string[] | undefined): CgroupState {
  const above = cpusetOf(world, cgroup.hierarchy, parentOf(cgroup.path) ?? '/');
  const gains = (name: string): boolean => controllers?.includes(name) === true && cgroup.controllers?.includes(name) !== true;
  const loses = (name: string): boolean => controllers?.includes(name) !== true;
  const { hasIdle, hasBurst } = world.kernel;
  return {
    ...cgroup,
    controllers,
    ...(gains('cpuset') ? { cpus: CpuSet.empty, mems: CpuSet.empty, cpusEffective: above && effectiveOf(above), memsEffective: above?.memsEffective, partition: 'member' } : {}),
    ...(gains('cpu') ? { bandwidth: { quota: 'max', period: 100_000 } as const, weight: 100, burst: hasBurst === true ? 0 : undefined, idle: hasIdle === true ? false : undefined } : {}),
    ...(gains('pids') ? { pidsMax: 'max' as const } : {}),
    ...(loses('cpuset') ? { cpus: undefined, mems: undefined, cpusEffective: undefined, memsEffective: undefined, partition: undefined, cpusExclusive: undefined } : {}),
    ...(loses('cpu') ? { bandwidth: undefined, weight: undefined, burst: undefined, idle: undefined } : {}),
    ...(loses('pids') ? { pidsMax: undefined } : {}),
  };
}

/** Tasks that are put into another cpuset without being moved. */
function reattached(before: World, after: World, hierarchy: string, children: readonly string[]): Confinement[] {
  const found: (Confinement & { readonly isEqual: boolean })[] = [];
  const queue = [...children];
  for (const path of queue) {
    const [old, now] = [cpusetOf(before, hierarchy, path), cpusetOf(after, hierarchy, path)];
    if (old?.path === now?.path) continue; // it has one of its own
    for (const child of after.children(hierarchy, path)) queue.push(child.path);
    const set = granted(after, now);
    if (!set) continue;
    const isEqual = old !== undefined && now !== undefined && effectiveOf(old)?.toString() === effectiveOf(now)?.toString() && old.memsEffective?.toString() === now.memsEffective?.toString();
    for (const task of after.tasksIn(hierarchy, path)) found.push({ task, set, from: granted(before, old), isEqual });
  }
  const { leavesEqualCpusets } = after.kernel;
  if (leavesEqualCpusets === false || found.every(one => !one.isEqual)) return found;
  if (leavesEqualCpusets === true && found.every(one => one.isEqual)) return [];
  return found.map(one => ({ ...one, perhaps: true }));
}
