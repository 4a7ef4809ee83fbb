import type { CgroupType, CpuBandwidth, Limit } from '../parse/cgroupValues';
import type { CpuSet } from '../parse/cpuList';
import type { SchedulingPolicy } from '../parse/taskStat';
import type { Collection, Errno } from '../rawSnapshot';

/** `legacy`: v1 only. `unified`: v2 only. `hybrid`: v1, and a v2 without any controller for bookkeeping. `mixed`: controllers in both. */
export type Mode = 'legacy' | 'unified' | 'hybrid' | 'mixed' | 'none';

/** Everything that is known of one host at one time. Plain data: two models can be compared. */
export interface HostModel {
  readonly hostId: string;
  readonly label: string;
  /** `uname -r` */
  readonly kernel: string;
  /** Name of PID 1: `systemd` or something else. */
  readonly init: string;
  readonly mode: Mode;
  /** Which hierarchy has each controller: the mode as a fact. */
  readonly controllers: ReadonlyMap<string, 'v1' | 'v2' | 'none'>;
  readonly hierarchies: readonly Hierarchy[];
  readonly topology: Topology;
  readonly machines: readonly Machine[];
  readonly hidden: readonly HiddenTasks[];
  /** `sched_rt_runtime_us`: microseconds of each period that real-time tasks may have; −1 is no limit. */
  readonly rtRuntime: number | undefined;
  /** Seconds since the host's boot. */
  readonly uptime: number | undefined;
  readonly collection: Collection;
}

export interface Hierarchy {
  /** As /proc/PID/cgroup spells it: `cpu,cpuacct`, `name=systemd`, and `0::` for v2. Unique in a host. */
  readonly key: string;
  readonly version: 1 | 2;
  readonly controllers: readonly string[];
  /** `undefined` where it is not mounted for the reader. */
  readonly mountPoint: string | undefined;
  /** The cgroup that is mounted there: not `/` in a container. */
  readonly mountRoot: string;
  /** By path. Holds the cgroups of all threads that were collected and all above them. */
  readonly cgroups: ReadonlyMap<string, Cgroup>;
  /** Paths below which every cgroup is in `cgroups`: elsewhere there may be others. */
  readonly walked: readonly string[];
}

/** A cgroup with what its interface files say. A value that was not there or not readable is `undefined`. */
export interface Cgroup {
  readonly hierarchy: string;
  /** As in /proc/PID/cgroup, raw. */
  readonly path: string;
  /** Its directory on the host; `undefined` where it is not below a mount. */
  readonly directory: string | undefined;
  readonly parent: Cgroup | undefined;
  readonly type: CgroupType | undefined;
  readonly controllers: readonly string[] | undefined;
  readonly subtreeControl: readonly string[] | undefined;
  readonly cpus: CpuSet | undefined;
  readonly cpusEffective: CpuSet | undefined;
  readonly cpusExclusive: CpuSet | undefined;
  readonly mems: CpuSet | undefined;
  readonly memsEffective: CpuSet | undefined;
  /** v1 `cpuset.memory_migrate`. */
  readonly memoryMigrate: boolean | undefined;
  /** v1 `cpuset.cpu_exclusive`, `cpuset.mem_exclusive`: no sibling may have the same CPUs or nodes. */
  readonly cpuExclusive: boolean | undefined;
  readonly memExclusive: boolean | undefined;
  /** v1 `cgroup.clone_children`: a new child has its parent's CPUs and nodes. */
  readonly cloneChildren: boolean | undefined;
  /** `member`, `root`, `isolated`, or with a reason `root invalid (…)`. */
  readonly partition: string | undefined;
  readonly bandwidth: CpuBandwidth | undefined;
  /** `cpu.max.burst`, v1 `cpu.cfs_burst_us`: microseconds. */
  readonly burst: number | undefined;
  /** v2 `cpu.weight`. */
  readonly weight: number | undefined;
  /** v1 `cpu.shares`. */
  readonly shares: number | undefined;
  readonly idle: boolean | undefined;
  /** `cpu.stat`: how often its bandwidth ran out. `time` in nanoseconds. */
  readonly throttled: { readonly periods: number; readonly times: number; readonly time: number } | undefined;
  /** v1 `cpu.rt_runtime_us`: not there where the kernel has no groups of real-time tasks (CONFIG_RT_GROUP_SCHED). */
  readonly rtRuntime: number | undefined;
  readonly rtPeriod: number | undefined;
  readonly pidsMax: Limit | undefined;
  readonly pidsCurrent: number | undefined;
  readonly frozen: boolean | undefined;
  /** v2 `cpu.pressure`, the line `some`: percent of the last 10 and 60 seconds in which a task waited for a CPU. */
  readonly cpuPressure: { readonly avg10: number; readonly avg60: number } | undefined;
  /** `pids.events`: how often a new task was refused. */
  readonly pidsRefused: number | undefined;
  /** v1 `freezer.self_freezing`: frozen by its own wish, whatever is above it. */
  readonly frozenItself: boolean | undefined;
  /** v2 `cgroup.events`: whether there is any task in it or below. */
  readonly populated: boolean | undefined;
}

export interface Topology {
  readonly online: CpuSet | undefined;
  readonly possible: CpuSet | undefined;
  readonly isolated: CpuSet | undefined;
  readonly nohzFull: CpuSet | undefined;
  readonly cpus: ReadonlyMap<number, { readonly package: number | undefined; readonly core: number | undefined; readonly siblings: CpuSet | undefined }>;
  readonly nodes: ReadonlyMap<number, CpuSet>;
}

/** One QEMU process. */
export interface Machine {
  /** PID and start time: one process for as long as the host is up. */
  readonly key: string;
  readonly pid: number;
  readonly startTime: number;
  /** What libvirt or the command line calls it; `PID 519` when nobody does. */
  readonly name: string;
  readonly uuid: string | undefined;
  /** Name of the executable: `qemu-system-x86_64`. */
  readonly emulator: string;
  /** Effective user id of the process. */
  readonly uid: number | undefined;
  /** Resident memory in bytes; and the nodes that it may be on. */
  readonly rss: number | undefined;
  readonly memsAllowed: CpuSet | undefined;
  /** `starting`: libvirt's forked child, already in the machine's cgroup, before it executes QEMU. */
  readonly state: 'running' | 'starting';
  /** Of its process, in the order emulator, vCPUs, I/O threads, others; then what belongs to it elsewhere. */
  readonly threads: readonly Thread[];
  /** What libvirt says of it; `undefined` where that cannot be read, or libvirt does not know it. */
  readonly libvirt: LibvirtState | undefined;
}

/** libvirt's live state of a machine, as in /run/libvirt/qemu/NAME.xml (src/conf/domain_conf.c, src/qemu/qemu_domain.c), which only root reads. */
export interface LibvirtState {
  /** TIDs of the vCPUs that it knows, by number. */
  readonly vcpus: ReadonlyMap<number, number>;
  /** The CPUs that each is to have; those of whom it is silent are not in it. */
  readonly vcpuPins: ReadonlyMap<number, CpuSet>;
  readonly ioThreadPins: ReadonlyMap<number, CpuSet>;
  readonly emulatorPin: CpuSet | undefined;
}

export interface Thread {
  /** TID and start time: TIDs are used again. */
  readonly key: string;
  readonly tid: number;
  /** The process it is a task of: not the machine's for kernel threads and helpers. */
  readonly pid: number;
  readonly startTime: number;
  /** As the kernel has it: hostile, see `decodeBytes`. */
  readonly comm: string;
  readonly role: Role;
  /** What each source says of its role, the best first, where they do not agree; else empty. */
  readonly disagreement: readonly ToldRole[];
  readonly membership: Membership;
  /** Affinity within the cpuset: `Cpus_allowed_list`. Offline CPUs may be among them. */
  readonly cpusAllowed: CpuSet | undefined;
  readonly lastCpu: number;
  readonly policy: SchedulingPolicy;
  readonly rtPriority: number;
  readonly nice: number;
  readonly state: string;
  /** See `taskFlags`. */
  readonly flags: number;
  /** Nanoseconds since the task began that it waited for a CPU, and that it ran. */
  readonly runDelay: number | undefined;
  readonly runTime: number | undefined;
}

export type RoleKind =
  | 'emulator'
  | 'vcpu'
  | 'iothread'
  | 'vhost'
  | 'worker'
  | 'migration'
  | 'vnc'
  | 'spice'
  | 'call_rcu'
  | 'io_uring'
  | 'kernel'
  | 'helper'
  | 'other';

export interface Role {
  readonly kind: RoleKind;
  /** `2` of vCPU 2, `iothread1` of an I/O thread, `virtiofsd` of a helper. Hostile but for vCPUs. */
  readonly id: string | undefined;
  /** `guest time`: it has run a guest, which only a vCPU does (field 43 of `stat`). */
  readonly knownBy: 'libvirt' | 'debugfs' | 'thread name' | 'kernel' | 'guest time' | 'command line';
}

/** What one source says of a thread's role, and where that was read. */
export interface ToldRole {
  readonly role: Role;
  readonly file: string;
  readonly value: string;
}

/** Where a thread is in every hierarchy; threads that are in the same places share one object. */
export interface Membership {
  /** By hierarchy key, in the order of `HostModel.hierarchies`. */
  readonly places: ReadonlyMap<string, Place>;
}

export interface Place {
  readonly path: string;
  /** The cgroup was removed under a dying task. */
  readonly deleted: boolean;
  /** `undefined` where nothing of it could be read. */
  readonly cgroup: Cgroup | undefined;
}

/** Tasks that a machine's cgroup lists and /proc hides from this reader. */
export interface HiddenTasks {
  readonly hierarchy: string;
  /** The machine's own directory, raw. */
  readonly scope: string;
  readonly name: string;
  readonly tids: readonly number[];
}

/** A fact that is missing from the model, and why. */
export interface Problem {
  readonly path: string;
  readonly errno: Errno | 'unexpected content';
}
