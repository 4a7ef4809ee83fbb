import type { Cgroup, Hierarchy, HostModel, Machine, Thread } from './hostModel';
import type { Steps } from './pace';

/** A thread in a cgroup, and the machine it belongs to. */
export interface Occupant {
  readonly machine: Machine;
  readonly thread: Thread;
}

/** Of how many QEMU threads something is true in a cgroup and in all below it. */
export interface Population {
  readonly threads: number;
  /** Those of them that are held back. */
  readonly held: number;
}

/** One hierarchy from the side of its cgroups. */
export interface HierarchyTree {
  readonly hierarchy: Hierarchy;
  /** The cgroup that is mounted. */
  readonly root: Cgroup | undefined;
  /** Cgroups above which nothing is known, but for `root`: outside the reader's namespace or its mount. */
  readonly apart: readonly Cgroup[];
  /** Threads that are in no cgroup that can be seen: it was removed under a dying task. */
  readonly strays: readonly Occupant[];
  readonly population: Population;
}

const NOBODY: Population = { threads: 0, held: 0 };

/** The cgroups of a host from above: what is below each, and which QEMU threads are in it. Membership has the same from the other side. */
export class CgroupTree {
  private readonly sorted = new Map<Cgroup, readonly Cgroup[]>();

  constructor(
    /** In the model's order. */
    readonly hierarchies: readonly HierarchyTree[],
    private readonly below: ReadonlyMap<Cgroup, readonly Cgroup[]>,
    private readonly within: ReadonlyMap<Cgroup, readonly Occupant[]>,
    private readonly populations: ReadonlyMap<Cgroup, Population>,
  ) {}

  /** By name, numbers in names as numbers: `vcpu2` before `vcpu10`. */
  children(cgroup: Cgroup): readonly Cgroup[] {
    let children = this.sorted.get(cgroup);
    if (!children) this.sorted.set(cgroup, (children = byName(this.below.get(cgroup) ?? [])));
    return children;
  }

  /** QEMU threads in this very cgroup, machine by machine. */
  occupants(cgroup: Cgroup): readonly Occupant[] {
    return this.within.get(cgroup) ?? [];
  }

  /** QEMU threads in it and in all below it. */
  population(cgroup: Cgroup): Population {
    return this.populations.get(cgroup) ?? NOBODY;
  }
}

type Growing = { -readonly [K in keyof Population]: Population[K] };

/** @param heldIn the hierarchy in which a thread is held back, if it is: asked once for each */
export function* buildingCgroupTree(model: HostModel, heldIn: (thread: Thread) => string | undefined): Steps<CgroupTree> {
  const within = new Map<Cgroup, Occupant[]>();
  const populations = new Map<Cgroup, Growing>();
  const strays = new Map<string, Occupant[]>();
  const all = new Map<string, Growing>();
  for (const occupant of occupants(model)) {
    const heldKey = heldIn(occupant.thread);
    for (const [key, { cgroup }] of occupant.thread.membership.places) {
      yield;
      const held = key === heldKey ? 1 : 0;
      add(all, key, 1, held);
      if (cgroup) {
        append(within, cgroup, occupant);
        add(populations, cgroup, 1, held);
      } else append(strays, key, occupant);
    }
  }
  const below = new Map<Cgroup, Cgroup[]>();
  const hierarchies: HierarchyTree[] = [];
  for (const hierarchy of model.hierarchies) {
    const cgroups = [...hierarchy.cgroups.values()];
    const tops: Cgroup[] = [];
    // A cgroup is in the map after the one above it: from the last to the first, what is below has been counted already.
    for (const cgroup of cgroups.reverse()) {
      yield;
      if (!cgroup.parent) tops.push(cgroup);
      else {
        append(below, cgroup.parent, cgroup);
        const own = populations.get(cgroup);
        if (own) add(populations, cgroup.parent, own.threads, own.held);
      }
    }
    const root = tops.find(cgroup => cgroup.path === hierarchy.mountRoot);
    hierarchies.push({ hierarchy, root, apart: byName(tops.filter(top => top !== root)), strays: strays.get(hierarchy.key) ?? [], population: all.get(hierarchy.key) ?? NOBODY });
  }
  return new CgroupTree(hierarchies, below, within, populations);
}

/** Every thread once: a helper may serve several machines. */
function* occupants(model: HostModel): IterableIterator<Occupant> {
  const seen = new Set<Thread>();
  for (const machine of model.machines) {
    for (const thread of machine.threads) {
      if (seen.has(thread)) continue;
      seen.add(thread);
      yield { machine, thread };
    }
  }
}

function add<K>(to: Map<K, Growing>, key: K, threads: number, held: number): void {
  const known = to.get(key);
  if (!known) to.set(key, { threads, held });
  else {
    known.threads += threads;
    known.held += held;
  }
}

function append<K, V>(to: Map<K, V[]>, key: K, value: V): void {
  const known = to.get(key);
  if (known) known.push(value);
  else to.set(key, [value]);
}

/** The last part of a cgroup's path; `/` of the root. */
export function cgroupName({ path }: Cgroup): string {
  return path.slice(path.lastIndexOf('/') + 1) || '/';
}

/** A collator would take a tenth of a second for ten thousand names. */
function byName(cgroups: readonly Cgroup[]): Cgroup[] {
  const keyed = cgroups.map(cgroup => ({ cgroup, key: cgroupName(cgroup).replace(/\d+/g, digits => digits.padStart(10, '0')) }));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ cgroup }) => cgroup);
}
