import { V2_KEY, effectiveCpus } from '../model/hierarchies';
import type { Cgroup, HostModel, Thread } from '../model/hostModel';
import { CpuSet } from '../parse/cpuList';
import type { SchedulingPolicy } from '../parse/taskStat';
import { type KernelHabits, kernelHabits } from './kernelVersion';
import { Layers } from './layers';

/**
 * What decides how the kernel answers: a model, and what the steps of a plan have made of it so far. Immutable: each
 * prediction makes another one. Of `boolean | undefined`, `undefined` is: not known.
 */
export interface World {
  readonly model: HostModel;
  readonly kernel: KernelHabits;
  task(tid: number): TaskState | undefined;
  /** `undefined`: it is not there, or nothing is known of it; see {@link World.exists}. */
  cgroup(hierarchy: string, path: string): CgroupState | undefined;
  exists(hierarchy: string, path: string): boolean | 'unknown';
  /** Those that are known; whether there are others, {@link CgroupState.childrenKnown} says. */
  children(hierarchy: string, path: string): readonly CgroupState[];
  /** Threads of machines that are in it, not below; it may have others. */
  tasksIn(hierarchy: string, path: string): readonly TaskState[];
  /** All known threads of a process. */
  process(pid: number): readonly TaskState[];
  /** Whether any cgroup is a partition of CPUs, or an invalid one. */
  hasPartitions(hierarchy: string): boolean;
  with(changes: Changes): World;
}

/** What one step makes different. */
export interface Changes {
  readonly tasks?: readonly TaskState[];
  readonly cgroups?: readonly CgroupState[];
  readonly removed?: { readonly hierarchy: string; readonly path: string };
}

export interface TaskState {
  readonly tid: number;
  readonly pid: number;
  readonly startTime: number;
  readonly comm: string;
  /** By hierarchy key. */
  readonly places: ReadonlyMap<string, string>;
  /** `Cpus_allowed_list`: one set, or all that it can be, the likeliest first. `undefined`: it could not be read, or can be too much. */
  readonly allowed: readonly CpuSet[] | undefined;
  readonly userMask: UserMask;
  readonly policy: SchedulingPolicy;
  readonly rtPriority: number;
  readonly nice: number;
  readonly flags: number;
}

/**
 * What is known of the mask that sched_setaffinity was last given and the kernel keeps (`user_cpus_ptr`). It is not in
 * /proc: it can be seen only through the cpuset of the task.
 */
export interface UserMask {
  /** Nothing is known of it beyond these CPUs. */
  readonly within: CpuSet | 'everywhere';
  /** What of `within` is in it. `all`: it leaves a task there all CPUs, because there is none, it has them all, or none of them. */
  readonly cpus: CpuSet | 'all';
}

export const NO_MASK: UserMask = { within: 'everywhere', cpus: 'all' };

/** A cgroup's facts that the rules look at; `undefined` where not known or where its controller is not there. */
export interface CgroupState extends Omit<Cgroup, 'parent'> {
  readonly version: 1 | 2;
  /** Whether `World.children` has them all. */
  readonly childrenKnown: boolean;
  /** Made by a step of the plan: who is in it is known. */
  readonly made: boolean;
}

export function worldOf(model: HostModel): World {
  return new LayeredWorld(new Base(model), Layers.of<number, TaskState>(new Map()), Layers.of<string, CgroupState | undefined>(new Map()), Layers.of<string, readonly CgroupState[]>(new Map()), Layers.of<string, readonly number[]>(new Map()));
}

export function parentOf(path: string): string | undefined {
  if (path === '/') return undefined;
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}

/** The path and all above it, the nearest first. */
export function pathAndAbove(path: string): string[] {
  const paths: string[] = [];
  for (let at: string | undefined = path; at !== undefined; at = parentOf(at)) paths.push(at);
  return paths;
}

function isPartition({ partition }: Pick<Cgroup, 'partition'>): boolean {
  return partition !== undefined && partition !== 'member';
}

function key(hierarchy: string, path: string): string {
  return `${hierarchy} ${path}`;
}

/** What a model says, looked up by what the rules ask for. States are made when they are asked for, once. */
class Base {
  readonly kernel: KernelHabits;
  readonly threads = new Map<number, Thread>();
  readonly byPid = new Map<number, number[]>();
  private readonly states = new Map<string, CgroupState>();
  private readonly tasks = new Map<number, TaskState>();
  private readonly childPaths = new Map<string, string[]>();
  /** Of each cgroup among its siblings. */
  private readonly positions = new Map<string, number>();
  private readonly partitioned = new Map<string, boolean>();
  private readonly childStates = new Map<string, readonly CgroupState[]>();
  /** Hierarchy → path → TIDs. */
  private readonly members = new Map<string, ReadonlyMap<string, readonly number[]>>();
  private readonly hierarchies: ReadonlyMap<string, HostModel['hierarchies'][number]>;

  constructor(readonly model: HostModel) {
    this.kernel = kernelHabits(model.kernel);
    this.hierarchies = new Map(model.hierarchies.map(hierarchy => [hierarchy.key, hierarchy]));
    for (const machine of model.machines) for (const thread of machine.threads) this.threads.set(thread.tid, thread);
    for (const { tid, pid } of this.threads.values()) {
      const tids = this.byPid.get(pid);
      if (tids) tids.push(tid);
      else this.byPid.set(pid, [tid]);
    }
    for (const hierarchy of model.hierarchies) {
      for (const { path, parent } of hierarchy.cgroups.values()) {
        if (!parent) continue;
        const at = key(hierarchy.key, parent.path);
        const children = this.childPaths.get(at);
        this.positions.set(key(hierarchy.key, path), children?.length ?? 0);
        if (children) children.push(path);
        else this.childPaths.set(at, [path]);
      }
    }
  }

  children(hierarchy: string, path: string): readonly CgroupState[] {
    const at = key(hierarchy, path);
    let states = this.childStates.get(at);
    if (!states) this.childStates.set(at, (states = (this.childPaths.get(at) ?? []).flatMap(child => this.cgroup(hierarchy, child) ?? [])));
    return states;
  }

  hasPartitions(hierarchy: string): boolean {
    let has = this.partitioned.get(hierarchy);
    if (has === undefined) this.partitioned.set(hierarchy, (has = [...(this.hierarchies.get(hierarchy)?.cgroups.values() ?? [])].some(isPartition)));
    return has;
  }

  positionOf(hierarchy: string, path: string): number | undefined {
    return this.positions.get(key(hierarchy, path));
  }

  tidsIn(hierarchy: string, path: string): readonly number[] {
    let byPath = this.members.get(hierarchy);
    if (!byPath) this.members.set(hierarchy, (byPath = this.membersOf(hierarchy)));
    return byPath.get(path) ?? [];
  }

  private membersOf(hierarchy: string): ReadonlyMap<string, readonly number[]> {
    const byPath = new Map<string, number[]>();
    for (const { tid, membership } of this.threads.values()) {
      const path = membership.places.get(hierarchy)?.path;
      if (path === undefined) continue;
      const tids = byPath.get(path);
      if (tids) tids.push(tid);
      else byPath.set(path, [tid]);
    }
    return byPath;
  }

  cgroup(hierarchy: string, path: string): CgroupState | undefined {
    const at = key(hierarchy, path);
    let state = this.states.get(at);
    if (state) return state;
    const found = this.hierarchies.get(hierarchy);
    const cgroup = found?.cgroups.get(path);
    if (!found || !cgroup) return undefined;
    const { parent, ...facts } = cgroup;
    void parent;
    state = { ...facts, version: found.version, childrenKnown: pathAndAbove(path).some(above => found.walked.includes(above)), made: false };
    this.states.set(at, state);
    return state;
  }

  /** Whether a cgroup that is not in the model is known not to be there. */
  isAbsent(hierarchy: string, path: string): boolean {
    const found = this.hierarchies.get(hierarchy);
    return found !== undefined && !found.cgroups.has(path) && pathAndAbove(path).some(above => above !== path && found.walked.includes(above));
  }

  task(tid: number): TaskState | undefined {
    let state = this.tasks.get(tid);
    const thread = this.threads.get(tid);
    if (state || !thread) return state;
    const places = new Map([...thread.membership.places].map(([hierarchy, place]) => [hierarchy, place.path]));
    state = {
      tid,
      pid: thread.pid,
      startTime: thread.startTime,
      comm: thread.comm,
      places,
      allowed: thread.cpusAllowed && [thread.cpusAllowed],
      userMask: this.userMask(thread),
      policy: thread.policy,
      rtPriority: thread.rtPriority,
      nice: thread.nice,
      flags: thread.flags,
    };
    this.tasks.set(tid, state);
    return state;
  }

  /** kernel-rules §6: what a task has of its cpuset is what the mask lets it have, if the kernel keeps one. */
  private userMask(thread: Thread): UserMask {
    const { online, possible } = this.model.topology;
    const unknown: UserMask = { within: CpuSet.empty, cpus: 'all' };
    if (this.kernel.keepsAffinity === false) return NO_MASK;
    const cpuset = [...thread.membership.places.values()].find(({ cgroup }) => cgroup && (cgroup.hierarchy === V2_KEY ? this.model.controllers.get('cpuset') === 'v2' : this.hierarchies.get(cgroup.hierarchy)?.controllers.includes('cpuset')));
    let at = cpuset?.cgroup;
    while (at && effectiveCpus(at) === undefined) at = at.parent; // v2: the nearest that has the controller
    const effective = at && (at.path === '/' ? (possible ?? effectiveCpus(at)) : effectiveCpus(at));
    const allowed = thread.cpusAllowed;
    if (!at || !effective || !allowed || !online) return unknown;
    const seen = at.path === '/' ? allowed : allowed.intersect(online);
    return { within: effective, cpus: seen.equals(effective) ? 'all' : allowed.intersect(effective) };
  }
}

class LayeredWorld implements World {
  constructor(
    private readonly base: Base,
    private readonly tasks: Layers<number, TaskState>,
    /** `undefined`: removed. */
    private readonly cgroups: Layers<string, CgroupState | undefined>,
    /** Of a cgroup one of whose children is not as the model has it: all its children. */
    private readonly lists: Layers<string, readonly CgroupState[]>,
    /** TIDs that a cgroup was given, and may have lost again. */
    private readonly arrived: Layers<string, readonly number[]>,
    /** A step has made one, or a world before this one had it. */
    private readonly partitioned = false,
  ) {}

  get model(): HostModel {
    return this.base.model;
  }

  get kernel(): KernelHabits {
    return this.base.kernel;
  }

  task(tid: number): TaskState | undefined {
    return this.tasks.get(tid) ?? this.base.task(tid);
  }

  cgroup(hierarchy: string, path: string): CgroupState | undefined {
    const at = key(hierarchy, path);
    const changed = this.cgroups.get(at);
    return changed || this.cgroups.has(at) ? changed : this.base.cgroup(hierarchy, path);
  }

  exists(hierarchy: string, path: string): boolean | 'unknown' {
    if (this.cgroup(hierarchy, path)) return true;
    if (this.cgroups.has(key(hierarchy, path)) || this.base.isAbsent(hierarchy, path)) return false;
    return 'unknown';
  }

  children(hierarchy: string, path: string): readonly CgroupState[] {
    return this.lists.get(key(hierarchy, path)) ?? this.base.children(hierarchy, path);
  }

  tasksIn(hierarchy: string, path: string): readonly TaskState[] {
    const arrived = this.arrived.get(key(hierarchy, path));
    const tids = this.base.tidsIn(hierarchy, path);
    return [...(arrived ? new Set([...tids, ...arrived]) : tids)].map(tid => this.task(tid)!).filter(task => task.places.get(hierarchy) === path);
  }

  process(pid: number): readonly TaskState[] {
    return (this.base.byPid.get(pid) ?? []).map(tid => this.task(tid)!);
  }

  hasPartitions(hierarchy: string): boolean {
    return this.partitioned || this.base.hasPartitions(hierarchy);
  }

  with({ tasks = [], cgroups = [], removed }: Changes): World {
    const changed = cgroups.map(cgroup => [key(cgroup.hierarchy, cgroup.path), cgroup] as const);
    return new LayeredWorld(
      this.base,
      this.tasks.with(tasks.map(task => [task.tid, task] as const)),
      this.cgroups.with(removed ? [...changed, [key(removed.hierarchy, removed.path), undefined] as const] : changed),
      this.lists.with(this.changedLists(cgroups, removed)),
      this.arrived.with(this.newcomers(tasks)),
      this.partitioned || cgroups.some(isPartition),
    );
  }

  private changedLists(cgroups: readonly CgroupState[], removed: Changes['removed']): Iterable<readonly [string, readonly CgroupState[]]> {
    const lists = new Map<string, CgroupState[]>();
    const listAround = ({ hierarchy, path }: { readonly hierarchy: string; readonly path: string }): CgroupState[] => {
      const parent = parentOf(path);
      if (parent === undefined) return []; // a root is nobody's child
      const at = key(hierarchy, parent);
      let list = lists.get(at);
      if (!list) lists.set(at, (list = this.children(hierarchy, parent).slice()));
      return list;
    };
    for (const cgroup of cgroups) {
      const list = listAround(cgroup);
      const at = this.positionIn(list, cgroup);
      if (at < 0) list.push(cgroup);
      else list[at] = cgroup;
    }
    if (removed) {
      const list = listAround(removed);
      const at = this.positionIn(list, removed);
      if (at >= 0) list.splice(at, 1);
    }
    return lists;
  }

  /** Mostly where the model has it, or at the end, where those that are made are. */
  private positionIn(list: readonly CgroupState[], { hierarchy, path }: { readonly hierarchy: string; readonly path: string }): number {
    const at = this.base.positionOf(hierarchy, path);
    return at !== undefined && list[at]?.path === path ? at : list.findLastIndex(child => child.path === path);
  }

  private newcomers(tasks: readonly TaskState[]): Iterable<readonly [string, readonly number[]]> {
    const found = new Map<string, number[]>();
    for (const task of tasks) {
      const before = this.task(task.tid)?.places;
      if (before === task.places) continue;
      for (const [hierarchy, path] of task.places) {
        if (before?.get(hierarchy) === path) continue;
        const at = key(hierarchy, path);
        const tids = found.get(at) ?? [...(this.arrived.get(at) ?? [])];
        tids.push(task.tid);
        found.set(at, tids);
      }
    }
    return found;
  }
}
