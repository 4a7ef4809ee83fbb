import type { Action } from '../../src/core/cgroup/action';
import { textsOf } from '../../src/core/cgroup/files';
import type { Effect, Outcome, Prediction, WriteErrno } from '../../src/core/cgroup/outcome';
import { type CgroupState, type TaskState, type World } from '../../src/core/cgroup/world';
import { CpuSet, parseCpuList } from '../../src/core/parse/cpuList';

/** Everything that can be read of a world and that an action of ours may change, line by line. */
export function observe(world: World): Map<string, string> {
  const seen = new Map<string, string>();
  for (const task of tasksOf(world)) {
    seen.set(`task ${task.tid} allowed`, task.allowed?.[0]?.toString() ?? '');
    seen.set(`task ${task.tid} policy`, `${task.policy} ${task.rtPriority} ${task.nice}`);
    for (const [hierarchy, path] of task.places) seen.set(`task ${task.tid} place ${hierarchy}`, path);
  }
  for (const cgroup of cgroupsOf(world)) {
    const name = `cgroup ${cgroup.hierarchy} ${cgroup.path}`;
    seen.set(name, 'there');
    if (cgroup.type !== undefined) seen.set(`${name} cgroup.type`, cgroup.type);
    for (const [file, text] of Object.entries(textsOf(cgroup))) if (text !== undefined) seen.set(`${name} ${file}`, text);
  }
  return seen;
}

function tasksOf(world: World): TaskState[] {
  return world.model.machines.flatMap(({ threads }) => threads).flatMap(({ tid }) => world.task(tid) ?? []);
}

function cgroupsOf(world: World): CgroupState[] {
  return world.model.hierarchies.flatMap(({ key, cgroups }) => [...cgroups.keys()].flatMap(path => world.cgroup(key, path) ?? []));
}

/** What was predicted and is not so; empty if one of the outcomes is what happened, in everything. */
export function disagreements(before: World, action: Action, prediction: Prediction, errno: WriteErrno | undefined, now: World): string[] {
  const candidates = prediction.outcomes.filter(outcome => outcome.errno === errno);
  if (candidates.length === 0) return [`answer ${errno ?? 'accepted'}, predicted ${prediction.outcomes.map(outcome => outcome.errno ?? 'accepted').join(' or ')}`];
  const all = candidates.map(outcome => compare(before, action, outcome, prediction, now));
  return all.reduce((best, one) => (one.length < best.length ? one : best));
}

function compare(before: World, action: Action, outcome: Outcome, { after }: Prediction, now: World): string[] {
  const [old, seen, expected] = [observe(before), observe(now), observe(after)];
  const wrong: string[] = [];
  const explained = new Set<string>();
  for (const effect of outcome.effects) {
    const key = keyOf(effect);
    explained.add(key);
    if (!holds(effect, seen.get(key))) wrong.push(`${key}: predicted ${JSON.stringify(effect)}, reads ${seen.get(key)}`);
  }
  if (outcome.errno === undefined) for (const key of direct(action, before)) explained.add(key);
  const made = action.kind === 'make' && outcome.errno === undefined ? `cgroup ${action.cgroup.hierarchy} ${action.cgroup.path}` : undefined;
  const removed = action.kind === 'remove' && outcome.errno === undefined ? `cgroup ${action.cgroup.hierarchy} ${action.cgroup.path}` : undefined;
  const isOf = (key: string, name: string | undefined): boolean => name !== undefined && (key === name || key.startsWith(`${name} `));
  for (const key of new Set([...old.keys(), ...seen.keys()])) {
    if (old.get(key) === seen.get(key) || explained.has(key) || isOf(key, made) || isOf(key, removed)) continue;
    if (!seen.has(key) && !expected.has(key)) continue; // its controller is gone
    wrong.push(`${key}: was ${old.get(key)}, now ${seen.get(key)}, not predicted`);
  }
  // The host that the next step of a plan would be predicted from.
  if (outcome.errno !== undefined) return wrong;
  for (const [key, text] of expected) {
    if (key.endsWith(' allowed') || seen.get(key) === text) continue; // see the effects
    if (seen.has(key) || key.startsWith('task ') || !key.includes('.')) wrong.push(`${key}: ${text} in the world after, reads ${seen.get(key)}`);
  }
  for (const cgroup of cgroupsOf(now)) {
    const predicted = after.cgroup(cgroup.hierarchy, cgroup.path);
    if (!predicted) wrong.push(`cgroup ${cgroup.hierarchy} ${cgroup.path}: not in the world after`);
    else if (predicted.populated !== undefined && cgroup.populated !== undefined && predicted.populated !== cgroup.populated) wrong.push(`cgroup ${cgroup.path} populated: ${predicted.populated} in the world after`);
  }
  for (const task of tasksOf(now)) {
    const allowed = after.task(task.tid)?.allowed;
    if (allowed?.length === 1 && task.allowed && !allowed[0]!.equals(task.allowed[0]!)) wrong.push(`task ${task.tid} allowed: ${allowed[0]!} in the world after, reads ${task.allowed[0]!}`);
  }
  return wrong;
}

function keyOf(effect: Effect): string {
  if (effect.kind === 'allowed') return `task ${effect.tid} allowed`;
  return `cgroup ${effect.hierarchy} ${effect.path} ${effect.kind === 'type' ? 'cgroup.type' : effect.file}`;
}

function holds(effect: Effect, seen: string | undefined): boolean {
  if (effect.kind === 'type') return effect.type === seen;
  if (effect.kind === 'value') return effect.value === seen;
  if (!effect.open) return effect.cpus === seen;
  const [least, most, now] = [effect.open.least, effect.open.most, seen ?? ''].map(text => parseCpuList(text) ?? CpuSet.empty) as [CpuSet, CpuSet, CpuSet];
  return !now.isEmpty && least.isSubsetOf(now) && now.isSubsetOf(most);
}

/** What the action itself is for: it is no effect. */
function direct(action: Action, before: World): string[] {
  switch (action.kind) {
    case 'move': {
      const tasks = action.file === 'cgroup.procs' ? before.process(action.task.pid) : [before.task(action.task.tid)];
      return tasks.map(task => `task ${task?.tid} place ${action.to.hierarchy}`);
    }
    case 'affinity':
      return [];
    case 'scheduling':
      return [`task ${action.task.tid} policy`];
    case 'write':
      return [`cgroup ${action.cgroup.hierarchy} ${action.cgroup.path} ${action.file}`];
    default:
      return [];
  }
}

/** How much a prediction leaves open: its outcomes, and for each affinity that is open in one how many more it can be. */
export function sizeOf({ outcomes }: Prediction): number {
  return outcomes.reduce((sum, { effects }) => sum + 1 + effects.reduce((more, effect) => more + open(effect), 0), 0);
}

function open(effect: Effect): number {
  if (effect.kind !== 'allowed' || !effect.open) return 0;
  const [least, most] = [parseCpuList(effect.open.least)!, parseCpuList(effect.open.most)!];
  return 2 ** (most.size - least.size) - (least.isEmpty ? 1 : 0) - 1;
}
