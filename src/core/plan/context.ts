import type { Because } from '../cgroup/outcome';
import { layoutOf } from '../layout/layouts';
import type { Layout } from '../layout/layout';
import type { HostModel, Machine, Thread } from '../model/hostModel';
import { isWithin, machineSubtree } from '../model/subtree';
import { scopeOf } from '../model/machines';
import { cgroupOwner } from '../model/owner';
import { ownDirectory } from '../parse/systemdName';
import type { Change, PlanOptions, Refusal } from './plan';

/** What a change is judged by. */
export class Context {
  /** By key of a thread. */
  private readonly owners = new Map<string, Machine>();
  private readonly layouts = new Map<Machine, Layout>();
  private readonly tops = new Map<Machine, Map<string, string | undefined>>();

  constructor(
    readonly model: HostModel,
    /** The machine that it is about. */
    readonly machine: Machine | undefined,
    readonly options: PlanOptions,
  ) {}

  /** Whether a path is in the own subtree of the machine, or, where none is named, of any. */
  isInSubtree(hierarchy: string, path: string): boolean {
    return this.machine ? this.holds(this.machine, hierarchy, path) : this.machineAt(hierarchy, path) !== undefined;
  }

  /**
   * Whether a limit of this cgroup may hold for others too: it is where a machine's threads are, and nothing in its name
   * says that it was made for the machine. What other processes are in it is not read.
   */
  mayBeShared(hierarchy: string, path: string): boolean {
    const machine = this.machine ?? this.machineAt(hierarchy, path);
    if (!machine || this.topOf(machine, hierarchy) !== path) return false;
    const named = ownDirectory(path);
    return named === undefined || named.path.endsWith('.service');
  }

  /** The machine whose own subtree a cgroup is in. */
  machineAt(hierarchy: string, path: string): Machine | undefined {
    return this.model.machines.find(machine => this.holds(machine, hierarchy, path));
  }

  /** Whose a change is, whichever machine it was asked for: a thread has only its own machine's cgroups to move in. */
  ownerOf(change: Change): Machine | undefined {
    if (!isOfThread(change)) return this.machine ?? this.machineAt(change.hierarchy, change.path);
    if (this.owners.size === 0) for (const machine of [...this.model.machines, ...(this.machine ? [this.machine] : [])]) for (const { key } of machine.threads) this.owners.set(key, machine);
    return this.owners.get(change.thread.key) ?? this.machine;
  }

  /** Whether libvirt is still to put this thread into its own group, and to pin it: the machine is starting. */
  isWaiting(thread: Thread): boolean {
    const { machine } = this;
    if (!machine) return false;
    if (!this.layouts.has(machine)) this.layouts.set(machine, layoutOf(this.model, machine));
    return this.layouts.get(machine)!.isWaiting(thread);
  }

  private holds(machine: Machine, hierarchy: string, path: string): boolean {
    const top = this.topOf(machine, hierarchy);
    return top !== undefined && isWithin(path, top);
  }

  /** Looked for once: a machine may have ten thousand threads, and a plan as many changes. */
  private topOf(machine: Machine, hierarchy: string): string | undefined {
    let tops = this.tops.get(machine);
    if (!tops) this.tops.set(machine, (tops = new Map<string, string | undefined>()));
    if (!tops.has(hierarchy)) tops.set(hierarchy, machineSubtree(this.model, machine, hierarchy));
    return tops.get(hierarchy);
  }
}

/** systemd's own, and no part of what it has delegated. */
export function isUnit(model: HostModel, key: string, path: string): boolean {
  const hierarchy = model.hierarchies.find(of => of.key === key);
  return hierarchy !== undefined && cgroupOwner(model, hierarchy, path).kind === 'unit';
}

/** Its name, where libvirt runs it: jobs of it are looked for before anything is written. */
export function libvirtMachine(machine: Machine | undefined): string | undefined {
  return machine && scopeOf(machine.threads[0]!.membership) ? machine.name : undefined;
}

export function reason(id: string, details: Because['details'] = {}): Because {
  return { id, details };
}

export function refuse(id: string, details: Because['details'] = {}, instead: Refusal['instead'] = []): Refusal {
  return { because: reason(id, details), instead };
}

/** Of changes that are about a thread. */
export type ThreadChange = Extract<Change, { thread: unknown }>;

export function isOfThread(change: Change): change is ThreadChange {
  return 'thread' in change;
}
