import type { Action, CgroupRef } from '../cgroup/action';
import { backendOf } from '../cgroup/backend';
import type { World } from '../cgroup/world';
import type { Thread } from '../model/hostModel';
import { type Context, isUnit, refuse } from './context';
import type { Change, Refusal } from './plan';
import { cgroupRef, fileKey, hierarchyOf, parentOf, refKey, taskRef } from './refs';
import { textOf } from './values';

/** v2 controllers that work among threads (cgroup-v2.rst, "Threads"); perf_event is always on. */
const OF_THREADS = ['cpu', 'cpuset', 'pids'] as const;

function refOf(action: Action): string | undefined {
  return 'cgroup' in action ? refKey(action.cgroup) : undefined;
}

/** Gathers the actions that changes come to, with those that have to be there for them. */
export class Wanted {
  readonly actions: Action[] = [];
  /** What interface files read where the model does not have it, by {@link fileKey}. */
  readonly known = new Map<string, string>();
  private readonly made = new Set<string>();

  constructor(
    private readonly context: Context,
    readonly world: World,
  ) {}

  add(change: Change): Refusal | undefined {
    switch (change.kind) {
      case 'move':
      case 'moveProcess':
        return this.move(change.thread, change.hierarchy, change.to, change.kind === 'moveProcess');
      case 'pin': {
        const { possible, online } = this.context.model.topology;
        const cpus = change.cpus === 'all' ? (possible ?? online) : change.cpus;
        if (!cpus) return refuse('cpus-unknown');
        this.actions.push({ kind: 'affinity', task: taskRef(change.thread), cpus: cpus.toString() });
        return undefined;
      }
      case 'schedule': {
        const { thread, policy, priority, nice } = change;
        if (thread.policy === policy && thread.rtPriority === priority && thread.nice === nice) return undefined;
        this.actions.push({ kind: 'scheduling', task: taskRef(thread), policy, priority, nice });
        return undefined;
      }
      case 'make':
        return this.withRef(change, ref => this.make(ref));
      case 'remove':
        return this.withRef(change, ref => void this.actions.push({ kind: 'remove', cgroup: ref }));
      case 'set':
        return this.withRef(change, ref => {
          const known = hierarchyOf(this.context.model, change.hierarchy)?.cgroups.get(change.path);
          const now = (known && textOf(known, change.file)) ?? change.before;
          if (!this.made.has(refKey(ref)) && now === change.value) return;
          if (change.before !== undefined) this.known.set(fileKey(ref, change.file), change.before);
          this.actions.push({ kind: 'write', cgroup: ref, file: change.file, value: change.value });
        });
    }
  }

  private move(thread: Thread, hierarchy: string, to: string, process: boolean): Refusal | undefined {
    const place = thread.membership.places.get(hierarchy);
    if (!place || place.deleted) return refuse('place-unknown', { tid: thread.tid, hierarchy });
    if (place.path === to && !process) return undefined;
    const of = hierarchyOf(this.context.model, hierarchy);
    return this.withRef({ hierarchy, path: to }, ref => {
      const backend = backendOf(of!);
      if (!this.made.has(refKey(ref))) this.fill(ref, backend.fill(this.world, ref));
      this.actions.push({ kind: 'move', task: taskRef(thread), from: place.path, to: ref, file: process ? backend.processFile : backend.threadFile });
    });
  }

  /** With all above it that are not there yet, made so that threads can be in it. */
  private make(ref: CgroupRef): void {
    const { model } = this.context;
    const above = parentOf(ref.path);
    const parent = above === undefined || hierarchyOf(model, ref.hierarchy)!.cgroups.has(above) ? undefined : cgroupRef(model, ref.hierarchy, above);
    if (parent) this.make(parent);
    if (this.made.has(refKey(ref))) return;
    this.made.add(refKey(ref));
    this.actions.push({ kind: 'make', cgroup: ref }, ...backendOf(hierarchyOf(model, ref.hierarchy)!).fillNew(this.world, ref));
    if (above !== undefined) this.enable(ref.hierarchy, above);
  }

  /** What the parent has itself of controllers that threads can have, its child is to have too. A unit's own cgroup is left as systemd has it. */
  private enable(hierarchy: string, path: string): void {
    const { model } = this.context;
    const parent = hierarchyOf(model, hierarchy)!.cgroups.get(path);
    const ref = cgroupRef(model, hierarchy, path);
    const controllers = parent ? parent.controllers : this.inherited(hierarchy, path);
    const subtreeControl: readonly string[] | undefined = parent ? parent.subtreeControl : [];
    if (!ref || !controllers || !subtreeControl || isUnit(model, hierarchy, path)) return;
    const missing = OF_THREADS.filter(controller => controllers.includes(controller) && !subtreeControl.includes(controller));
    const write: Action = { kind: 'write', cgroup: ref, file: 'cgroup.subtree_control', value: missing.map(controller => `+${controller}`).join(' ') };
    if (missing.length > 0 && !this.actions.some(action => refOf(action) === refKey(ref) && action.kind === 'write' && action.file === write.file)) this.actions.push(write);
  }

  /** Of a cgroup that is made by this plan: what those above it hand down. */
  private inherited(hierarchy: string, path: string): readonly string[] | undefined {
    const cgroups = hierarchyOf(this.context.model, hierarchy)!.cgroups;
    for (let at = parentOf(path); at !== undefined; at = parentOf(at)) {
      const known = cgroups.get(at);
      if (known) return known.controllers && OF_THREADS.filter(controller => known.controllers!.includes(controller));
    }
    return undefined;
  }

  /** Once for each cgroup, however many threads move there. */
  private fill(ref: CgroupRef, writes: readonly Action[]): void {
    this.made.add(refKey(ref));
    this.actions.push(...writes);
  }

  private withRef({ hierarchy, path }: { readonly hierarchy: string; readonly path: string }, use: (ref: CgroupRef) => void): Refusal | undefined {
    const ref = cgroupRef(this.context.model, hierarchy, path);
    if (!ref) return refuse('cgroup-unreachable', { hierarchy, path });
    use(ref);
    return undefined;
  }
}
