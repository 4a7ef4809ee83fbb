import { CpuSet } from '../parse/cpuList';
import type { MakeCgroup, RemoveCgroup } from './action';
import { accepted, refusal, refused, unless } from './answers';
import { reason } from './because';
import type { Effect, Outcome, Prediction } from './outcome';
import { controllersFrom, withControllers } from './subtreeControl';
import { isPopulated, retype, typeOfNewChild } from './threaded';
import { type CgroupState, type World, parentOf } from './world';

/** mkdir(2): kernel/cgroup/cgroup.c, cgroup_mkdir. `cgroup.max.depth` and `cgroup.max.descendants` are not read: they are hardly ever set. */
export function predictMake(world: World, { cgroup: { hierarchy, path, directory } }: MakeCgroup): Prediction {
  if (path.slice(path.lastIndexOf('/')).includes('\n')) return refused(world, 'EINVAL', reason('newline-in-name', {}));
  const there = world.exists(hierarchy, path);
  if (there === true) return refused(world, 'EEXIST', reason('cgroup-there', { path }));
  const above = parentOf(path) ?? '/';
  if (world.exists(hierarchy, above) === false) return refused(world, 'ENOENT', reason('cgroup-gone', { path: above }));
  const possible: (Outcome | undefined)[] = [there === 'unknown' ? refusal('EEXIST', reason('cgroup-there', { path })) : undefined];
  const parent = world.cgroup(hierarchy, above);
  if (!parent) return unless(accepted(world), ...possible, refusal('ENOENT', reason('cgroup-gone', { path: above })));
  const made = parent.version === 1 ? newV1(world, parent, path, directory) : newV2(world, parent, path, directory);
  const effects: Effect[] = made.type === undefined ? [] : [{ kind: 'type', hierarchy, path, type: made.type }];
  const needsFilling = made.version === 1 && made.cpus?.isEmpty === true;
  const because = needsFilling ? reason('needs-filling', { path }) : made.type === 'domain invalid' ? reason('type-changes', { path, type: made.type }) : undefined;
  return unless(accepted(world.with({ cgroups: [made] }), effects, because), ...possible);
}

/** Facts of a cgroup of which nothing is known yet. */
const NOTHING = {
  type: undefined, controllers: undefined, subtreeControl: undefined, cpus: undefined, cpusEffective: undefined, cpusExclusive: undefined, mems: undefined, memsEffective: undefined,
  memoryMigrate: undefined, cpuExclusive: undefined, memExclusive: undefined, cloneChildren: undefined, partition: undefined, bandwidth: undefined, burst: undefined, weight: undefined,
  shares: undefined, idle: undefined, throttled: undefined, rtRuntime: undefined, rtPeriod: undefined, pidsMax: undefined, pidsCurrent: undefined, frozen: undefined, frozenItself: undefined, populated: undefined, cpuPressure: undefined, pidsRefused: undefined,
} as const;

function newV1(world: World, parent: CgroupState, path: string, directory: string): CgroupState {
  const { hierarchy, cloneChildren } = parent;
  const controllers = world.model.hierarchies.find(({ key }) => key === hierarchy)?.controllers ?? [];
  const has = (controller: string): boolean => controllers.includes(controller);
  // Nothing is cloned where a sibling has CPUs or nodes for itself (cpuset_css_online).
  const clones = cloneChildren === true && !world.children(hierarchy, parent.path).some(child => child.cpuExclusive === true || child.memExclusive === true);
  const cpus = clones ? parent.cpus : CpuSet.empty;
  const mems = clones ? parent.mems : CpuSet.empty;
  return {
    ...NOTHING, hierarchy, path, directory, version: 1, childrenKnown: true, made: true,
    ...(has('cpuset') ? { cpus, mems, cpusEffective: parent.cpusEffective && cpus, memsEffective: parent.memsEffective && mems, memoryMigrate: false, cpuExclusive: false, memExclusive: false, cloneChildren } : {}),
    ...(has('cpu') ? { shares: 1024, bandwidth: { quota: 'max', period: 100_000 } as const, burst: parent.burst === undefined ? undefined : 0, idle: parent.idle === undefined ? undefined : false } : {}),
    ...(has('cpu') && parent.rtRuntime !== undefined ? { rtRuntime: 0, rtPeriod: 1_000_000 } : {}),
    ...(has('pids') ? { pidsMax: 'max' as const } : {}),
    ...(has('freezer') ? { frozen: parent.frozen ?? false, frozenItself: false } : {}),
  };
}

function newV2(world: World, parent: CgroupState, path: string, directory: string): CgroupState {
  const { hierarchy } = parent;
  const type = typeOfNewChild(world, hierarchy, path);
  const bare: CgroupState = { ...NOTHING, hierarchy, path, directory, version: 2, childrenKnown: true, made: true, type, controllers: [], subtreeControl: [], frozen: false, populated: false };
  return withControllers(world, bare, controllersFrom(parent, bare));
}

/** rmdir(2): cgroup_destroy_locked. */
export function predictRemove(world: World, { cgroup: { hierarchy, path } }: RemoveCgroup): Prediction {
  if (world.exists(hierarchy, path) === false) return refused(world, 'ENOENT', reason('cgroup-gone', { path }));
  const cgroup = world.cgroup(hierarchy, path);
  if (!cgroup) return unless(accepted(world), refusal('ENOENT', reason('cgroup-unknown', { path })), refusal('EBUSY', reason('tasks-unknown', { path })));
  if (path === '/') return refused(world, 'EBUSY', reason('root-cgroup', { file: 'rmdir' }));
  const child = world.children(hierarchy, path)[0];
  if (child) return refused(world, 'EBUSY', reason('has-children', { path, child: child.path }));
  const populated = isPopulated(world, cgroup);
  if (populated === true) return refused(world, 'EBUSY', reason('populated', { path }));
  const { world: after, effects } = retype(world.with({ removed: { hierarchy, path } }), hierarchy, [parentOf(path) ?? '/']);
  return unless(
    accepted(after, effects),
    populated === undefined ? refusal('EBUSY', reason('tasks-unknown', { path })) : undefined,
    cgroup.childrenKnown ? undefined : refusal('EBUSY', reason('children-unknown', { path })),
  );
}
