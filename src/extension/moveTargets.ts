import type { HostModel, Machine, Thread } from '../core/model/hostModel';
import { layoutIn } from './findings';
import { core } from './lazyCore';

/** Cgroups of one name in one hierarchy or several: a thread goes to all of them at once. */
export interface MoveTarget {
  readonly places: readonly { readonly hierarchy: string; readonly path: string }[];
}

/** Of one hierarchy: the cgroups of the machine's own in which threads are meant to be. */
interface Groups {
  readonly hierarchy: string;
  readonly top: string;
  readonly paths: readonly string[];
}

const known = new WeakMap<Machine, readonly Groups[]>();

/**
 * Where a thread may go within the machine's own cgroups: those with nothing below them, by the name that they have
 * there; where its layout wants it first.
 *
 * @param keys only in these hierarchies
 */
export function moveTargets(model: HostModel, machine: Machine, thread: Thread, keys: readonly string[] | undefined): MoveTarget[] {
  if (thread.pid !== machine.pid) return [];
  const byName = new Map<string, { hierarchy: string; path: string }[]>();
  for (const { hierarchy, top, paths } of groupsOf(model, machine)) {
    const place = thread.membership.places.get(hierarchy);
    if (!place || place.deleted || keys?.includes(hierarchy) === false) continue;
    for (const path of paths) {
      if (path === place.path) continue;
      const name = path.slice(top.length);
      const same = byName.get(name);
      if (same) same.push({ hierarchy, path });
      else byName.set(name, [{ hierarchy, path }]);
    }
  }
  const layout = layoutIn(model, machine);
  const isExpected = (places: MoveTarget['places']): boolean => places.some(({ hierarchy, path }) => layout.expectedPath(thread, hierarchy) === path);
  const collator = new Intl.Collator('en', { numeric: true });
  return [...byName]
    .map(([name, places]) => ({ name, places, rank: isExpected(places) ? 0 : 1 }))
    .sort((a, b) => a.rank - b.rank || collator.compare(a.name, b.name));
}

function groupsOf(model: HostModel, machine: Machine): readonly Groups[] {
  let groups = known.get(machine);
  if (!groups) known.set(machine, (groups = findGroups(model, machine)));
  return groups;
}

function findGroups(model: HostModel, machine: Machine): Groups[] {
  return model.hierarchies.flatMap(hierarchy => {
    const { key, version } = hierarchy;
    const top = core().machineSubtree(model, machine, key);
    if (top === undefined) return [];
    const own = core().ownCgroups(model, machine, hierarchy);
    const parents = new Set(own.map(({ parent }) => parent));
    // Single threads can only be in threaded cgroups of v2.
    const paths = own.filter(cgroup => cgroup.path !== top && !parents.has(cgroup) && (version === 1 || cgroup.type === 'threaded')).map(({ path }) => path);
    return paths.length === 0 ? [] : [{ hierarchy: key, top, paths }];
  });
}
