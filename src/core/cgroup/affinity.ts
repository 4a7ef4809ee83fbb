import { CpuSet } from '../parse/cpuList';
import { taskFlags } from '../parse/taskStat';
import type { SetAffinity } from './action';
import { accepted, distinct, refused, unless } from './answers';
import { reason } from './because';
import { parseKernelList } from './kernelList';
import type { Because, Effect, Outcome, Prediction } from './outcome';
import { type CgroupState, type TaskState, type World, NO_MASK, pathAndAbove } from './world';

/** What a task can have: `least` ⊆ what it has ⊆ `most`, and at least one CPU. */
export interface Allowed {
  readonly likeliest: CpuSet;
  readonly least: CpuSet;
  readonly most: CpuSet;
}

/** The key of the hierarchy that has cpusets; `undefined` where there are none. */
export function cpusetHierarchy({ model: { controllers, hierarchies } }: Pick<World, 'model'>): string | undefined {
  const where = controllers.get('cpuset');
  if (where === undefined || where === 'none') return undefined;
  return hierarchies.find(({ version, controllers: own }) => (where === 'v2' ? version === 2 : version === 1 && own.includes('cpuset')))?.key;
}

/** The cpuset that a cgroup's tasks are in. v2: of the nearest above that has the controller. */
export function cpusetOf(world: World, hierarchy: string, path: string): CgroupState | undefined {
  for (const at of pathAndAbove(path)) {
    const cgroup = world.cgroup(hierarchy, at);
    if (cgroup?.version === 1 || cgroup?.cpusEffective) return cgroup;
  }
  return undefined;
}

/** What a cpuset lets its tasks run on. The top one: all possible CPUs, offline ones too, but those of partitions (cpuset.c, cpuset_attach_task). */
export function granted(world: World, cpuset: CgroupState | undefined): CpuSet | undefined {
  if (!cpuset) return world.model.topology.possible;
  const effective = effectiveOf(cpuset);
  if (cpuset.path !== '/') return effective;
  const { possible, online } = world.model.topology;
  return possible && online && effective ? without(possible, without(online, effective)) : possible;
}

/** What the cpuset that a task is in lets it run on. */
export function grantedTo(world: World, { places }: TaskState): CpuSet | undefined {
  const hierarchy = cpusetHierarchy(world);
  const place = hierarchy === undefined ? undefined : places.get(hierarchy);
  return granted(world, hierarchy === undefined || place === undefined ? undefined : cpusetOf(world, hierarchy, place));
}

export function effectiveOf(cpuset: CgroupState): CpuSet | undefined {
  return cpuset.cpusEffective ?? cpuset.cpus;
}

export function without(from: CpuSet, what: CpuSet): CpuSet {
  return what.isEmpty ? from : CpuSet.of(...[...from].filter(cpu => !what.has(cpu)));
}

/** What a task has once the kernel puts its affinity into a cpuset (set_cpus_allowed_ptr; kernel-rules §6). */
export function confined({ userMask: { within, cpus } }: TaskState, set: CpuSet, keeps: boolean): Allowed {
  if (!keeps) return exactly(set);
  const pinned = cpus === 'all' ? CpuSet.empty : cpus.intersect(set);
  const likeliest = pinned.isEmpty ? set : pinned;
  if (within === 'everywhere' || set.isSubsetOf(within) || set.size === 1) return exactly(likeliest);
  return { likeliest, least: pinned, most: set };
}

function exactly(cpus: CpuSet): Allowed {
  return { likeliest: cpus, least: cpus, most: cpus };
}

/** A cpuset that the kernel puts tasks into: each is given what it grants. */
export interface Confinement {
  readonly task: TaskState;
  readonly set: CpuSet;
  /** What the task's cpuset granted before. */
  readonly from: CpuSet | undefined;
  /** The kernel may as well leave this task alone. */
  readonly perhaps?: boolean;
}

/**
 * The tasks' new affinities: one outcome, or two where the kernel's name does not tell whether it keeps a pin.
 *
 * @param after the host without them
 */
export function confine(after: World, confinements: readonly Confinement[], before: readonly Effect[] = [], because?: Because): Prediction {
  const { keepsAffinity } = after.kernel;
  const variants = keepsAffinity === undefined ? [true, false] : [keepsAffinity];
  const outcomes: Outcome[] = [];
  let states: TaskState[] = [];
  for (const keeps of variants) {
    const effects: Effect[] = [];
    const untouched: Effect[] = [];
    const changed: TaskState[] = [];
    let why: Because | undefined;
    for (const { task, set, from, perhaps } of confinements) {
      const now = confined(task, set, keeps);
      const effect = effectOf(task, now);
      if (effect) effects.push(effect);
      if (effect && !perhaps) untouched.push(effect);
      if (effect) why ??= whyOf(task, from, set, now, keeps);
      changed.push({ ...task, allowed: possibilities(now), userMask: keeps ? task.userMask : NO_MASK });
    }
    outcomes.push({ errno: undefined, because: why ?? because, effects: [...before, ...effects] });
    if (untouched.length < effects.length) outcomes.push({ errno: undefined, because, effects: [...before, ...untouched] });
    states = states.length === 0 ? changed : states.map((state, i) => eitherOf(state, changed[i]!));
  }
  const all = distinct(outcomes);
  const isOpen = variants.length > 1 && all.length > 1;
  return { outcomes: isOpen ? all.map(one => ({ ...one, because: one.because && reason('kernel-unknown', { kernel: after.model.kernel }) })) : all, after: after.with({ tasks: states }) };
}

/** A state that both can be. */
function eitherOf(a: TaskState, b: TaskState): TaskState {
  if (!a.allowed || !b.allowed) return { ...a, allowed: undefined };
  const sets = [...a.allowed, ...b.allowed];
  return { ...a, allowed: sets.filter((set, i) => sets.findIndex(other => other.equals(set)) === i) };
}

/** So many CPUs may be open for all the sets to be named. */
const MOST_OPEN = 4;

/** All that it can be, the likeliest first; `undefined` where those are too many. */
function possibilities({ likeliest, least, most }: Allowed): CpuSet[] | undefined {
  const open = [...without(most, least)];
  if (open.length > MOST_OPEN) return undefined;
  const sets = Array.from({ length: 2 ** open.length }, (_, bits) => CpuSet.of(...least, ...open.filter((_cpu, i) => (bits & (1 << i)) !== 0)));
  return [likeliest, ...sets.filter(set => !set.isEmpty && !set.equals(likeliest))];
}

/** `undefined`: nothing new can be read. */
function effectOf({ tid, allowed }: TaskState, { likeliest, least, most }: Allowed): Effect | undefined {
  if (!least.equals(most)) return { kind: 'allowed', tid, cpus: likeliest.toString(), open: { least: least.toString(), most: most.toString() } };
  if (allowed?.length === 1 && allowed[0]!.equals(likeliest)) return undefined;
  return { kind: 'allowed', tid, cpus: likeliest.toString() };
}

function whyOf(task: TaskState, from: CpuSet | undefined, set: CpuSet, { likeliest, least, most }: Allowed, keeps: boolean): Because {
  const { tid, allowed, userMask } = task;
  const before = allowed?.[0];
  const details = { tid, before: before?.toString() ?? '', after: likeliest.toString() };
  const isPinned = userMask.cpus !== 'all';
  if (!least.equals(most)) return reason('pin-returns', details);
  if (!keeps) return reason(before && from?.intersect(before).equals(from) === true ? 'follows-cpuset' : 'pin-forgotten', details);
  if (!isPinned) return reason('follows-cpuset', details);
  if (likeliest.equals(set)) return reason(userMask.cpus.intersect(set).isEmpty ? 'pin-suspended' : 'pin-narrowed', details);
  return reason(before?.isSubsetOf(likeliest) === true ? 'pin-returns' : 'pin-narrowed', details);
}

/** sched_setaffinity(2): kernel/sched/syscalls.c, __sched_setaffinity. */
export function predictAffinity(world: World, { task: { tid, comm }, cpus }: SetAffinity): Prediction {
  const task = world.task(tid);
  const asked = parseKernelList(cpus, Number.MAX_SAFE_INTEGER);
  if (!(asked instanceof CpuSet)) return refused(world, 'EINVAL', reason('bad-value', { file: 'sched_setaffinity', value: cpus }));
  if (!task) return unless(accepted(world), { errno: 'ESRCH', because: reason('task-unknown', { tid }), effects: [] });
  if ((task.flags & taskFlags.noSetAffinity) !== 0) return refused(world, 'EINVAL', reason('task-immovable', { tid, comm }));
  const set = grantedTo(world, task);
  const { online, possible } = world.model.topology;
  if (!set || !online) return unless(accepted(world.with({ tasks: [{ ...task, allowed: undefined }] })), { errno: 'EINVAL', because: reason('outside-cpuset', { cpus, cpuset: '' }), effects: [] });
  if (asked.isEmpty) return refused(world, 'EINVAL', reason('no-cpu-named', {}));
  const now = asked.intersect(set);
  if (now.intersect(online).isEmpty) return refused(world, 'EINVAL', reason('outside-cpuset', { cpus, cpuset: set.toString() }));
  const mask = possible ? asked.intersect(possible) : asked;
  const userMask = world.kernel.keepsAffinity === false ? NO_MASK : ({ within: 'everywhere', cpus: possible?.isSubsetOf(mask) === true ? 'all' : mask } as const);
  const effect = effectOf(task, exactly(now));
  const because = mask.isSubsetOf(set) ? undefined : reason('trimmed-to-cpuset', { cpus, granted: now.toString() });
  return accepted(world.with({ tasks: [{ ...task, allowed: [now], userMask }] }), effect ? [effect] : [], because);
}
