import type { Hierarchy } from '../model/hostModel';
import type { Action, CgroupRef, MoveTask } from './action';
import type { World } from './world';

/** What is written where, by the version of a hierarchy. Stub: the kernel's rules are on their way. */
export interface CgroupBackend {
  readonly threadFile: MoveTask['file'];
  readonly processFile: MoveTask['file'];
  /** What an existing cgroup lacks to hold threads. */
  fill(world: World, cgroup: CgroupRef): readonly Action[];
  /** What a new one needs to hold threads. */
  fillNew(world: World, cgroup: CgroupRef): readonly Action[];
}

export function backendOf(hierarchy: Hierarchy): CgroupBackend {
  return { threadFile: hierarchy.version === 1 ? 'tasks' : 'cgroup.threads', processFile: 'cgroup.procs', fill: () => [], fillNew: () => [] };
}
