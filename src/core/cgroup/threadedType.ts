import { accepted, refusal, refused, unless } from './answers';
import { reason } from './because';
import { effectsOf } from './cpuset';
import type { Outcome, Prediction } from './outcome';
import { controllersFrom, withControllers } from './subtreeControl';
import { canBeThreadRoot, domainOf, isPopulated, isThreaded, isThreadedController, retype } from './threaded';
import { type CgroupState, type World, parentOf } from './world';

/** `cgroup.type`: kernel/cgroup/cgroup.c, cgroup_type_write, cgroup_enable_threaded. There is no way back. */
export function writeType(world: World, cgroup: CgroupState, _file: string, value: string): Prediction {
  const { hierarchy, path } = cgroup;
  if (value.trim() !== 'threaded') return refused(world, 'EINVAL', reason('only-threaded', { value }));
  if (isThreaded(cgroup)) return accepted(world);
  const possible: Outcome[] = [];
  const populated = isPopulated(world, cgroup);
  const hasTasks = refusal('EOPNOTSUPP', reason('populated', { path }));
  if (populated === true) return { outcomes: [hasTasks], after: world };
  if (populated === undefined) possible.push(hasTasks);
  const domains = cgroup.subtreeControl?.filter(name => !isThreadedController(name)) ?? [];
  if (domains.length > 0) return refused(world, 'EOPNOTSUPP', reason('domain-controllers', { path, controllers: domains.join(' ') }));
  const parent = parentOf(path) ?? '/';
  const domain = domainOf(world, hierarchy, parent);
  if (domain?.type === 'domain invalid') return refused(world, 'EOPNOTSUPP', reason('domain-invalid', { path: domain.path }));
  const noRoot = refusal('EOPNOTSUPP', reason('no-thread-root', { path: domain?.path ?? parent }));
  const can = domain && canBeThreadRoot(world, domain);
  if (can === false) return { outcomes: [noRoot], after: world };
  if (can === undefined) possible.push(noRoot);
  const own = withControllers(world, { ...cgroup, type: 'threaded' }, controllersFrom(world.cgroup(hierarchy, parent), { type: 'threaded' }));
  const { world: after, effects } = retype(world.with({ cgroups: [own] }), hierarchy, [domain?.path ?? parent, path]);
  const values = effectsOf(world, after, hierarchy, [path], undefined);
  const because = effects[0]?.kind === 'type' ? reason('type-changes', { path: effects[0].path, type: effects[0].type }) : undefined;
  return unless(accepted(after, [...values, ...effects], because), ...possible);
}
