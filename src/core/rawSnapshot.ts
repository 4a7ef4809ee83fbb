/** Why a file could not be read. Anything the host says in other words is `EUNKNOWN`. */
export const ERRNOS = ['ENOENT', 'ESRCH', 'ENODEV', 'EACCES', 'EPERM', 'EOPNOTSUPP', 'EINVAL', 'EIO', 'EUNKNOWN'] as const;
export type Errno = (typeof ERRNOS)[number];

/** The file, its task or its cgroup went away while it was read: a value of a living host, not a problem. */
export function isGone(errno: Errno): boolean {
  return errno === 'ENOENT' || errno === 'ESRCH' || errno === 'ENODEV';
}

/**
 * Everything that one collection read, as the kernel wrote it: meaning comes later, in `model/`. A capture file is the
 * same thing as text.
 */
export interface RawSnapshot {
  /** Absolute path → the file's text (see `decodeBytes`). Of `status` only some lines. A path that is not here was not there. */
  readonly files: ReadonlyMap<string, string>;
  /** Absolute path of a symbolic link → its target: `/proc/PID/exe`. */
  readonly links: ReadonlyMap<string, string>;
  /** Absolute path → why it could not be read. */
  readonly errors: ReadonlyMap<string, Errno>;
  /** Directories of cgroups that were visited, whether or not they hold a file. */
  readonly directories: ReadonlySet<string>;
  /** Those of them below which every one was visited. */
  readonly walked?: ReadonlySet<string>;
  readonly collection: Collection;
}

/** What one look at all tasks and interrupts of a host read, as the kernel wrote it. */
export interface RawTasks {
  readonly tasks: readonly RawTask[];
  /** `undefined` where /proc/irq is not shown: in a container. */
  readonly interrupts: readonly RawInterrupt[] | undefined;
  readonly errors: ReadonlyMap<string, Errno>;
  /** Whether /proc may hide tasks of others from this reader (hidepid). */
  readonly hides: boolean;
  readonly collection: Collection;
}

export interface RawTask {
  readonly pid: number;
  readonly tid: number;
  readonly ppid: number;
  /** Hostile. */
  readonly name: string;
  /** `Cpus_allowed_list` */
  readonly cpus: string;
}

export interface RawInterrupt {
  readonly irq: number;
  /** `effective_affinity_list`; empty while it is switched off. */
  readonly effective: string | undefined;
  /** `smp_affinity_list` */
  readonly configured: string | undefined;
  /** Names of its handlers. */
  readonly handlers: readonly string[];
}

/** How a snapshot came about. */
export interface Collection {
  /** Milliseconds since the epoch, by the clock of the machine that asked. */
  readonly startedAt: number;
  /** Milliseconds from asking to the last byte. */
  readonly took: number;
  /** Who read it, on the host. */
  readonly user: { readonly uid: number; readonly name: string } | undefined;
  /** Whether /proc hides other users' processes from this reader (hidepid): what is not here may be there. */
  readonly hides: boolean;
  /** False when the answer broke off: what is here is true, but not all. */
  readonly complete: boolean;
  /** What the host said besides: tools that are missing, messages of the shell. */
  readonly remarks: readonly string[];
  /** Which programs are there of those that can set an affinity; `undefined` where nobody looked. */
  readonly tools?: readonly string[];
}
