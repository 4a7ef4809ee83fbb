import type { CgroupType } from '../parse/cgroupValues';
import type { World } from './world';

/** errno of a write, of mkdir, rmdir and of the scheduler's system calls. `EUNKNOWN`: said in other words. */
export const WRITE_ERRNOS = ['EACCES', 'EAGAIN', 'EBUSY', 'EEXIST', 'EINVAL', 'EIO', 'ENODEV', 'ENOENT', 'ENOSPC', 'ENOTEMPTY', 'EOPNOTSUPP', 'EPERM', 'ERANGE', 'EROFS', 'ESRCH', 'EUNKNOWN'] as const;
export type WriteErrno = (typeof WRITE_ERRNOS)[number];

/** What the kernel can do with one action. */
export interface Outcome {
  /** `undefined`: accepted. */
  readonly errno: WriteErrno | undefined;
  /** Why it is refused, or why something else than what was asked comes of it; `undefined` where it just does it. */
  readonly because: Because | undefined;
  /** What can be read afterwards and could not before, besides that the task is where it was moved. Empty of a refusal. */
  readonly effects: readonly Effect[];
}

/** What follows by itself. */
export type Effect =
  /**
   * `Cpus_allowed_list` of a task. `open`: `cpus` is only the likeliest, because an earlier pin cannot be read; it may be
   * any CPUs that have all of `least` and are all in `most`.
   */
  | { readonly kind: 'allowed'; readonly tid: number; readonly cpus: string; readonly open?: { readonly least: string; readonly most: string } }
  /** `cgroup.type` of a cgroup: children become `domain invalid`, a parent `domain threaded`. */
  | { readonly kind: 'type'; readonly hierarchy: string; readonly path: string; readonly type: CgroupType }
  /** An interface file reads so: clamped shares, `root invalid (…)`, an effective set. `open`: that is only the likeliest. */
  | { readonly kind: 'value'; readonly hierarchy: string; readonly path: string; readonly file: string; readonly value: string; readonly open?: true };

/** Each is a sentence of `plan/sentences.ts`, and has its source in kernel-rules (kernel/cgroup/cgroup.c, cpuset.c, …). */
export interface Because {
  readonly id: string;
  readonly details: Readonly<Record<string, string | number>>;
}

/** A set of outcomes, as small as the facts allow, the likeliest first; and what the host is like if it is accepted. */
export interface Prediction {
  readonly outcomes: readonly Outcome[];
  /** Facts that the outcomes leave open are open in it. */
  readonly after: World;
}
