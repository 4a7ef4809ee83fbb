import type { HostModel } from '../model/hostModel';
import type { CgroupType, CpuBandwidth } from '../parse/cgroupValues';
import type { CpuSet } from '../parse/cpuList';
import type { SchedulingPolicy } from '../parse/taskStat';

/**
 * What decides how the kernel answers: a model, and what the steps of a plan have made of it so far. Immutable: each
 * prediction makes another one.
 */
export interface World {
  readonly model: HostModel;
  task(tid: number): TaskState | undefined;
  /** `undefined`: it is not there, or nothing is known of it; see {@link World.exists}. */
  cgroup(hierarchy: string, path: string): CgroupState | undefined;
  exists(hierarchy: string, path: string): boolean | 'unknown';
}

export interface TaskState {
  readonly tid: number;
  readonly pid: number;
  readonly startTime: number;
  readonly comm: string;
  /** By hierarchy key. */
  readonly places: ReadonlyMap<string, string>;
  /** `Cpus_allowed_list`: one set, or all that it can be by now. `undefined`: it could not be read. */
  readonly allowed: readonly CpuSet[] | undefined;
  /** What sched_setaffinity was last given and the kernel keeps (`user_cpus_ptr`, Linux 6.2 and later). */
  readonly userMask: CpuSet | 'none' | 'unknown';
  readonly policy: SchedulingPolicy;
  readonly rtPriority: number;
  readonly nice: number;
  readonly flags: number;
}

/** A cgroup's facts that the rules look at; `undefined` where not known or where its controller is not there. */
export interface CgroupState {
  readonly hierarchy: string;
  readonly path: string;
  readonly directory: string | undefined;
  readonly type: CgroupType | undefined;
  readonly controllers: readonly string[] | undefined;
  readonly subtreeControl: readonly string[] | undefined;
  readonly cpus: CpuSet | undefined;
  readonly cpusEffective: CpuSet | undefined;
  readonly mems: CpuSet | undefined;
  readonly memsEffective: CpuSet | undefined;
  readonly bandwidth: CpuBandwidth | undefined;
}

/** Stub: the kernel's rules are on their way. */
export function worldOf(model: HostModel): World {
  const threads = new Map(model.machines.flatMap(machine => machine.threads).map(thread => [thread.tid, thread]));
  return {
    model,
    task: tid => {
      const thread = threads.get(tid);
      return thread && { ...thread, places: new Map([...thread.membership.places].map(([key, { path }]) => [key, path])), allowed: thread.cpusAllowed && [thread.cpusAllowed], userMask: 'unknown' };
    },
    cgroup: (hierarchy, path) => model.hierarchies.find(({ key }) => key === hierarchy)?.cgroups.get(path),
    exists: (hierarchy, path) => model.hierarchies.find(({ key }) => key === hierarchy)?.cgroups.has(path) ?? 'unknown',
  };
}
