import type { Because } from '../cgroup/outcome';
import type { HostModel, Machine } from '../model/hostModel';
import { isWithin, machineSubtree } from '../model/subtree';
import { scopeOf } from '../model/machines';
import { cgroupOwner } from '../model/owner';
import type { Change, PlanOptions, Refusal } from './plan';

/** What a change is judged by. */
export class Context {
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

  /** The machine whose own subtree a cgroup is in. */
  machineAt(hierarchy: string, path: string): Machine | undefined {
    return this.model.machines.find(machine => this.holds(machine, hierarchy, path));
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
