import type { Cgroup, Hierarchy, HostModel, Machine, Membership } from './hostModel';
import { ownThreads } from './machines';
import { type OwnDirectory, machineScope, ownDirectory } from '../parse/systemdName';

/**
 * The directory of one hierarchy that is the machine's own: in it, and nowhere else, its threads may move without
 * anybody else's being touched. libvirt, systemd, a container runtime made one for it, or it is where its threads are,
 * if that is no other machine's place as well. `undefined` where there is none: never the root, never a slice.
 */
export function machineSubtree(model: HostModel, machine: Machine, hierarchyKey: string): string | undefined {
  const hierarchy = model.hierarchies.find(({ key }) => key === hierarchyKey);
  if (!hierarchy) return undefined;
  const own = placesOf(machine, hierarchyKey);
  let others: readonly string[] | undefined; // a host may have a thousand machines
  const isAlone = (directory: string): boolean => {
    others ??= model.machines.filter(other => other !== machine).flatMap(other => leaderPath(other, hierarchyKey) ?? []);
    return !others.some(path => isWithin(path, directory));
  };
  const made = mostThreads(own);
  if (made?.isMachine && machineScope(made.path)!.name === machine.name) return made.path;
  const known = machineDirectories(model, machine)?.tops.get(hierarchyKey); // all of it may be elsewhere in this one hierarchy
  if (known !== undefined) return known;
  if (made && (made.isMachine || isAlone(made.path))) return made.path;
  const common = commonDirectory([...own.keys()]);
  const leader = leaderPath(machine, hierarchyKey);
  // Several may be in one directory that was made for them together; in one of which nothing is known anything else may be.
  return [common, leader].find(path => path !== undefined && !isShared(hierarchy, path) && ((path === leader && ownDirectory(path) !== undefined) || isAlone(path)));
}

/** The directories that libvirt made for a machine. */
export interface MachineDirectories {
  /** Where most of its threads are, over all hierarchies. */
  readonly home: string;
  /** By hierarchy, in the model's order: where none of its threads is in one, the same path, if that is there. */
  readonly tops: ReadonlyMap<string, string>;
}

/** `undefined` where no thread of it is in a directory of a machine. */
export function machineDirectories(model: HostModel, machine: Machine): MachineDirectories | undefined {
  const scopes = new Map<string, string | undefined>(); // by path: the same ones in a dozen hierarchies
  const scopeOf = (path: string): string | undefined => {
    if (!scopes.has(path)) scopes.set(path, machineScope(path)?.scope);
    return scopes.get(path);
  };
  const memberships = new Map<Membership, number>(); // many threads share one
  for (const { membership } of ownThreads(machine)) memberships.set(membership, (memberships.get(membership) ?? 0) + 1);
  const everywhere = new Map<string, number>();
  const here = new Map<string, Map<string, number>>();
  for (const [{ places }, threads] of memberships) {
    for (const [key, { path, deleted }] of places) {
      const scope = deleted ? undefined : scopeOf(path);
      if (scope === undefined) continue;
      let counts = here.get(key);
      if (!counts) here.set(key, (counts = new Map()));
      for (const into of [counts, everywhere]) into.set(scope, (into.get(scope) ?? 0) + threads);
    }
  }
  const home = most(everywhere);
  if (home === undefined) return undefined;
  const { name } = machineScope(home)!;
  const tops = new Map<string, string>();
  for (const { key, cgroups } of model.hierarchies) {
    const local = most(here.get(key) ?? new Map<string, number>());
    if (local !== undefined && machineScope(local)!.name === name) tops.set(key, local); // a container sees it at another depth
    else if (cgroups.has(home)) tops.set(key, home);
  }
  return { home, tops };
}

function most(counts: ReadonlyMap<string, number>): string | undefined {
  let found: string | undefined;
  for (const [what, count] of counts) if (found === undefined || count > counts.get(found)!) found = what;
  return found;
}

/** The directory of one hierarchy that was made for one thing alone and holds the most of a machine's threads. */
export function directoryOf(machine: Machine, hierarchyKey: string): OwnDirectory | undefined {
  return mostThreads(placesOf(machine, hierarchyKey));
}

/** The cgroups of one hierarchy that are the machine's own and can be written to, that directory among them. */
export function ownCgroups(model: HostModel, machine: Machine, { key, cgroups }: Hierarchy): readonly Cgroup[] {
  const top = machineSubtree(model, machine, key);
  return top === undefined ? [] : [...cgroups.values()].filter(({ path, directory }) => directory !== undefined && isWithin(path, top));
}

/** Whether a path is this directory or below it. */
export function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(directory === '/' ? '/' : `${directory}/`);
}

/** Path → how many threads of its process are there. */
function placesOf(machine: Machine, hierarchyKey: string): ReadonlyMap<string, number> {
  const places = new Map<string, number>();
  for (const { membership } of ownThreads(machine)) {
    const place = membership.places.get(hierarchyKey);
    if (place && !place.deleted) places.set(place.path, (places.get(place.path) ?? 0) + 1);
  }
  return places;
}

function leaderPath(machine: Machine, hierarchyKey: string): string | undefined {
  const place = (machine.threads.find(({ tid }) => tid === machine.pid) ?? machine.threads[0])?.membership.places.get(hierarchyKey);
  return place && !place.deleted ? place.path : undefined;
}

/** Of the directories that were made for one thing alone, that with most of the threads: one may be lost in another machine's. */
function mostThreads(places: ReadonlyMap<string, number>): OwnDirectory | undefined {
  const found: { readonly directory: OwnDirectory; threads: number }[] = [];
  for (const [path, threads] of places) {
    // Each vCPU has a path of its own: most are told by the machine's directory that is known already.
    let entry = found.find(({ directory }) => directory.isMachine && isWithin(path, directory.path));
    if (!entry) {
      const directory = ownDirectory(path);
      if (!directory) continue;
      entry = found.find(one => one.directory.path === directory.path);
      if (!entry) found.push((entry = { directory, threads: 0 }));
    }
    entry.threads += threads;
  }
  return found.sort((a, b) => b.threads - a.threads)[0]?.directory;
}

/** The lowest directory that all of them are in or are. */
export function commonDirectory(paths: readonly string[]): string | undefined {
  let common = paths[0];
  for (const path of paths) while (common !== undefined && !isWithin(path, common)) common = common.slice(0, common.lastIndexOf('/')) || '/';
  return common;
}

/** Whatever runs on the host may be in the root, in all that is mounted, and in a slice. */
function isShared({ mountRoot }: Hierarchy, path: string): boolean {
  return path === '/' || path === mountRoot || path.endsWith('.slice') || /^(\/\.\.)+$/.test(path);
}
