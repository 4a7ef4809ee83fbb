import type { Because } from './outcome';

/**
 * Every reason that a prediction can give, with its details. `file`, `value` and `path` are the host's own, raw; so are
 * CPU lists. Those of refusals first.
 */
export const KERNEL_BECAUSE = {
  /** There is no such cgroup (any more). `path` */
  'cgroup-gone': ['path'],
  /** The cgroup's directory is not known on this host. `path` */
  'cgroup-unknown': ['path'],
  /** There is such a cgroup already. `path` */
  'cgroup-there': ['path'],
  /** The task is not one of a machine that was read: it may be gone. `tid` */
  'task-unknown': ['tid'],
  /** Bound to its CPU for good: flag 0x04000000 in `stat`. `tid`, `comm` */
  'task-immovable': ['tid', 'comm'],
  /** PID 2, the parent of all kernel threads. */
  kthreadd: [],
  /** v1: `cpuset.cpus` is empty and nothing is inherited. `path` */
  'no-cpus': ['path'],
  /** v1: `cpuset.mems` is empty and nothing is inherited. `path` */
  'no-mems': ['path'],
  /** v2: all its CPUs went to partitions below. `path` */
  'cpus-given-away': ['path'],
  /** A real-time task into a cgroup, or to become one in a cgroup, whose `cpu.rt_runtime_us` is 0. `path`, `tid` */
  'no-rt-runtime': ['path', 'tid'],
  /** v2 with groups of real-time tasks: `cpu` can be on only where all of them are in the root. `path` */
  'rt-tasks-below': ['path'],
  /** `domain invalid`: neither domain nor threaded; nothing may be in it. `path` */
  'domain-invalid': ['path'],
  /** v2: controllers are on for its children (`cgroup.subtree_control`), and it cannot be a threaded domain's root. `path`, `controllers` */
  'internal-process': ['path', 'controllers'],
  /** A single thread may only move within its threaded domain. `from` and `to`: the domains. */
  'other-domain': ['from', 'to'],
  /** The file is not there: its controller does not reach this cgroup, it is the root, or this kernel has none. `file`, `path` */
  'no-such-file': ['file', 'path'],
  /** The root's may not be written. `file` */
  'root-cgroup': ['file'],
  /** `value` is not what `file` takes. */
  'bad-value': ['file', 'value'],
  /** Outside of what `file` takes: from `least` to `most`. `value` */
  'out-of-range': ['file', 'value', 'least', 'most'],
  /** This host has no such CPU or node. `value`, `highest` */
  'no-such-cpu': ['value', 'highest'],
  /** CPUs or nodes that exist and are not online now. `value`, `online` */
  'not-online': ['value', 'online'],
  /** v1: not within the parent's. `value`, `parent`: the parent's set */
  'not-in-parent': ['value', 'parent'],
  /** v1: a child has more than that. `child`, `has` */
  'child-has-more': ['child', 'has'],
  /** A child may have more than that: not all of them were read. `path` */
  'children-unknown': ['path'],
  /** v1: a sibling has the same and one of them is exclusive. `sibling` */
  'exclusive-sibling': ['sibling'],
  /** A sibling may have the same: not all of them were read. `path` */
  'siblings-unknown': ['path'],
  /** There are tasks in it, so it must keep its CPUs or nodes. `path` */
  'not-empty': ['path'],
  /** There may be tasks in it that were not read. `path` */
  'tasks-unknown': ['path'],
  /** rmdir: it has children. `path`, `child` */
  'has-children': ['path', 'child'],
  /** mkdir: `cgroup.max.depth` or `cgroup.max.descendants`. */
  'too-many-cgroups': ['path'],
  /** mkdir: a newline in the name. */
  'newline-in-name': [],
  /** `cgroup.type` takes `threaded` alone: there is no way back. `value` */
  'only-threaded': ['value'],
  /** `threaded` needs a cgroup without tasks below. `path` */
  'populated': ['path'],
  /** Domain controllers are on. `path`, `controllers` */
  'domain-controllers': ['path', 'controllers'],
  /** The domain above cannot be the root of threads: a populated domain child, or domain controllers. `path`: the domain */
  'no-thread-root': ['path'],
  /** No controller of that name here. `controller` */
  'no-such-controller': ['controller'],
  /** `cgroup.controllers` has not got it. `controller`, `path` */
  'controller-not-here': ['controller', 'path'],
  /** A child has it on still. `controller`, `child` */
  'controller-in-use': ['controller', 'child'],
  /** Within threads only cpu, cpuset, perf_event and pids can be on. `controllers`, `path` */
  'in-threads': ['controllers', 'path'],
  /** It has tasks of its own: domain controllers cannot be on. `path` */
  'tasks-inside': ['path'],
  /** Quota or period below 1000 or above the most. `file`, `value` */
  'bandwidth-range': ['file', 'value'],
  /** The quota is smaller than `cpu.max.burst`. `burst` */
  'below-burst': ['burst'],
  /** v1: more, in proportion, than the parent has. `parent`: quota/period */
  'above-parent': ['parent'],
  /** v1: a child has more, in proportion. `child` */
  'below-child': ['child'],
  /** Weight and shares are fixed while `cpu.idle` is 1. `path` */
  'idle-group': ['path'],
  /** More real-time time than the period, the host or the parent has. `file`, `value` */
  'rt-too-much': ['file', 'value'],
  /** Children have more real-time time than that together. `path` */
  'rt-children': ['path'],
  /** Real-time tasks are in it: not 0. `path` */
  'rt-tasks-inside': ['path'],
  /** No CPU of these is in the task's cpuset and online. `cpus`, `cpuset` */
  'outside-cpuset': ['cpus', 'cpuset'],
  /** No CPU at all. */
  'no-cpu-named': [],
  /** sched_setscheduler: a priority that this policy has not. `policy`, `priority` */
  'bad-priority': ['policy', 'priority'],
  /** What the kernel answers to this is not known here. `file` */
  'not-modelled': ['file'],

  // Accepted, but something else than was asked comes of it.
  /** Some of the CPUs are not in the cpuset: it gets the others. `cpus`, `granted` */
  'trimmed-to-cpuset': ['cpus', 'granted'],
  /** The pin is forgotten: this kernel sets the affinity to the cpuset. `tid`, `before`, `after` */
  'pin-forgotten': ['tid', 'before', 'after'],
  /** The pin and the cpuset have some CPUs in common. `tid`, `before`, `after` */
  'pin-narrowed': ['tid', 'before', 'after'],
  /** The pin has no CPU of the new cpuset: it does not count until it has. `tid`, `before`, `after` */
  'pin-suspended': ['tid', 'before', 'after'],
  /** A former pin comes back, or may: the kernel keeps what was last asked. `tid`, `before`, `after` */
  'pin-returns': ['tid', 'before', 'after'],
  /** Affinity follows the cpuset: the task was not pinned. `tid`, `before`, `after` */
  'follows-cpuset': ['tid', 'before', 'after'],
  /** Vendor kernel: whether it forgets the pin, its number does not tell. `kernel` */
  'kernel-unknown': ['kernel'],
  /** Shares are 2 to 262144: the kernel takes the nearest. `value`, `becomes` */
  'clamped': ['value', 'becomes'],
  /** v2: a cpuset without CPUs of its own, or with none that the parent has, uses the parent's. `path`, `effective` */
  'inherits': ['path', 'effective'],
  /** v2: of the CPUs asked for it gets those that the parent has. `value`, `effective` */
  'parent-has-less': ['value', 'effective'],
  /** v2: partitions are around it, and what becomes effective depends on all of them: it must be read back. `path` */
  'partitions-around': ['path'],
  /** v2: taken, and reads `… invalid (why)`. `reads` */
  'partition-invalid': ['reads'],
  /** Becomes `domain invalid` or `domain threaded` by it. `path`, `type` */
  'type-changes': ['path', 'type'],
  /** v1: a new cpuset takes no task before CPUs and nodes are written. `path` */
  'needs-filling': ['path'],
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type KernelBecause = keyof typeof KERNEL_BECAUSE;

export function reason<Id extends KernelBecause>(id: Id, details: Readonly<Record<(typeof KERNEL_BECAUSE)[Id][number], string | number>>): Because {
  return { id, details };
}
