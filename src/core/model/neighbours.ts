import { type CpuSet, parseCpuList } from '../parse/cpuList';
import type { RawTask, RawTasks } from '../rawSnapshot';
import type { Occupant } from './cgroupTree';
import type { HostModel } from './hostModel';
import type { Steps } from './pace';

/** Who else may run on some CPUs. Each list has the most narrowly bound first. */
export interface Neighbours {
  readonly cpus: CpuSet;
  /** QEMU threads of all machines that may run there, as the host's latest model has them. */
  readonly threads: readonly Occupant[];
  /** Tasks of no machine that are bound to fewer CPUs than others, and to one of these. */
  readonly bound: readonly BoundTasks[];
  /** The kernel's own threads of one CPU each: `kworker` → 3. They are on every CPU, and nobody can move them. */
  readonly ofOneCpu: readonly { readonly cpu: number; readonly names: ReadonlyMap<string, number> }[];
  /** Where a task may run that nobody bound: as PID 1, from which tasks inherit it. */
  readonly usual: CpuSet | undefined;
  /** Tasks that are bound to nothing and may run there. */
  readonly unbound: number;
  /** `undefined` where /proc/irq is not shown. */
  readonly interrupts: readonly Interrupt[] | undefined;
  /** Tasks whose affinity could not be read. */
  readonly unreadable: number;
}

/** Tasks of one process with the same affinity. */
export interface BoundTasks {
  readonly pid: number;
  readonly tids: readonly number[];
  /** Of the first of them; hostile. */
  readonly name: string;
  readonly isKernel: boolean;
  readonly cpus: CpuSet;
}

export interface Interrupt {
  readonly irq: number;
  readonly handlers: readonly string[];
  readonly cpus: CpuSet;
  /** What was asked for, where the kernel or the device serves it on fewer CPUs. */
  readonly asked: CpuSet | undefined;
}

/** PID of kthreadd: kernel threads are its children (Documentation/core-api/kthread). */
const KTHREADD = 2;

/** Of what runs on `cpus`, who is bound there. */
export function* findingNeighbours(cpus: CpuSet, model: HostModel, raw: RawTasks): Steps<Neighbours> {
  const ofMachines = new Set<number>();
  const threads: Occupant[] = [];
  for (const machine of model.machines) {
    for (const thread of machine.threads) {
      yield;
      if (ofMachines.has(thread.tid)) continue; // a helper may serve several machines
      ofMachines.add(thread.tid);
      if (meets(thread.cpusAllowed, cpus)) threads.push({ machine, thread });
    }
  }
  const lists = new Lists(cpus, model.topology.online);
  const first = raw.tasks.find(task => task.tid === 1);
  const usual = (first && lists.of(first.cpus)?.set) ?? model.topology.online;
  const bound = new Map<string, BoundTasks & { readonly tids: number[] }>();
  const ofOneCpu = new Map<number, Map<string, number>>();
  let [unbound, unreadable] = [0, [...raw.errors.values()].filter(errno => errno === 'EACCES' || errno === 'EPERM').length];
  for (const task of raw.tasks) {
    yield;
    if (ofMachines.has(task.tid)) continue;
    const list = lists.of(task.cpus);
    if (!list) unreadable += 1;
    if (!list?.meets) continue;
    const isKernel = task.ppid === KTHREADD || task.pid === KTHREADD;
    const own = isKernel ? ownCpu(task, list.set) : undefined;
    if (own) count(ofOneCpu, own.cpu, own.name);
    else if (usual?.isSubsetOf(list.set) === true) unbound += 1;
    else {
      const key = `${task.pid} ${task.cpus}`;
      const known = bound.get(key);
      if (known) known.tids.push(task.tid);
      else bound.set(key, { pid: task.pid, tids: [task.tid], name: task.name, isKernel, cpus: list.set });
    }
  }
  return {
    cpus,
    threads: threads.sort((a, b) => a.thread.cpusAllowed!.size - b.thread.cpusAllowed!.size),
    bound: [...bound.values()].sort((a, b) => a.cpus.size - b.cpus.size || Number(a.isKernel) - Number(b.isKernel) || a.pid - b.pid),
    ofOneCpu: [...ofOneCpu].map(([cpu, names]) => ({ cpu, names })).sort((a, b) => a.cpu - b.cpu),
    usual,
    unbound,
    interrupts: raw.interrupts && interruptsOn(cpus, raw.interrupts),
    unreadable,
  };
}

/** Thousands of tasks have a handful of affinities: each text is understood once. */
class Lists {
  private readonly byText = new Map<string, { set: CpuSet; meets: boolean } | undefined>();

  constructor(
    private readonly cpus: CpuSet,
    private readonly online: CpuSet | undefined,
  ) {}

  /** Without CPUs that are offline: a task of the top cpuset has them too (kernel/cgroup/cpuset.c). */
  of(text: string): { readonly set: CpuSet; readonly meets: boolean } | undefined {
    if (!this.byText.has(text)) {
      const parsed = text === '-' ? undefined : parseCpuList(text);
      const set = parsed && this.online ? parsed.intersect(this.online) : parsed;
      this.byText.set(text, set && { set, meets: meets(set, this.cpus) });
    }
    return this.byText.get(text);
  }
}

function meets(set: CpuSet | undefined, cpus: CpuSet): boolean {
  return set?.intersect(cpus).isEmpty === false;
}

/** `kworker/4:1H-kblockd`, `ksoftirqd/4`: a kernel thread of its one CPU has that in its name. */
function ownCpu({ name }: RawTask, cpus: CpuSet): { cpu: number; name: string } | undefined {
  const match = /^(.+?)\/(\d+)(?!\d)/.exec(name);
  const cpu = Number(match?.[2]);
  return match && cpus.size === 1 && cpus.has(cpu) ? { cpu, name: match[1]! } : undefined;
}

function count(to: Map<number, Map<string, number>>, cpu: number, name: string): void {
  const names = to.get(cpu) ?? new Map<string, number>();
  names.set(name, (names.get(name) ?? 0) + 1);
  to.set(cpu, names);
}

/** By where they are served; only where that is not told, by where they may be. */
function interruptsOn(cpus: CpuSet, all: NonNullable<RawTasks['interrupts']>): Interrupt[] {
  const found: Interrupt[] = [];
  for (const { irq, handlers, effective, configured } of all) {
    const asked = configured === undefined ? undefined : parseCpuList(configured);
    const served = effective === undefined ? asked : parseCpuList(effective);
    if (served && meets(served, cpus)) found.push({ irq, handlers, cpus: served, asked: asked && !asked.equals(served) ? asked : undefined });
  }
  return found.sort((a, b) => a.cpus.size - b.cpus.size || a.irq - b.irq);
}
