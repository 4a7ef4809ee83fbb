import type { Cgroup, Hierarchy, HostModel, Machine, Thread } from '../model/hostModel';
import { isWithin } from '../model/subtree';
import { hasRun, isOld, pluggedIn } from './age';
import type { Layout } from './layout';

/** A thread that is not where its machine's layout has it, in one hierarchy. */
export interface Misplaced {
  readonly thread: Thread;
  readonly hierarchy: Hierarchy;
  readonly from: string;
  readonly at: Cgroup | undefined;
  readonly to: string;
  /** `undefined`: it is not there. */
  readonly target: Cgroup | undefined;
}

/** All of a machine, thread by thread, but for those whose cgroup may be about to be made. */
export function misplacedIn(model: HostModel, machine: Machine, layout: Layout): readonly Misplaced[] {
  const isGone = new NeverMade(model, machine);
  return notInPlace(model, machine, layout).filter(one => one.target ?? isGone.is(one));
}

/** Those whose cgroup is not there among them. */
export function notInPlace(model: HostModel, machine: Machine, layout: Layout): readonly Misplaced[] {
  const found: Misplaced[] = [];
  for (const thread of machine.threads) {
    if (hasEnded(model, thread)) continue;
    for (const hierarchy of model.hierarchies) {
      const place = thread.membership.places.get(hierarchy.key);
      if (!place || place.deleted) continue;
      const to = layout.expectedPath(thread, hierarchy.key);
      if (to !== undefined && to !== place.path) found.push({ thread, hierarchy, from: place.path, at: place.cgroup, to, target: hierarchy.cgroups.get(to) });
    }
  }
  return found;
}

/**
 * A task that has ended is in the root of every v1 hierarchy until its parent has asked for it, and its `stat` may have been
 * read before that (kernel/cgroup/cgroup.c, cgroup_exit; /proc/PID/cgroup shows the root for a dead task in v1).
 */
function hasEnded({ hierarchies }: HostModel, { state, membership }: Thread): boolean {
  if (state === 'Z' || state === 'X') return true;
  const v1 = hierarchies.filter(({ version, key }) => version === 1 && membership.places.has(key));
  return v1.length > 2 && v1.every(({ key }) => membership.places.get(key)!.path === '/');
}

/** Its parent was looked through. */
export function isKnownAbsent({ cgroups, walked }: Hierarchy, path: string): boolean {
  const parent = path.slice(0, path.lastIndexOf('/'));
  return !cgroups.has(path) && walked.some(top => isWithin(parent, top));
}

/**
 * One that is not there may be about to be made, for a vCPU that was just plugged in. But where no vCPU has any, or this one was
 * there from the start, and the guest has run, nobody will make it. (One that was plugged in is `hotplugged-vcpu-unpinned`.)
 */
class NeverMade {
  private ran: boolean | undefined;
  private plugged: ReadonlySet<Thread> | undefined;
  private readonly without = new Map<string, boolean>();

  constructor(
    private readonly model: HostModel,
    private readonly machine: Machine,
  ) {}

  is({ thread, hierarchy, from, to }: Misplaced): boolean {
    const { model, machine } = this;
    if (thread.role.kind !== 'vcpu' || !from.endsWith('/emulator') || !isOld(model, thread) || !(this.ran ??= hasRun(model, machine))) return false;
    this.plugged ??= pluggedIn(machine);
    return isKnownAbsent(hierarchy, to) && (!this.plugged.has(thread) || this.hasNone(hierarchy, to.slice(0, to.lastIndexOf('/'))));
  }

  private hasNone({ key, cgroups }: Hierarchy, parent: string): boolean {
    const name = `${key}\n${parent}`;
    let none = this.without.get(name);
    if (none === undefined) this.without.set(name, (none = !this.machine.threads.some(({ role }) => role.kind === 'vcpu' && cgroups.has(`${parent}/vcpu${role.id}`))));
    return none;
  }
}
