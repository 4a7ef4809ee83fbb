import type { Action, WriteValue } from '../cgroup/action';
import { textOf } from '../cgroup/files';
import type { World } from '../cgroup/world';
import { type Steps, atOnce } from '../model/pace';
import type { Placed } from './ordering';
import type { Precondition, Step } from './plan';
import { undoOf } from './planUndo';
import { fileKey, hierarchyOf, refKey } from './refs';

/**
 * @param known what interface files read before, where the model does not have it
 * @param machine of libvirt: its jobs are looked for before anything is written
 */
export function* makingSteps(placed: readonly Placed[], known: ReadonlyMap<string, string>, machine: string | undefined): Steps<Step[]> {
  const made = new Set<string>();
  const written = new Map(known);
  const steps: Step[] = [];
  for (const [i, { action, before, prediction }] of placed.entries()) {
    yield;
    const inMade = action.kind === 'write' && made.has(refKey(action.cgroup));
    const former = formerOf(action, before, written);
    if (action.kind === 'make') made.add(refKey(action.cgroup));
    if (action.kind === 'write') written.set(fileKey(action.cgroup, action.file), readsAs(action, prediction.outcomes));
    const first: Precondition[] = i === 0 && machine !== undefined ? [{ kind: 'idle', machine }] : [];
    steps.push({
      action,
      preconditions: [...first, ...preconditionsOf(action, before, inMade ? undefined : former)],
      outcomes: prediction.outcomes,
      before: former,
      undo: undoOf(action, before, prediction, former, inMade),
    });
  }
  return steps;
}

/** {@link makingSteps}, at once. */
export function stepsOf(placed: readonly Placed[], known: ReadonlyMap<string, string>, machine: string | undefined): Step[] {
  return atOnce(makingSteps(placed, known, machine));
}

/** The kernel clamps some values, and spells some in its own way. */
export function readsAs({ cgroup, file, value }: WriteValue, outcomes: Step['outcomes']): string {
  for (const { effects } of outcomes) for (const effect of effects) if (effect.kind === 'value' && effect.hierarchy === cgroup.hierarchy && effect.path === cgroup.path && effect.file === file) return effect.value;
  return value;
}

function formerOf(action: Action, before: World, written: ReadonlyMap<string, string>): string | undefined {
  switch (action.kind) {
    case 'move':
      return action.from;
    case 'affinity':
      return before.task(action.task.tid)?.allowed?.map(String).join(' or ');
    case 'scheduling': {
      const task = before.task(action.task.tid);
      return task && `${task.policy} ${task.rtPriority} nice ${task.nice}`;
    }
    case 'write': {
      const cgroup = hierarchyOf(before.model, action.cgroup.hierarchy)?.cgroups.get(action.cgroup.path);
      return written.get(fileKey(action.cgroup, action.file)) ?? (cgroup && textOf(cgroup, action.file));
    }
    default:
      return undefined;
  }
}

function preconditionsOf(action: Action, before: World, former: string | undefined): Precondition[] {
  switch (action.kind) {
    case 'move':
      return [{ kind: 'alive', task: action.task }, { kind: 'place', task: action.task, hierarchy: action.to.hierarchy, path: action.from }];
    case 'affinity': {
      const allowed = before.task(action.task.tid)?.allowed;
      const cpuset = [...(before.task(action.task.tid)?.places ?? [])].filter(([key]) => hierarchyOf(before.model, key)?.controllers.includes('cpuset'));
      return [
        { kind: 'alive', task: action.task },
        ...cpuset.map(([hierarchy, path]): Precondition => ({ kind: 'place', task: action.task, hierarchy, path })),
        ...(allowed ? [{ kind: 'allowed', task: action.task, cpus: allowed.map(String) } as const] : []),
      ];
    }
    case 'scheduling': {
      const task = before.task(action.task.tid);
      return [{ kind: 'alive', task: action.task }, ...(task ? [{ kind: 'scheduling', task: action.task, policy: task.policy, priority: task.rtPriority, nice: task.nice } as const] : [])];
    }
    case 'make':
      return [{ kind: 'absent', cgroup: action.cgroup }];
    case 'remove':
      return [{ kind: 'exists', cgroup: action.cgroup }];
    case 'write':
      return former === undefined || action.file === 'cgroup.subtree_control' ? [{ kind: 'exists', cgroup: action.cgroup }] : [{ kind: 'value', cgroup: action.cgroup, file: action.file, value: former }];
    case 'tool':
      return [];
  }
}
