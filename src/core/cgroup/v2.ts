import { type Verdict, refusal } from './answers';
import { reason } from './because';
import type { Outcome } from './outcome';
import { canBeThreadRoot, domainOf, isThreaded } from './threaded';
import type { CgroupState, TaskState, World } from './world';

/** cgroup_migrate_vet_dst, then that a thread stays in its domain (cgroup_procs_write). */
export function vetMoveV2(world: World, task: TaskState, target: CgroupState, wholeProcess: boolean): Verdict {
  const { hierarchy, path, subtreeControl } = target;
  const domain = domainOf(world, hierarchy, path);
  if (domain?.type === 'domain invalid') return { certain: refusal('EOPNOTSUPP', reason('domain-invalid', { path: domain.path })), possible: [] };
  const possible: Outcome[] = [];
  if (!isThreaded(target) && (subtreeControl === undefined || subtreeControl.length > 0)) {
    const rootable = canBeThreadRoot(world, target);
    const internal = refusal('EBUSY', reason('internal-process', { path, controllers: subtreeControl?.join(' ') ?? '' }));
    if (rootable === false) return { certain: internal, possible };
    if (rootable === undefined) possible.push(internal);
  }
  if (!wholeProcess) {
    const place = task.places.get(hierarchy) ?? '/';
    const from = domainOf(world, hierarchy, place);
    if (from?.path !== domain?.path) {
      return { certain: refusal('EOPNOTSUPP', reason('other-domain', { from: from?.path ?? place, to: domain?.path ?? path })), possible };
    }
  }
  return { possible };
}
