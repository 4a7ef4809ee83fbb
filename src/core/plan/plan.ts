import type { Action, CgroupRef, TaskRef } from '../cgroup/action';
import type { Because, Outcome } from '../cgroup/outcome';
import type { CpuBandwidth } from '../parse/cgroupValues';
import type { CpuSet } from '../parse/cpuList';
import type { Thread } from '../model/hostModel';
import type { SchedulingPolicy } from '../parse/taskStat';

/** What a person wants changed. A plan is made of any number of them, in an order that works. */
export type Change =
  | { readonly kind: 'move'; readonly thread: Thread; readonly hierarchy: string; readonly to: string }
  /** The whole process. */
  | { readonly kind: 'moveProcess'; readonly thread: Thread; readonly hierarchy: string; readonly to: string }
  /** `all`: as if it had never been pinned. */
  | { readonly kind: 'pin'; readonly thread: Thread; readonly cpus: CpuSet | 'all' }
  | { readonly kind: 'schedule'; readonly thread: Thread; readonly policy: SchedulingPolicy; readonly priority: number; readonly nice: number }
  | { readonly kind: 'make'; readonly hierarchy: string; readonly path: string }
  | { readonly kind: 'remove'; readonly hierarchy: string; readonly path: string }
  /** In whichever files the hierarchy has for it. */
  | { readonly kind: 'quota'; readonly hierarchy: string; readonly path: string; readonly to: CpuBandwidth }
  /** `file` is the kernel's name. `before`: what it read when the edit began, where the model does not have it. */
  | { readonly kind: 'set'; readonly hierarchy: string; readonly path: string; readonly file: string; readonly value: string; readonly before?: string };

/** Ordered writes with the kernel's predicted answer to each and the way back. Plain data: JSON gives it back. */
export interface Plan {
  /** For people, with the host's strings made visible. */
  readonly title: string;
  readonly hostId: string;
  readonly hostLabel: string;
  readonly machine: MachineRef | undefined;
  /** When the model was read that it was made from, milliseconds since the epoch. */
  readonly readAt: number;
  readonly steps: readonly Step[];
  readonly warnings: readonly Warning[];
  readonly consent: Consent;
  /** Whether the user who read cannot do it: then `sudo -n`. */
  readonly asRoot: boolean;
  /** The same by the owner's own tools, where it has a way: `virsh vcpupin`, `systemctl set-property`. */
  readonly ownersWay?: Plan;
}

export interface MachineRef {
  readonly name: string;
  readonly pid: number;
  readonly startTime: number;
}

/** What a person must do besides looking at the preview. */
export type Consent =
  | { readonly kind: 'apply' }
  /** It moves guest memory or the like: never together with something else that is confirmed. */
  | { readonly kind: 'alone'; readonly because: Because }
  | { readonly kind: 'type'; readonly text: string; readonly because: Because };

export interface Step {
  readonly action: Action;
  /** Checked in the same breath as the write. */
  readonly preconditions: readonly Precondition[];
  /** See `Prediction`. */
  readonly outcomes: readonly Outcome[];
  /** As read before, for people and for the way back: `S/emulator`, `0-1`; `undefined` where there was nothing. */
  readonly before: string | undefined;
  readonly undo: Undo;
}

export type Precondition =
  /** The TID still is this task. */
  | { readonly kind: 'alive'; readonly task: TaskRef }
  /** It still sits there. */
  | { readonly kind: 'place'; readonly task: TaskRef; readonly hierarchy: string; readonly path: string }
  /** `Cpus_allowed_list` is one of these. */
  | { readonly kind: 'allowed'; readonly task: TaskRef; readonly cpus: readonly string[] }
  /** Fields 41, 40 and 19 of `stat`. */
  | { readonly kind: 'scheduling'; readonly task: TaskRef; readonly policy: SchedulingPolicy; readonly priority: number; readonly nice: number }
  /** The interface file still reads so (without the newline at its end). */
  | { readonly kind: 'value'; readonly cgroup: CgroupRef; readonly file: string; readonly value: string }
  | { readonly kind: 'exists' | 'absent'; readonly cgroup: CgroupRef }
  /** libvirt works on no job of this machine, as far as /run/libvirt/qemu/NAME.xml can be read and tells. */
  | { readonly kind: 'idle'; readonly machine: string };

export interface Undo {
  readonly kind: 'exact' | 'best effort' | 'irreversible';
  /** What will differ, or why there is no way back. */
  readonly because: Because | undefined;
  /** In the order in which they undo this step; empty if irreversible. */
  readonly actions: readonly Action[];
}

export interface Warning {
  readonly because: Because;
}

/** A change that is not made into a plan. */
export interface Refusal {
  readonly because: Because;
  /** What would do: a narrower pin, a smaller target. Each can be asked for in its place. */
  readonly instead: readonly { readonly title: string; readonly changes: readonly Change[] }[];
}

export interface PlanOptions {
  /** Whole processes to another domain, targets outside the machine's own subtree. */
  readonly expert: boolean;
  /** How libvirt is asked on that host: `virsh`, or what runs it in its container. */
  readonly virsh?: readonly string[];
  /** What the surface that asks has to say of it: conflicts of an edit with the host. */
  readonly warnings?: readonly Because[];
}

export type Planned = { readonly plan: Plan; readonly refusal?: undefined } | { readonly refusal: Refusal; readonly plan?: undefined };
