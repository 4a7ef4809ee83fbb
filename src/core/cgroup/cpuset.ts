import { CpuSet } from '../parse/cpuList';
import { type Confinement, confine, cpusetOf, effectiveOf, granted } from './affinity';
import { type Verdict, accepted, refusal, refused, unless, valueEffect } from './answers';
import { reason } from './because';
import { differences } from './files';
import { parseKernelList } from './kernelList';
import type { Effect, Outcome, Prediction } from './outcome';
import { isPopulated } from './threaded';
import { type CgroupState, type World, parentOf } from './world';

type What = 'cpus' | 'mems';

/** `cpuset.cpus` or `cpuset.mems` (kernel/cgroup/cpuset.c, cpuset_write_resmask, validate_change; cpuset-v1.c). */
export function writeSet(world: World, cgroup: CgroupState, file: string, value: string): Prediction {
  const what: What = file === 'cpuset.cpus' ? 'cpus' : 'mems';
  if (cgroup.path === '/') return refused(world, 'EACCES', reason('root-cgroup', { file }));
  const all = what === 'cpus' ? world.model.topology.possible : CpuSet.of(...world.model.topology.nodes.keys());
  const highest = what === 'cpus' ? (all?.ranges.at(-1)?.[1] ?? 0) : HIGHEST_NODE;
  const asked = parseKernelList(value, highest);
  if (!(asked instanceof CpuSet)) {
    return refused(world, asked, asked === 'ERANGE' ? reason('no-such-cpu', { value, highest }) : reason('bad-value', { file, value }));
  }
  const old = cgroup[what];
  const top = world.cgroup(cgroup.hierarchy, '/');
  const offered = cgroup.version === 1 ? (top?.[what] ?? (what === 'cpus' ? world.model.topology.online : all)) : all;
  if (offered && !asked.isSubsetOf(offered)) return refused(world, 'EINVAL', reason('not-online', { value, online: offered.toString() }));
  if (old?.equals(asked) === true) return accepted(world);
  const verdict = cgroup.version === 1 ? vetV1(world, cgroup, what, asked) : vetV2(world, cgroup, what, asked);
  if (verdict.certain) return { outcomes: [verdict.certain, ...verdict.possible], after: world };
  return unless(setTo(world, { ...cgroup, [what]: asked }, { file, value }), ...verdict.possible);
}

/** A node that is not there is refused by the top cpuset, not by its number: MAX_NUMNODES is a constant of the build, 1024 on servers. */
const HIGHEST_NODE = 1023;

function vetV1(world: World, cgroup: CgroupState, what: What, asked: CpuSet): Verdict {
  const { hierarchy, path } = cgroup;
  const possible: Outcome[] = [];
  const value = asked.toString();
  for (const child of world.children(hierarchy, path)) {
    const has = child[what];
    if (has && !has.isSubsetOf(asked)) return { certain: refusal('EBUSY', reason('child-has-more', { child: child.path, has: has.toString() })), possible };
  }
  const narrows = cgroup[what]?.isSubsetOf(asked) !== true;
  if (narrows && !cgroup.childrenKnown) possible.push(refusal('EBUSY', reason('children-unknown', { path })));
  const parent = world.cgroup(hierarchy, parentOf(path) ?? '/');
  const above = parent?.[what];
  if (above && !asked.isSubsetOf(above)) return { certain: refusal('EACCES', reason('not-in-parent', { value, parent: above.toString() })), possible };
  const populated = vetEmpty(world, cgroup, what, asked);
  if (populated?.certain) return { certain: populated.certain, possible };
  possible.push(...(populated?.possible ?? []));
  const exclusive = what === 'cpus' ? 'cpuExclusive' : 'memExclusive';
  const isExclusive = cgroup[exclusive] === true;
  for (const sibling of parent ? world.children(hierarchy, parent.path) : []) {
    if ((!isExclusive && sibling[exclusive] !== true) || sibling.path === path) continue;
    if (sibling[what]?.intersect(asked).isEmpty === false) return { certain: refusal('EINVAL', reason('exclusive-sibling', { sibling: sibling.path })), possible };
  }
  if (isExclusive && parent?.childrenKnown === false) possible.push(refusal('EINVAL', reason('siblings-unknown', { path })));
  return { possible };
}

function vetV2(world: World, cgroup: CgroupState, what: What, asked: CpuSet): Verdict {
  if (world.kernel.emptiesCpusets === true) return { possible: [] };
  return vetEmpty(world, cgroup, what, asked) ?? { possible: [] };
}

/** Tasks, here or below, must keep some. */
function vetEmpty(world: World, cgroup: CgroupState, what: What, asked: CpuSet): Verdict | undefined {
  const { path } = cgroup;
  if (!asked.isEmpty || cgroup[what]?.isEmpty === true) return undefined;
  const populated = isPopulated(world, cgroup);
  if (populated === true) return { certain: refusal('ENOSPC', reason('not-empty', { path })), possible: [] };
  return { possible: populated === undefined ? [refusal('ENOSPC', reason('tasks-unknown', { path }))] : [] };
}

/** The cgroup has these sets now: what becomes effective in it and below, and what its tasks may run on. */
function setTo(world: World, cgroup: CgroupState, written: { readonly file: string; readonly value: string }): Prediction {
  const before = world;
  const { world: after, changed } = spread(world.with({ cgroups: [cgroup] }), cgroup.hierarchy, cgroup.path, written.file === 'cpuset.cpus');
  const effects = effectsOf(before, after, cgroup.hierarchy, [cgroup.path, ...changed], written);
  const own = after.cgroup(cgroup.hierarchy, cgroup.path)!;
  const beside = written.file === 'cpuset.cpus' && isPartition(cgroup) ? siblingPartitions(after, cgroup.hierarchy, cgroup.path) : [];
  const answer = confine(after, confinements(before, after, cgroup.hierarchy, [...changed, ...beside]), effects, whyEffective(own, written.file));
  return cgroup.version === 2 ? amongPartitions(before, cgroup, answer) : answer;
}

/** An invalid partition may become invalid for another reason; valid ones take CPUs from each other and from those above. */
function amongPartitions(world: World, { hierarchy, path }: CgroupState, answer: Prediction): Prediction {
  if (!world.hasPartitions(hierarchy)) return answer;
  const parent = parentOf(path) ?? '/';
  const around = [world.cgroup(hierarchy, parent), ...world.children(hierarchy, parent)].flatMap(one => one ?? []);
  for (const one of around) if (one.path !== parent) for (const child of world.children(hierarchy, one.path)) around.push(child);
  const invalid = around.filter(({ partition }) => partition?.includes('invalid') === true);
  const reasons = invalid.map((one): Effect => ({ ...valueEffect(one, 'cpuset.cpus.partition', one.partition!), open: true }));
  const isCertain = !around.some(({ partition }) => partition === 'root' || partition === 'isolated');
  if (isCertain) return { ...answer, outcomes: answer.outcomes.map(one => ({ ...one, effects: [...one.effects, ...reasons] })) };
  const open = { least: '', most: (world.model.topology.possible ?? CpuSet.empty).toString() };
  const outcomes = answer.outcomes.map(one => ({
    ...one,
    because: reason('partitions-around', { path }),
    effects: [...one.effects.map((effect): Effect => (effect.kind === 'type' ? effect : effect.kind === 'value' ? { ...effect, open: true } : { ...effect, open })), ...reasons],
  }));
  return { outcomes, after: answer.after };
}

function whyEffective(cgroup: CgroupState, file: string): ReturnType<typeof reason> | undefined {
  const [asked, effective] = file === 'cpuset.cpus' ? [cgroup.cpus, cgroup.cpusEffective] : [cgroup.mems, cgroup.memsEffective];
  if (cgroup.version === 1 || !asked || !effective || asked.equals(effective)) return undefined;
  if (asked.intersect(effective).isEmpty) return reason('inherits', { path: cgroup.path, effective: effective.toString() });
  return reason('parent-has-less', { value: asked.toString(), effective: effective.toString() });
}

/** What is different in the interface files of these cgroups. */
export function effectsOf(before: World, after: World, hierarchy: string, paths: readonly string[], written: { readonly file: string; readonly value: string } | undefined): Effect[] {
  return [...new Set(paths)].flatMap((path, i) => {
    const [old, now] = [before.cgroup(hierarchy, path), after.cgroup(hierarchy, path)];
    return old && now ? differences(old, now, i === 0 ? written : undefined) : [];
  });
}

/**
 * update_cpumasks_hier, update_nodemasks_hier: effective sets from here down. `changed`: where the tasks are given their CPUs
 * anew, because these are others, or where the cgroup is a partition, valid or not.
 */
export function spread(world: World, hierarchy: string, path: string, ofCpus: boolean): { readonly world: World; readonly changed: readonly string[] } {
  const cgroup = world.cgroup(hierarchy, path);
  if (!cgroup) return { world, changed: [] };
  const above = parentOf(path) === undefined ? undefined : cpusetOf(world, hierarchy, parentOf(path)!);
  const now = { ...cgroup, cpusEffective: effective(cgroup, 'cpus', above?.cpusEffective ?? above?.cpus), memsEffective: effective(cgroup, 'mems', above?.memsEffective ?? above?.mems) };
  const cpusDiffer = now.cpusEffective?.toString() !== cgroup.cpusEffective?.toString();
  const memsDiffer = now.memsEffective?.toString() !== cgroup.memsEffective?.toString();
  const isAnew = cpusDiffer || (ofCpus && isPartition(now));
  if (!isAnew && !memsDiffer) return { world, changed: [] };
  world = world.with({ cgroups: [now] });
  const changed = isAnew ? [path] : [];
  for (const child of world.children(hierarchy, path)) {
    if (child.cpusEffective === undefined) continue;
    const below = spread(world, hierarchy, child.path, ofCpus);
    world = below.world;
    changed.push(...below.changed);
  }
  return { world, changed };
}

/** update_sibling_cpumasks: partitions beside a changed one that have the CPUs of their parent, and so give them to their tasks anew. */
export function siblingPartitions(after: World, hierarchy: string, path: string): string[] {
  const parent = parentOf(path) ?? '/';
  const above = cpusetOf(after, hierarchy, parent);
  const offered = above && effectiveOf(above);
  return after.children(hierarchy, parent).flatMap(one => {
    const inherits = one.cpusEffective !== undefined && (!one.cpus || !offered || one.cpus.intersect(offered).isEmpty);
    return one.path !== path && inherits && isPartition(one) ? spread(after, hierarchy, one.path, true).changed : [];
  });
}

/** A valid one or an invalid one. */
function isPartition({ partition }: CgroupState): boolean {
  return partition !== undefined && partition !== 'member';
}

function effective(cgroup: CgroupState, what: What, above: CpuSet | undefined): CpuSet | undefined {
  const own = cgroup[what];
  if (cgroup.version === 1 || !own || !above) return own;
  const common = own.intersect(above);
  return common.isEmpty ? above : common;
}

/** Every known task whose cpuset is one of these. */
export function confinements(before: World, after: World, hierarchy: string, changed: readonly string[]): Confinement[] {
  if (changed.length === 0) return [];
  const queue = new Set(changed);
  const found: Confinement[] = [];
  for (const path of queue) {
    const cpuset = cpusetOf(after, hierarchy, path);
    const set = granted(after, cpuset);
    if (!set || set.isEmpty) continue;
    for (const child of after.children(hierarchy, path)) if (child.version === 2 && effectiveOf(child) === undefined ) queue.add(child.path);
    for (const task of after.tasksIn(hierarchy, path)) found.push({ task, set, from: granted(before, cpusetOf(before, hierarchy, path)) });
  }
  return found;
}
