import type { CgroupType } from '../parse/cgroupValues';
import type { Effect } from './outcome';
import { type CgroupState, type World, parentOf, pathAndAbove } from './world';

/** Controllers that tell threads of one process apart (kernel-rules §1). All others are domain controllers. */
const THREADED: readonly string[] = ['cpu', 'cpuset', 'perf_event', 'pids', 'debug'];

export function isThreadedController(name: string): boolean {
  return THREADED.includes(name);
}

/** kernel/cgroup/cgroup.c: cgroup_is_mixable. Only a root has no `cgroup.type`. */
export function isRoot({ path, type }: CgroupState): boolean {
  return path === '/' && type === undefined;
}

export function isThreaded({ type }: CgroupState): boolean {
  return type === 'threaded';
}

/** The nearest cgroup at or above that is not threaded: where its threads' process is for domain controllers (`dom_cgrp`). */
export function domainOf(world: World, hierarchy: string, path: string): CgroupState | undefined {
  for (const at of pathAndAbove(path)) {
    const cgroup = world.cgroup(hierarchy, at);
    if (!cgroup || !isThreaded(cgroup)) return cgroup;
  }
  return undefined;
}

/** Whether tasks are in it, not below. */
export function hasTasks(world: World, cgroup: CgroupState): boolean | undefined {
  const { hierarchy, path, populated, made, childrenKnown } = cgroup;
  if (world.tasksIn(hierarchy, path).length > 0) return true;
  if (made || populated === false) return false;
  const isBelow = world.children(hierarchy, path).map(child => isPopulated(world, child));
  return populated === true && childrenKnown && isBelow.every(below => below === false) ? true : undefined;
}

/** Whether tasks are in it or below. */
export function isPopulated(world: World, cgroup: CgroupState): boolean | undefined {
  const { hierarchy, path, populated, made, childrenKnown } = cgroup;
  if (populated !== undefined) return populated;
  if (world.tasksIn(hierarchy, path).length > 0) return true;
  const below = world.children(hierarchy, path).map(child => isPopulated(world, child));
  if (below.includes(true)) return true;
  return made && childrenKnown && !below.includes(undefined) ? false : undefined;
}

/** cgroup_can_be_thread_root */
export function canBeThreadRoot(world: World, cgroup: CgroupState): boolean | undefined {
  if (isRoot(cgroup)) return true;
  if (isThreaded(cgroup) || cgroup.subtreeControl?.some(name => !isThreadedController(name)) === true) return false;
  const domains = world.children(cgroup.hierarchy, cgroup.path).filter(child => !isThreaded(child)).map(child => isPopulated(world, child));
  if (domains.includes(true)) return false;
  return cgroup.subtreeControl === undefined || domains.includes(undefined) || !childrenCanMatter(cgroup) ? undefined : true;
}

/** Children that were not read can only be populated where anything below is. */
function childrenCanMatter({ childrenKnown, populated }: CgroupState): boolean {
  return childrenKnown || populated === false;
}

/** cgroup_is_thread_root */
export function isThreadRoot(world: World, cgroup: CgroupState): boolean | undefined {
  if (isThreaded(cgroup)) return false;
  if (world.children(cgroup.hierarchy, cgroup.path).some(isThreaded)) return true;
  const controls = cgroup.subtreeControl?.some(isThreadedController);
  const tasks = hasTasks(world, cgroup);
  if (controls === true && tasks === true) return true;
  if (cgroup.childrenKnown && (controls === false || tasks === false)) return false;
  return cgroup.type === 'domain threaded' ? true : cgroup.type === 'domain' ? false : undefined;
}

/** What `cgroup.type` reads (cgroup_type_show); `undefined`: as before, as far as is known. */
function typeOf(world: World, cgroup: CgroupState): CgroupType | undefined {
  if (isRoot(cgroup)) return undefined;
  if (isThreaded(cgroup)) return 'threaded';
  for (const path of pathAndAbove(cgroup.path).slice(1)) {
    const above = world.cgroup(cgroup.hierarchy, path);
    if (!above || isRoot(above)) continue;
    const root = isThreadRoot(world, above);
    if (root === undefined) return cgroup.type;
    if (root || isThreaded(above)) return 'domain invalid';
  }
  const root = isThreadRoot(world, cgroup);
  return root === undefined ? (cgroup.type === 'domain invalid' ? undefined : cgroup.type) : root ? 'domain threaded' : 'domain';
}

/** Types that are different after a change at these paths: theirs, and of all below them. */
export function retype(world: World, hierarchy: string, paths: readonly string[]): { readonly world: World; readonly effects: readonly Effect[] } {
  const effects: Effect[] = [];
  const queue = new Set([...paths].sort((a, b) => a.length - b.length));
  for (const path of queue) {
    const cgroup = world.cgroup(hierarchy, path);
    if (cgroup?.version !== 2) continue;
    for (const child of world.children(hierarchy, path)) queue.add(child.path);
    const type = typeOf(world, cgroup);
    if (type === undefined || type === cgroup.type) continue;
    effects.push({ kind: 'type', hierarchy, path, type });
    world = world.with({ cgroups: [{ ...cgroup, type }] });
  }
  return { world, effects };
}

/**
 * `cgroup.events` after tasks came to one cgroup and left others.
 *
 * @param isAlone whether to take it that nobody is in those but tasks that are known
 */
export function repopulate(world: World, hierarchy: string, to: string, left: readonly string[], isAlone: boolean): World {
  const filled = new Set(pathAndAbove(to));
  const changed = new Map<string, CgroupState>();
  for (const path of filled) {
    const cgroup = world.cgroup(hierarchy, path);
    if (cgroup?.version === 2 && cgroup.populated !== true && !isRoot(cgroup)) changed.set(path, { ...cgroup, populated: true });
  }
  world = world.with({ cgroups: [...changed.values()] });
  for (const path of [...new Set(left.flatMap(pathAndAbove))].sort((a, b) => b.length - a.length)) {
    const cgroup = world.cgroup(hierarchy, path);
    if (cgroup?.version !== 2 || filled.has(path) || isRoot(cgroup)) continue;
    const populated = isPopulated(world, { ...cgroup, populated: undefined });
    const now = populated === undefined && isAlone ? false : populated;
    if (now !== cgroup.populated) world = world.with({ cgroups: [{ ...cgroup, populated: now }] });
  }
  return world;
}

/** Where a new child would be `domain invalid`. */
export function typeOfNewChild(world: World, hierarchy: string, path: string): CgroupType | undefined {
  const parent = world.cgroup(hierarchy, parentOf(path) ?? '/');
  if (!parent) return undefined;
  if (isRoot(parent)) return 'domain';
  if (parent.type === 'domain') return 'domain';
  return parent.type === undefined ? undefined : 'domain invalid';
}
