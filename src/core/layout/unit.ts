import type { HostModel, Machine, Thread } from '../model/hostModel';
import { directoryOf, isWithin } from '../model/subtree';
import { type Layout, withoutStages } from './layout';

/** A service or a scope that somebody made for the machine: all of its threads are in it. */
export function unitLayout(model: HostModel, machine: Machine): Layout | undefined {
  const unit = unitOf(model, machine);
  return unit && withoutStages('systemd unit', withinUnit(machine, unit));
}

/** Where most threads of a machine are: a unit of systemd, or a container of a pod. */
export interface Unit {
  readonly path: string;
  /** In v1 systemd makes it only where it has a setting to write; elsewhere the machine is where its parent is. */
  readonly hierarchies: ReadonlySet<string>;
}

export function unitOf(model: HostModel, machine: Machine): Unit | undefined {
  if (isOfKata(machine)) return undefined;
  const found = new Map<string, Set<string>>();
  for (const { key } of model.hierarchies) {
    const directory = directoryOf(machine, key);
    if (!directory || directory.isMachine) continue;
    const keys = found.get(directory.path);
    if (keys) keys.add(key);
    else found.set(directory.path, new Set([key]));
  }
  const [path, hierarchies] = [...found].sort(([, a], [, b]) => b.size - a.size)[0] ?? [];
  return path === undefined || !hierarchies ? undefined : { path, hierarchies };
}

/** Kata puts vCPUs into the pod's cgroup, and all else into one of its own (src/runtime/pkg/resourcecontrol, sandbox_cgroup_only=false): nothing is expected. */
function isOfKata({ threads }: Machine): boolean {
  return threads.some(({ membership }) => [...membership.places.values()].some(({ path }) => path.startsWith('/kata_overhead/')));
}

/** What is below a unit is its own business (systemd, CGROUP_DELEGATION.md): a thread there is where it should be. */
export function withinUnit(machine: Machine, { path, hierarchies }: Unit): Layout['expectedPath'] {
  return (thread, key) => {
    if (thread.pid !== machine.pid || !hierarchies.has(key)) return undefined;
    const place = placeOf(thread, key);
    return place !== undefined && isWithin(place, path) ? place : path;
  };
}

export function placeOf(thread: Thread, key: string): string | undefined {
  const place = thread.membership.places.get(key);
  return place && !place.deleted ? place.path : undefined;
}
