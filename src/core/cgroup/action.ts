import type { SchedulingPolicy } from '../parse/taskStat';

/**
 * One write to a host, as data that can be printed, kept and compared: everything in it was read from a model. CPU
 * lists and values are in the kernel's own spelling (`0-3,8`), names and paths raw (see `decodeBytes`).
 */
export type Action = MoveTask | SetAffinity | SetScheduling | MakeCgroup | RemoveCgroup | WriteValue | RunTool;

/** A task is its TID together with its start time: TIDs are used again. */
export interface TaskRef {
  readonly tid: number;
  readonly pid: number;
  /** Field 22 of `stat`. */
  readonly startTime: number;
  /** Hostile; for people alone. */
  readonly comm: string;
  /** `vCPU 2`; for people alone. */
  readonly role?: string;
}

export interface CgroupRef {
  /** A hierarchy's key: `cpu,cpuacct`, `0::`. */
  readonly hierarchy: string;
  /** As in /proc/PID/cgroup. */
  readonly path: string;
  /** Where it is mounted on the host. */
  readonly directory: string;
}

/** Writes a TID. `cgroup.procs` moves the whole process, whichever of its TIDs is written. */
export interface MoveTask {
  readonly kind: 'move';
  readonly task: TaskRef;
  /** Path in the same hierarchy. */
  readonly from: string;
  readonly to: CgroupRef;
  readonly file: 'tasks' | 'cgroup.threads' | 'cgroup.procs';
}

/** sched_setaffinity(2) */
export interface SetAffinity {
  readonly kind: 'affinity';
  readonly task: TaskRef;
  /** What is asked for: the kernel grants what of it the cpuset has. */
  readonly cpus: string;
}

/** sched_setscheduler(2) and setpriority(2) */
export interface SetScheduling {
  readonly kind: 'scheduling';
  readonly task: TaskRef;
  readonly policy: SchedulingPolicy;
  /** 0 but for `fifo` and `rr`: 1 to 99. */
  readonly priority: number;
  /** −20 to 19; of `other` and `batch`. */
  readonly nice: number;
}

export interface MakeCgroup {
  readonly kind: 'make';
  readonly cgroup: CgroupRef;
}

export interface RemoveCgroup {
  readonly kind: 'remove';
  readonly cgroup: CgroupRef;
}

/** Writes an interface file. */
export interface WriteValue {
  readonly kind: 'write';
  readonly cgroup: CgroupRef;
  readonly file: string;
  readonly value: string;
}

/** The owner's own way: `virsh vcpupin …`, `systemctl set-property …`. Nothing goes through a shell. */
export interface RunTool {
  readonly kind: 'tool';
  readonly argv: readonly string[];
}
