import type { Action } from '../cgroup/action';
import { textOf } from '../cgroup/files';
import type { Effect } from '../cgroup/outcome';
import type { HostModel, Thread } from '../model/hostModel';
import type { Plan, Step } from '../plan/plan';
import { findThread, hierarchyOf } from '../plan/refs';
import type { StepResult } from '../plan/applied';

/**
 * What was done of a plan whose answer broke off, by a later model of the host. Steps are done in order and stop at the
 * first that is not done: whatever shows the trace of a step tells of all before it. Who left the trace no model knows.
 *
 * @param known what was heard before it broke off
 */
export function whatWasDone(plan: Plan, model: HostModel, known: readonly StepResult[] = []): StepResult[] {
  const seen = plan.steps.map((step, i) => unlessOthers(look(step, model), step.action, plan.steps.slice(0, i), plan.steps.slice(i + 1)));
  const last = Math.max(seen.findLastIndex(({ trace }) => trace === 'after'), known.findLastIndex(({ state }) => state === 'done'));
  const stopped = known.findIndex(({ state }) => state === 'refused' || state === 'changed meanwhile');
  return seen.map(({ trace, found }, i) => {
    const heard = known[i];
    if (heard && heard.state !== 'unknown') return heard;
    const state = i <= last ? 'done' : (stopped >= 0 && i > stopped) || trace === 'before' ? 'not done' : 'unknown';
    return { state, errno: undefined, found, said: undefined };
  });
}

interface Seen {
  /** `undefined`: it cannot be told, or it looks the same before and after. */
  readonly trace: 'before' | 'after' | undefined;
  readonly found: string | undefined;
}

const NOTHING: Seen = { trace: undefined, found: undefined };

/** What another step changes too may be its doing, or as it was before: only where it is neither is it this one's. */
function unlessOthers(seen: Seen, action: Action, earlier: readonly Step[], later: readonly Step[]): Seen {
  if (earlier.some(step => touches(action, step.action) && step.before === seen.found)) return NOTHING;
  const others = later.map(step => step.action).filter(other => touches(other, action));
  const isItsOwn = seen.trace === 'after' && others.every(other => other.kind === action.kind && aim(other) !== aim(action));
  return others.length === 0 || isItsOwn ? seen : NOTHING;
}

function aim(action: Action): string {
  switch (action.kind) {
    case 'move':
      return action.to.path;
    case 'affinity':
      return action.cpus;
    case 'write':
      return action.value;
    default:
      return '';
  }
}

function look({ action, outcomes, before }: Step, model: HostModel): Seen {
  const effects = outcomes.flatMap(outcome => outcome.effects);
  switch (action.kind) {
    case 'move': {
      const found = threadOf(model, action.task)?.membership.places.get(action.to.hierarchy)?.path;
      return compare(found, [action.from], [action.to.path]);
    }
    case 'affinity': {
      const allowed = effects.flatMap((effect: Effect) => (effect.kind === 'allowed' && effect.tid === action.task.tid ? [effect.cpus] : []));
      return compare(threadOf(model, action.task)?.cpusAllowed?.toString(), before?.split(' or ') ?? [], allowed.length > 0 ? allowed : [action.cpus]);
    }
    case 'scheduling': {
      const thread = threadOf(model, action.task);
      return compare(thread && `${thread.policy} ${thread.rtPriority} nice ${thread.nice}`, before === undefined ? [] : [before], [`${action.policy} ${action.priority} nice ${action.nice}`]);
    }
    case 'write': {
      const cgroup = hierarchyOf(model, action.cgroup.hierarchy)?.cgroups.get(action.cgroup.path);
      const values = effects.flatMap((effect: Effect) => (effect.kind === 'value' && effect.path === action.cgroup.path && effect.file === action.file ? [effect.value] : []));
      return compare(cgroup && textOf(cgroup, action.file), before === undefined ? [] : [before], values.length > 0 ? values : [action.value]);
    }
    case 'make':
    case 'remove': {
      const cgroups = hierarchyOf(model, action.cgroup.hierarchy)?.cgroups;
      // One without tasks may be there and not have been read; one that was read is there.
      return cgroups?.has(action.cgroup.path) ? { trace: action.kind === 'make' ? 'after' : 'before', found: action.cgroup.path } : NOTHING;
    }
    case 'tool':
      return NOTHING;
  }
}

function compare(found: string | undefined, before: readonly string[], after: readonly string[]): Seen {
  if (found === undefined) return NOTHING;
  const [was, is] = [before.includes(found), after.includes(found)];
  return { trace: was === is ? undefined : is ? 'after' : 'before', found };
}

function threadOf(model: HostModel, { tid, startTime }: { readonly tid: number; readonly startTime: number }): Thread | undefined {
  return findThread(model, `${tid}:${startTime}`)?.thread;
}

/** Whether both change the same thing. */
function touches(one: Action, other: Action): boolean {
  if (one.kind === 'move' && other.kind === 'move') return one.to.hierarchy === other.to.hierarchy && (one.task.tid === other.task.tid || (one.file === 'cgroup.procs' && one.task.pid === other.task.pid));
  if (one.kind === 'affinity' && other.kind === 'affinity') return one.task.tid === other.task.tid;
  if (one.kind === 'move' && other.kind === 'affinity') return one.task.pid === other.task.pid; // a cpuset narrows
  if (one.kind === 'scheduling' && other.kind === 'scheduling') return one.task.tid === other.task.tid;
  if (!('cgroup' in one) || !('cgroup' in other)) return false;
  const same = one.cgroup.hierarchy === other.cgroup.hierarchy && one.cgroup.path === other.cgroup.path;
  if (one.kind === 'write') return same && other.kind === 'write' && one.file === other.file; // what is made is there still when it is written to
  return same;
}
