import type { Action, CgroupRef, MoveTask, SetAffinity, TaskRef, WriteValue } from '../cgroup/action';
import { grantedTo } from '../cgroup/affinity';
import { backendOf } from '../cgroup/backend';
import { textOf } from '../cgroup/files';
import type { Effect, Prediction } from '../cgroup/outcome';
import { predict } from '../cgroup/predict';
import type { World } from '../cgroup/world';
import type { CpuSet } from '../parse/cpuList';
import { reason } from './context';
import type { Undo } from './plan';
import { cgroupRef, hierarchyOf } from './refs';

const EXACT: Undo = { kind: 'exact', because: undefined, actions: [] };

/**
 * The way back of one action, and how good it is: tried out in the same world that predicts. What a way back leaves
 * otherwise than it was (a pin that the kernel forgot on the way) is put right by further actions.
 *
 * @param before the world without the action, `after` the world with it
 * @param withIts its cgroup was made by the same plan: what is written in it goes with it
 */
export function undoOf(action: Action, before: World, { outcomes, after }: Prediction, former: string | undefined, withIts: boolean): Undo {
  switch (action.kind) {
    case 'move':
      return undoMove(action, before, after);
    case 'affinity':
      return pinAgain(before, action.task.tid, action.task);
    case 'scheduling': {
      const task = before.task(action.task.tid);
      if (!task) return irreversible('task-unknown');
      const { policy, rtPriority: priority, nice } = task;
      if (policy === 'deadline' || policy === 'ext' || policy === 'iso' || policy === 'unknown') return irreversible('policy-not-restored', { policy });
      // A policy without a nice value keeps the one that is there: it is set before.
      const niceFirst: Action[] = policy === 'other' || policy === 'batch' || nice === action.nice ? [] : [{ ...action, policy: 'other', priority: 0, nice }];
      return { ...EXACT, actions: [...niceFirst, { ...action, policy, priority, nice }] };
    }
    case 'make':
      return { ...EXACT, actions: [{ kind: 'remove', cgroup: action.cgroup }] };
    case 'remove':
      return undoRemove(action.cgroup, before);
    case 'write':
      return withIts ? EXACT : undoWrite(action, before, after, outcomes[0]?.effects ?? [], former);
    case 'tool':
      return irreversible('tool-not-undone');
  }
}

function irreversible(id: string, details: Readonly<Record<string, string | number>> = {}): Undo {
  return { kind: 'irreversible', because: reason(id, details), actions: [] };
}

function undoMove(action: MoveTask, before: World, after: World): Undo {
  const from = cgroupRef(before.model, action.to.hierarchy, action.from);
  if (!from) return irreversible('source-unreachable', { path: action.from });
  const back: MoveTask = { ...action, from: action.to.path, to: from };
  if (action.file === 'cgroup.procs') return undoProcess(back, before, after);
  const prediction = predict(after, back);
  if (prediction.outcomes.every(outcome => outcome.errno !== undefined)) return { kind: 'irreversible', because: prediction.outcomes[0]!.because, actions: [] };
  return withPins([back], [action.task.tid], before, prediction.after);
}

/** Each thread to where it was: one by one where the kernel lets them go alone, or else together to one place and on from there. */
function undoProcess(together: MoveTask, before: World, after: World): Undo {
  const { hierarchy, path: gathered } = together.to;
  const threads = before.process(together.task.pid);
  const file = backendOf(hierarchyOf(before.model, hierarchy)!).threadFile;
  const away = (from: string): MoveTask[] | undefined => {
    const moves: MoveTask[] = [];
    for (const { tid, pid, startTime, comm, places } of threads) {
      const path = places.get(hierarchy);
      const to = path === undefined ? undefined : cgroupRef(before.model, hierarchy, path);
      if (!to) return undefined;
      if (path !== from) moves.push({ kind: 'move', task: { tid, pid, startTime, comm }, from, to, file });
    }
    return moves;
  };
  for (const actions of [away(together.from), [together, ...(away(gathered) ?? [])]]) {
    let world = after;
    const isAccepted = actions?.every(one => {
      const { outcomes, after: next } = predict(world, one);
      world = next;
      return outcomes.some(outcome => outcome.errno === undefined);
    });
    const isBack = threads.every(({ tid, places }) => world.task(tid)?.places.get(hierarchy) === places.get(hierarchy));
    if (actions && isAccepted && isBack) return withPins(actions, threads.map(({ tid }) => tid), before, world);
  }
  const { outcomes, after: world } = predict(after, together);
  if (outcomes.every(outcome => outcome.errno !== undefined)) return { kind: 'irreversible', because: outcomes[0]!.because, actions: [] };
  return { ...withPins([together], threads.map(({ tid }) => tid), before, world), kind: 'best effort', because: reason('threads-gathered', { path: gathered }) };
}

function undoWrite(action: WriteValue, before: World, after: World, effects: readonly Effect[], former: string | undefined): Undo {
  if (action.file === 'cgroup.type') return irreversible('type-one-way', { path: action.cgroup.path });
  if (action.file === 'cgroup.subtree_control') {
    const back = action.value.replace(/[+-]/g, sign => (sign === '+' ? '-' : '+'));
    return { ...EXACT, actions: [{ ...action, value: back }] };
  }
  if (former === undefined) return irreversible('value-not-read', { file: action.file });
  const back: WriteValue = { ...action, value: former };
  const prediction = predict(after, back);
  if (prediction.outcomes.every(outcome => outcome.errno !== undefined)) return { kind: 'irreversible', because: prediction.outcomes[0]!.because, actions: [] };
  const beside = besides(action, effects, before, prediction.after);
  const world = beside.reduce((at, one) => predict(at, one).after, prediction.after);
  return withPins([back, ...beside], effects.flatMap(effect => (effect.kind === 'allowed' ? [effect.tid] : [])), before, world);
}

/** What the kernel wrote elsewhere with it and does not take back: the weight, which cpu.idle sets to the usual one. */
function besides({ cgroup, file: own }: WriteValue, effects: readonly Effect[], before: World, after: World): Action[] {
  const files = [...new Set(effects.flatMap(effect => (effect.kind === 'value' && effect.path === cgroup.path && effect.file !== own && VALUES.includes(effect.file) ? [effect.file] : [])))];
  return files.flatMap((file): Action[] => {
    const [was, is] = [before, after].map(world => world.cgroup(cgroup.hierarchy, cgroup.path)).map(one => one && textOf(one, file));
    return was === undefined || was === is ? [] : [{ kind: 'write', cgroup, file, value: was }];
  });
}

/** Pins again what has lost its pin on the way there and back. */
function withPins(actions: readonly Action[], tids: readonly number[], before: World, after: World): Undo {
  let undo: Undo = { ...EXACT, actions };
  for (const tid of tids) {
    const [was, is, task] = [before.task(tid)?.allowed, after.task(tid)?.allowed, before.task(tid)];
    if (!task || sameSets(was, is)) continue;
    const pin = pinAgain(before, tid, named(actions[0], tid) ?? task);
    undo = { kind: pin.kind === 'exact' ? undo.kind : pin.kind, because: undo.because ?? pin.because, actions: [...undo.actions, ...pin.actions] };
  }
  return undo;
}

/** With the role that the action knows. */
function named(action: Action | undefined, tid: number): TaskRef | undefined {
  return action && 'task' in action && action.task.tid === tid ? action.task : undefined;
}

/** One set each, and the same. */
function sameSets(a: readonly CpuSet[] | undefined, b: readonly CpuSet[] | undefined): boolean {
  return a !== undefined && b !== undefined && a.length === 1 && b.length === 1 && a[0]!.equals(b[0]!);
}

/**
 * As it may run now. A thread that may run on all that its cpuset grants was not pinned: it goes back to all CPUs, or
 * it would stay where it is when its cpuset grows.
 */
function pinAgain(world: World, tid: number, { pid, startTime, comm, role }: TaskRef): Undo {
  const task = world.task(tid);
  const allowed = task?.allowed?.[0];
  if (!task || !allowed) return irreversible('affinity-unknown', { tid });
  const { online, possible } = world.model.topology;
  const granted = grantedTo(world, task);
  const pinned = granted !== undefined && !within(allowed, online).equals(within(granted, online));
  const cpus = pinned ? allowed : (possible ?? online ?? allowed);
  const pin: SetAffinity = { kind: 'affinity', task: { tid, pid, startTime, comm, ...(role === undefined ? {} : { role }) }, cpus: cpus.toString() };
  // What of a mask is outside the cpuset the kernel keeps to itself (user_cpus_ptr): it may have been wider than is seen.
  const seen = task.userMask.within;
  const hidden = pinned && seen !== 'everywhere' && online !== undefined && !online.isSubsetOf(seen);
  return hidden || (task.allowed?.length ?? 0) > 1 ? { kind: 'best effort', because: reason('mask-beyond-cpuset', { cpus: cpus.toString(), granted: granted?.toString() ?? '?' }), actions: [pin] } : { ...EXACT, actions: [pin] };
}

function within(cpus: CpuSet, online: CpuSet | undefined): CpuSet {
  return online ? cpus.intersect(online) : cpus;
}

/** In an order in which a new cgroup takes them. */
const VALUES = ['cgroup.type', 'cpuset.mems', 'cpuset.cpus', 'cpu.cfs_period_us', 'cpu.cfs_quota_us', 'cpu.max', 'cpu.shares', 'cpu.weight', 'cpu.rt_runtime_us', 'pids.max'];

/** Made anew, with the values that are known of it. */
function undoRemove(cgroup: CgroupRef, before: World): Undo {
  const state = before.cgroup(cgroup.hierarchy, cgroup.path);
  const writes = VALUES.flatMap((file): Action[] => {
    const value = state && textOf(state, file);
    return value === undefined || value === '' || DEFAULTS.has(value) ? [] : [{ kind: 'write', cgroup, file, value }];
  });
  return { kind: 'best effort', because: reason('values-anew', { path: cgroup.path }), actions: [{ kind: 'make', cgroup }, ...writes] };
}

/** A type that nobody writes, and what a new cgroup has by itself. */
const DEFAULTS = new Set<string>(['domain', 'domain threaded', 'domain invalid', 'max', '-1', 'max 100000']);
