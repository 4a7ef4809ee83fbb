import { cpusetHierarchy, without } from '../cgroup/affinity';
import { type KernelHabits, kernelHabits } from '../cgroup/kernelVersion';
import { type Layout, isStaged } from '../layout/layout';
import { effectiveCpus, withAncestors } from '../model/hierarchies';
import type { Cgroup, Hierarchy, HostModel, LibvirtState, Machine, Thread } from '../model/hostModel';
import { ownThreads } from '../model/machines';
import { CpuSet } from '../parse/cpuList';

/** A vCPU and whose it is. */
export interface BoundVcpu {
  readonly machine: Machine;
  readonly thread: Thread;
}

/** To what a thread is bound; where the host has nothing else it is bound to nothing. */
export interface Binding {
  /** The only CPU on which it may run. */
  readonly cpu: number | undefined;
  /** The threads of the core that it may not leave, and how they are listed. */
  readonly core: CpuSet | undefined;
  readonly coreKey: string | undefined;
}

const UNBOUND: Binding = { cpu: undefined, core: undefined, coreKey: undefined };

/** Where threads may run, and by whose word: what the rules about CPUs share, found once for a model. */
export class CpuFacts {
  readonly kernel: KernelHabits;
  /** That which has cpusets. */
  readonly hierarchy: Hierarchy | undefined;
  /** Threads of a host share a handful of sets, as objects. */
  private readonly onlineParts = new Map<CpuSet, CpuSet>();
  private readonly bindings = new Map<CpuSet, Binding>();
  private readonly pins = new Map<Machine, ReadonlyMap<number, CpuSet>>();
  private readonly dedicated = new Map<Machine, boolean>();
  private pinnedByLibvirt: CpuSet | undefined;
  private taken: CpuSet | undefined;
  private bound: { readonly byCpu: ReadonlyMap<number, readonly BoundVcpu[]>; readonly byCore: ReadonlyMap<string, readonly BoundVcpu[]> } | undefined;

  constructor(private readonly model: HostModel) {
    this.kernel = kernelHabits(model.kernel);
    const key = cpusetHierarchy({ model });
    this.hierarchy = model.hierarchies.find(hierarchy => hierarchy.key === key);
  }

  get online(): CpuSet | undefined {
    return this.model.topology.online;
  }

  /** The CPUs of a set that are online: a task of the top cpuset has others too (kernel/cgroup/cpuset.c, cpuset_attach_task). */
  onlineOf(cpus: CpuSet): CpuSet {
    let part = this.onlineParts.get(cpus);
    if (!part) {
      const common = this.online ? cpus.intersect(this.online) : cpus;
      this.onlineParts.set(cpus, (part = common.equals(cpus) ? cpus : common));
    }
    return part;
  }

  /** Where it may run now. */
  may({ cpusAllowed }: Thread): CpuSet | undefined {
    return cpusAllowed && this.onlineOf(cpusAllowed);
  }

  /** The cgroup whose CPUs it is held to. v2: the nearest that has the controller. */
  cpuset(thread: Thread): Cgroup | undefined {
    const place = this.hierarchy && thread.membership.places.get(this.hierarchy.key);
    if (!place || place.deleted) return undefined;
    if (this.hierarchy.version === 1) return place.cgroup;
    for (const at of withAncestors(place.cgroup)) if (at.cpusEffective) return at;
    return undefined;
  }

  /** What its cpuset lets it run on. */
  granted(thread: Thread): CpuSet | undefined {
    return this.grantedBy(this.cpuset(thread));
  }

  /** What a cpuset lets its threads run on. */
  grantedBy(cpuset: Cgroup | undefined): CpuSet | undefined {
    const effective = effectiveCpus(cpuset);
    return effective && this.onlineOf(effective);
  }

  /** Whether all that a mask leaves out of what a cpuset grants is isolated at boot (`isolcpus=`): libvirt keeps what has no pin off those. */
  isOffIsolated(may: CpuSet, granted: CpuSet): boolean {
    const others = without(granted, this.model.topology.isolated ?? CpuSet.empty);
    return !others.isEmpty && others.isSubsetOf(may);
  }

  /** What a thread without a pin is to have of its own group: all but what is isolated at boot, where nothing balances, unless the group has no others, or is one thread's and was given them. */
  withoutPin(group: Cgroup, granted: CpuSet): CpuSet {
    const isForOne = !group.path.endsWith('/emulator') && group.cpus?.isEmpty === false && !group.cpus.equals(effectiveCpus(group.parent) ?? CpuSet.empty);
    const others = isForOne ? granted : without(granted, this.model.topology.isolated ?? CpuSet.empty);
    return others.isEmpty ? granted : others;
  }

  /** v2: the online CPUs that a cpuset was given and has not. */
  missingIn({ cpus, cpusEffective }: Cgroup): CpuSet {
    return cpus && cpusEffective && !cpus.isSubsetOf(cpusEffective) ? without(this.onlineOf(cpus), cpusEffective) : CpuSet.empty;
  }

  /** The path at which who placed the machine has this thread's cpuset; `undefined` where nothing is expected. */
  expected(layout: Layout | undefined, thread: Thread): string | undefined {
    return this.hierarchy && layout?.expectedPath(thread, this.hierarchy.key);
  }

  /** The group that libvirt made for it, and for no other role, if that is where it is. The cpuset of a unit or a container is for all in it. */
  ownCpuset(layout: Layout | undefined, thread: Thread): Cgroup | undefined {
    const cgroup = this.cpuset(thread);
    return cgroup !== undefined && isGroupOfItsOwn(layout, cgroup.path) && cgroup.path === this.expected(layout, thread) ? cgroup : undefined;
  }

  /** Isolated from the scheduler's balancing, by the kernel's command line or by a partition around this thread (cgroup-v2.rst, "cpuset.cpus.partition"). */
  isolated(thread: Thread): CpuSet {
    let isolated = this.model.topology.isolated ?? CpuSet.empty;
    for (const at of withAncestors(this.cpuset(thread))) if (at.partition === 'isolated') isolated = isolated.union(effectiveCpus(at) ?? CpuSet.empty);
    return isolated;
  }

  /** Set apart for few tasks, at boot (`isolcpus=`, `nohz_full=`) or by a partition around this thread. */
  setApart(thread: Thread): CpuSet {
    return this.isolated(thread).union(this.model.topology.nohzFull ?? CpuSet.empty);
  }

  /** Whether libvirt has a CPU for each of several vCPUs, and no two on the same: what clouds write for dedicated CPUs. */
  isDedicated(machine: Machine): boolean {
    const known = this.dedicated.get(machine);
    if (known !== undefined || !machine.libvirt) return known === true;
    const pins = vcpusOf(machine).map(thread => this.pin(machine, thread));
    const is = pins.length > 1 && pins.every(pin => pin?.size === 1) && new Set(pins.map(String)).size === pins.length;
    this.dedicated.set(machine, is);
    return is;
  }

  /** The CPUs that libvirt has for a thread, where its state says so: vCPUs, I/O threads, and the first thread of the process. */
  pin(machine: Machine, thread: Thread): CpuSet | undefined {
    if (!machine.libvirt || thread.pid !== machine.pid) return undefined;
    let pins = this.pins.get(machine);
    if (!pins) this.pins.set(machine, (pins = pinsOf(machine, machine.libvirt)));
    return pins.get(thread.tid);
  }

  /** All CPUs that libvirt has pinned threads of a machine to, where its state says so. */
  pinned(machine: Machine): CpuSet {
    return CpuSet.fromRanges(ownThreads(machine).flatMap(thread => this.pin(machine, thread)?.ranges ?? []));
  }

  /** The same of all machines. */
  get pinnedOnHost(): CpuSet {
    return (this.pinnedByLibvirt ??= CpuSet.fromRanges(this.model.machines.flatMap(machine => this.pinned(machine).ranges)));
  }

  /** To what it is bound, by where it may run. */
  bindingOf(thread: Thread): Binding {
    const may = this.may(thread);
    let binding = may && this.bindings.get(may);
    if (may && !binding) this.bindings.set(may, (binding = this.bindingTo(may)));
    return binding ?? UNBOUND;
  }

  private bindingTo(may: CpuSet): Binding {
    const first = may.ranges[0]?.[0];
    if (first === undefined || !this.online || this.online.size < 2) return UNBOUND;
    const siblings = this.model.topology.cpus.get(first)?.siblings;
    const isOnCore = siblings !== undefined && siblings.size > 1 && may.isSubsetOf(siblings) && !this.online.isSubsetOf(siblings);
    return { cpu: may.size === 1 ? first : undefined, core: isOnCore ? siblings : undefined, coreKey: isOnCore ? siblings.toString() : undefined };
  }

  /** The vCPUs of all machines that may run on this CPU only. */
  boundTo(cpu: number): readonly BoundVcpu[] {
    return this.boundVcpus().byCpu.get(cpu) ?? [];
  }

  /** The vCPUs of all machines that may run only on this core: on one of its CPUs, or on all. */
  boundToCore(coreKey: string): readonly BoundVcpu[] {
    return this.boundVcpus().byCore.get(coreKey) ?? [];
  }

  /** All CPUs that are the only one of some vCPU of the host. */
  boundCpus(): CpuSet {
    return CpuSet.of(...this.boundVcpus().byCpu.keys());
  }

  /** All CPUs that vCPUs and I/O threads of the host are pinned to: on one CPU or core, on isolated ones only, or I/O threads as libvirt says. */
  takenCpus(): CpuSet {
    return (this.taken ??= CpuSet.fromRanges([...this.pinnedSets()].flatMap(({ ranges }) => ranges)));
  }

  private pinnedSets(): ReadonlySet<CpuSet> {
    const found = new Set<CpuSet>();
    for (const machine of this.model.machines) {
      for (const thread of ownThreads(machine)) {
        const { kind } = thread.role;
        const may = kind === 'vcpu' || kind === 'iothread' ? this.may(thread) : undefined;
        if (!may || may.isEmpty || found.has(may)) continue;
        const { cpu, core } = this.bindingOf(thread);
        if (cpu !== undefined || core || may.isSubsetOf(this.isolated(thread)) || (kind === 'iothread' && this.pin(machine, thread))) found.add(may);
      }
    }
    return found;
  }

  private boundVcpus(): NonNullable<typeof this.bound> {
    if (this.bound) return this.bound;
    const byCpu = new Map<number, BoundVcpu[]>();
    const byCore = new Map<string, BoundVcpu[]>();
    const add = <K>(to: Map<K, BoundVcpu[]>, key: K, one: BoundVcpu): void => {
      const list = to.get(key);
      if (list) list.push(one);
      else to.set(key, [one]);
    };
    for (const machine of this.model.machines) {
      for (const thread of vcpusOf(machine)) {
        const { cpu, coreKey } = this.bindingOf(thread);
        if (cpu !== undefined) add(byCpu, cpu, { machine, thread });
        if (coreKey !== undefined) add(byCore, coreKey, { machine, thread });
      }
    }
    return (this.bound = { byCpu, byCore });
  }
}

/** Whether it is a group that libvirt has for the threads of one role: what is set there holds for no others. */
export function isGroupOfItsOwn(layout: Layout | undefined, path: string): boolean {
  return layout !== undefined && isStaged(layout) && GROUP.test(path);
}

const GROUP = /\/(emulator|(vcpu|iothread)\d+)$/;

export function vcpusOf(machine: Machine): readonly Thread[] {
  return machine.threads.filter(({ pid, role }) => pid === machine.pid && role.kind === 'vcpu');
}

/** By TID. A vCPU is told by libvirt's own TID for it, and by its name where libvirt has none. */
function pinsOf(machine: Machine, { vcpus, vcpuPins, ioThreadPins, emulatorPin }: LibvirtState): ReadonlyMap<number, CpuSet> {
  const pins = new Map<number, CpuSet>();
  const add = (tid: number, pin: CpuSet | undefined): void => void (pin && pins.set(tid, pin));
  for (const { role: { kind, id }, tid } of ownThreads(machine)) {
    if (kind === 'iothread') add(tid, ioThreadPins.get(Number(/^iothread(\d+)$/.exec(id ?? '')?.[1])));
    if (kind === 'vcpu' && /^\d+$/.test(id ?? '') && !vcpus.has(Number(id))) add(tid, vcpuPins.get(Number(id)));
  }
  for (const [number, tid] of vcpus) add(tid, vcpuPins.get(number));
  add(machine.pid, emulatorPin);
  return pins;
}

/** Whether `part` is in `whole`, and is not all of it. */
export function isNarrower(part: CpuSet, whole: CpuSet): boolean {
  return part.isSubsetOf(whole) && !part.equals(whole);
}

/** v2: the nearest above that was given CPUs of its own, and not all of these. */
export function narrowerAbove(cgroup: Cgroup, wanted: CpuSet): Cgroup | undefined {
  for (const above of allNarrowerAbove(cgroup, wanted)) return above;
  return undefined;
}

/** v2: those above that were given CPUs of their own, and not all of these, from the nearest on. */
export function* allNarrowerAbove(cgroup: Cgroup, wanted: CpuSet): Iterable<Cgroup> {
  for (const above of withAncestors(cgroup.parent)) if (above.cpus && !above.cpus.isEmpty && above.path !== '/' && !wanted.isSubsetOf(above.cpus)) yield above;
}
