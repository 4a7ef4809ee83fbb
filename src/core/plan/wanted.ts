import type { Action, CgroupRef } from '../cgroup/action';
import { backendOf } from '../cgroup/backend';
import { textOf } from '../cgroup/files';
import { predict } from '../cgroup/predict';
import { type World, parentOf } from '../cgroup/world';
import type { Thread } from '../model/hostModel';
import { type Context, refuse } from './context';
import type { Change, Refusal } from './plan';
import { cgroupRef, fileKey, hierarchyOf, refKey, taskRef } from './refs';
import { spelling } from './values';

/** Gathers the actions that changes come to, with those that have to be there for them. */
export class Wanted {
  readonly actions: Action[] = [];
  /** What interface files read where the model does not have it, by {@link fileKey}. */
  readonly known = new Map<string, string>();
  private readonly made = new Set<string>();
  /** With what is made, filled and written so far: a cgroup within a new one is filled from that, and none over what was asked for. */
  private now: World;

  constructor(
    private readonly context: Context,
    readonly world: World,
  ) {
    this.now = world;
  }

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
        const { thread, policy, priority } = change;
        const nice = policy === 'other' || policy === 'batch' ? change.nice : thread.nice; // the others have none, and keep what is there
        if (thread.policy === policy && thread.rtPriority === priority && thread.nice === nice) return undefined;
        this.actions.push({ kind: 'scheduling', task: taskRef(thread), policy, priority, nice });
        return undefined;
      }
      case 'make':
        return this.withRef(change, ref => this.make(ref));
      case 'remove':
        return this.withRef(change, ref => void this.actions.push({ kind: 'remove', cgroup: ref }));
      case 'quota':
        return this.withRef(change, ref => void this.actions.push(...backendOf(hierarchyOf(this.context.model, change.hierarchy)!).writesForQuota(this.now, ref, change.to)));
      case 'set':
        return this.withRef(change, ref => {
          const known = hierarchyOf(this.context.model, change.hierarchy)?.cgroups.get(change.path);
          const value = spelling(change.file, change.value);
          const now = (known && textOf(known, change.file)) ?? change.before;
          if (!this.made.has(refKey(ref)) && now === value) return;
          if (change.before !== undefined) this.known.set(fileKey(ref, change.file), change.before);
          this.push({ kind: 'write', cgroup: ref, file: change.file, value });
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
      this.fill(ref);
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
    const backend = backendOf(hierarchyOf(model, ref.hierarchy)!);
    this.push({ kind: 'make', cgroup: ref });
    for (const write of backend.fillNew(this.now, ref)) this.push(write);
    // What its siblings have it has too: as the root of the threaded domain hands it down.
    const handedDown = this.now.cgroup(ref.hierarchy, backend.threadedDomain(this.now, ref.path))?.subtreeControl ?? [];
    for (const write of backend.bringControllers(this.now, ref, handedDown)) this.push(write);
  }

  /** Of an existing cgroup: only where nothing can be in it as it is. */
  private fill(ref: CgroupRef): void {
    if (this.made.has(refKey(ref))) return;
    this.made.add(refKey(ref)); // once, however many threads move there
    for (const write of backendOf(hierarchyOf(this.context.model, ref.hierarchy)!).fill(this.now, ref)) this.push(write);
  }

  private push(action: Action): void {
    this.actions.push(action);
    this.now = predict(this.now, action).after;
  }

  private withRef({ hierarchy, path }: { readonly hierarchy: string; readonly path: string }, use: (ref: CgroupRef) => void): Refusal | undefined {
    const ref = cgroupRef(this.context.model, hierarchy, path);
    if (!ref) return refuse('cgroup-unreachable', { hierarchy, path });
    use(ref);
    return undefined;
  }
}
