import type { Layout } from '../layout/layout';
import { layoutOf } from '../layout/layouts';
import { type Misplaced, misplacedIn } from '../layout/misplaced';
import type { Cgroup, HostModel, Machine, Thread } from '../model/hostModel';
import { ownThreads } from '../model/machines';
import type { Rates } from '../model/rates';
import { isWithin, machineSubtree } from '../model/subtree';
import { CpuSet } from '../parse/cpuList';
import { Context } from '../plan/context';
import { CpuFacts, allNarrowerAbove } from './cpuFacts';

/** Between looks that are closer together, a share of the time says more of the clock than of the host. */
const SHORTEST = 0.5e9;

/** What rules look at: a model, what happened since the one before, and what several of them need, found once. */
export class CheckedHost {
  private cpuFacts: CpuFacts | undefined;
  private readonly layouts = new Map<Machine, Layout>();
  private readonly misplaced = new Map<Machine, readonly Misplaced[]>();
  private readonly tops = new Map<Machine, Map<string, string | undefined>>();
  private readonly surroundings = new Map<Machine, ReadonlySet<Cgroup>>();
  private readonly contexts = new Map<Machine, Context>();
  private lost: ReadonlyMap<Cgroup, CpuSet> | undefined;
  private readonly children = new Map<string, ReadonlyMap<Cgroup, readonly Cgroup[]>>();
  private readonly within = new Map<Machine, Map<string, ReadonlyMap<Cgroup, readonly Thread[]>>>();

  /** @param rates `undefined` where there is one reading only: a capture, the first look */
  constructor(
    readonly model: HostModel,
    readonly rates: Rates | undefined,
  ) {}

  /** Where threads may run. */
  get cpus(): CpuFacts {
    return (this.cpuFacts ??= new CpuFacts(this.model));
  }

  layoutOf(machine: Machine): Layout {
    let layout = this.layouts.get(machine);
    if (!layout) this.layouts.set(machine, (layout = layoutOf(this.model, machine)));
    return layout;
  }

  /** Threads that are not where the machine's layout has them. */
  misplacedIn(machine: Machine): readonly Misplaced[] {
    let misplaced = this.misplaced.get(machine);
    if (!misplaced) this.misplaced.set(machine, (misplaced = misplacedIn(this.model, machine, this.layoutOf(machine))));
    return misplaced;
  }

  /** What happened since the look before, if that is long enough ago for a share of the time. */
  get recent(): Rates | undefined {
    return this.rates && this.rates.elapsed >= SHORTEST ? this.rates : undefined;
  }

  /** As {@link machineSubtree}. */
  topOf(machine: Machine, hierarchy: string): string | undefined {
    let tops = this.tops.get(machine);
    if (!tops) this.tops.set(machine, (tops = new Map<string, string | undefined>()));
    if (!tops.has(hierarchy)) tops.set(hierarchy, machineSubtree(this.model, machine, hierarchy));
    return tops.get(hierarchy);
  }

  /** Whether a cgroup is in the machine's own directory, and no slice that others are in too. */
  isOwn(machine: Machine, { hierarchy, path }: Cgroup): boolean {
    const top = this.topOf(machine, hierarchy);
    return top !== undefined && isWithin(path, top);
  }

  /** Whether a limit of this cgroup holds for the machine alone: without expert mode a plan changes no other. */
  isOwnLimit(machine: Machine, cgroup: Cgroup): boolean {
    const { hierarchy, path } = cgroup;
    if (!this.isOwn(machine, cgroup)) return false;
    let context = this.contexts.get(machine);
    if (!context) this.contexts.set(machine, (context = new Context(this.model, machine, { expert: false })));
    return !context.mayBeShared(hierarchy, path);
  }

  /** Every cgroup that a thread of the machine's process is in, and all above them. */
  around(machine: Machine): ReadonlySet<Cgroup> {
    let found = this.surroundings.get(machine);
    if (!found) this.surroundings.set(machine, (found = withAllAbove(ownThreads(machine))));
    return found;
  }

  /** Of those {@link around} the machine the ones that may hold it to CPUs. */
  cpusetsAround(machine: Machine): readonly Cgroup[] {
    const key = this.cpus.hierarchy?.key;
    return [...this.around(machine)].filter(({ hierarchy }) => hierarchy === key);
  }

  /** v2: what a cpuset above pins needs for all of them: its own CPUs, and those that machines' cpusets below it lack because it has not got them. */
  widened(above: Cgroup): CpuSet {
    this.lost ??= lostBelow(this);
    return (above.cpus ?? CpuSet.empty).union(this.lost.get(above) ?? CpuSet.empty);
  }

  /** Those right below it. */
  childrenOf(cgroup: Cgroup): readonly Cgroup[] {
    let children = this.children.get(cgroup.hierarchy);
    if (!children) this.children.set(cgroup.hierarchy, (children = childrenIn(this.model, cgroup.hierarchy)));
    return children.get(cgroup) ?? [];
  }

  /** The threads of the machine's process that are in a cgroup or below it. */
  threadsWithin(machine: Machine, cgroup: Cgroup): readonly Thread[] {
    let found = this.within.get(machine);
    if (!found) this.within.set(machine, (found = new Map<string, ReadonlyMap<Cgroup, readonly Thread[]>>()));
    let threads = found.get(cgroup.hierarchy);
    if (!threads) found.set(cgroup.hierarchy, (threads = byCgroup(machine, cgroup.hierarchy)));
    return threads.get(cgroup) ?? [];
  }
}

function lostBelow(host: CheckedHost): ReadonlyMap<Cgroup, CpuSet> {
  const found = new Map<Cgroup, CpuSet>();
  for (const machine of host.model.machines) {
    for (const cgroup of host.cpusetsAround(machine)) {
      const missing = host.cpus.missingIn(cgroup);
      if (missing.isEmpty || !host.isOwn(machine, cgroup)) continue;
      for (const above of allNarrowerAbove(cgroup, missing)) {
        const known = found.get(above) ?? CpuSet.empty;
        if (!missing.isSubsetOf(known)) found.set(above, known.union(missing));
      }
    }
  }
  return found;
}

function withAllAbove(threads: readonly Thread[]): ReadonlySet<Cgroup> {
  const found = new Set<Cgroup>();
  for (const { membership } of threads) {
    for (const { cgroup } of membership.places.values()) {
      for (let at = cgroup; at && !found.has(at); at = at.parent) found.add(at);
    }
  }
  return found;
}

function childrenIn({ hierarchies }: HostModel, key: string): ReadonlyMap<Cgroup, readonly Cgroup[]> {
  const children = new Map<Cgroup, Cgroup[]>();
  for (const cgroup of hierarchies.find(of => of.key === key)?.cgroups.values() ?? []) {
    if (!cgroup.parent) continue;
    const siblings = children.get(cgroup.parent);
    if (siblings) siblings.push(cgroup);
    else children.set(cgroup.parent, [cgroup]);
  }
  return children;
}

function byCgroup(machine: Machine, key: string): ReadonlyMap<Cgroup, readonly Thread[]> {
  const found = new Map<Cgroup, Thread[]>();
  for (const thread of ownThreads(machine)) {
    for (let at = thread.membership.places.get(key)?.cgroup; at; at = at.parent) {
      const threads = found.get(at);
      if (threads) threads.push(thread);
      else found.set(at, [thread]);
    }
  }
  return found;
}
