import type { Plan } from '../plan/plan';
import { WRITE_ERRNOS } from '../cgroup/outcome';
import { ruleOfFile } from '../plan/values';
import type { Applied, StepResult } from '../plan/applied';

/**
 * A line of a host's history. A plan is written down before it is set going and again when it has ended, so that one of
 * which nobody heard the end is known too. Nothing in the file is ever changed: it is the audit as well.
 */
export type HistoryEvent =
  /** `undoes`: the id of the plan that this one takes back. */
  | { readonly v: 1; readonly at: number; readonly id: string; readonly event: 'started'; readonly plan: Plan; readonly undoes?: string }
  | { readonly v: 1; readonly at: number; readonly id: string; readonly event: 'ended'; readonly applied: Applied };

/** What became of one plan. */
export interface HistoryEntry {
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly plan: Plan;
  /** `undefined`: the window that set it going never heard its end. What came last counts: it may be found out later. */
  readonly applied: Applied | undefined;
  readonly undoes: string | undefined;
  /** The plan that took it back, to its last step. */
  readonly undoneBy: string | undefined;
}

export interface History {
  /** In the order in which they were begun. */
  readonly entries: readonly HistoryEntry[];
  /** Lines that are no event: torn, of a newer version, or somebody else's. */
  readonly foreign: number;
}

/** One line, with the newlines at both its ends: what was torn before it does not take it along. */
export function printEntry(event: HistoryEvent): string {
  return `\n${JSON.stringify(event)}\n`;
}

export function parseHistory(text: string): History {
  const entries = new Map<string, HistoryEntry>();
  let foreign = 0;
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue;
    const event = parseEvent(line);
    const known = event && entries.get(event.id);
    if (event?.event === 'started' && !known) entries.set(event.id, { id: event.id, startedAt: event.at, plan: event.plan, applied: undefined, undoes: event.undoes, undoneBy: undefined });
    else if (event?.event === 'ended' && known) entries.set(event.id, { ...known, applied: event.applied });
    else foreign++;
  }
  const undone = new Map([...entries.values()].flatMap(({ id, undoes, applied }) => (undoes !== undefined && applied?.steps.every(({ state }) => state === 'done') ? [[undoes, id] as const] : [])));
  return { entries: [...entries.values()].map(entry => ({ ...entry, undoneBy: undone.get(entry.id) })), foreign };
}

function parseEvent(line: string): HistoryEvent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!isRecord(value) || value['v'] !== 1 || typeof value['id'] !== 'string' || typeof value['at'] !== 'number') return undefined;
  const { v, at, id } = value as { v: 1; at: number; id: string };
  switch (value['event']) {
    case 'started':
      return isPlan(value['plan']) ? { v, at, id, event: 'started', plan: value['plan'], ...(typeof value['undoes'] === 'string' ? { undoes: value['undoes'] } : {}) } : undefined;
    case 'ended':
      return isApplied(value['applied']) ? { v, at, id, event: 'ended', applied: value['applied'] } : undefined;
    default:
      return undefined;
  }
}

/** As far as a plan has to hold for it to be shown and undone: only we write the file, but anybody could have touched it. */
function isPlan(value: unknown): value is Plan {
  return (
    isRecord(value) && ['title', 'hostId', 'hostLabel'].every(name => typeof value[name] === 'string') && typeof value['readAt'] === 'number' &&
    Array.isArray(value['warnings']) && isRecord(value['consent']) && Array.isArray(value['steps']) && value['steps'].every(isStep)
  );
}

function isStep(value: unknown): boolean {
  return (
    isRecord(value) && isAction(value['action']) && Array.isArray(value['preconditions']) && value['preconditions'].every(isRecord) && Array.isArray(value['outcomes']) &&
    isRecord(value['undo']) && Array.isArray(value['undo']['actions']) && value['undo']['actions'].every(isAction)
  );
}

function isAction(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const has = (name: 'task' | 'cgroup' | 'to'): boolean => {
    const part = value[name];
    return isRecord(part) && (name === 'task' ? ['tid', 'pid', 'startTime'].every(n => Number.isSafeInteger(part[n])) : ['hierarchy', 'path', 'directory'].every(n => typeof part[n] === 'string'));
  };
  switch (value['kind']) {
    case 'move':
      return has('task') && has('to') && ['tasks', 'cgroup.threads', 'cgroup.procs'].includes(String(value['file']));
    case 'affinity':
      return has('task') && typeof value['cpus'] === 'string';
    case 'scheduling':
      return has('task') && typeof value['policy'] === 'string' && typeof value['priority'] === 'number' && typeof value['nice'] === 'number';
    case 'make':
    case 'remove':
      return has('cgroup');
    case 'write':
      return has('cgroup') && isPlanned(value['file']) && typeof value['value'] === 'string';
    case 'tool':
      return Array.isArray(value['argv']) && value['argv'].every(word => typeof word === 'string');
    default:
      return false;
  }
}

/** No plan of ours writes any other: an undo may not, whoever wrote the line. */
function isPlanned(file: unknown): boolean {
  return typeof file === 'string' && (ruleOfFile(file) !== 'never' || file === 'cgroup.type' || file === 'cgroup.subtree_control');
}

const STATES: readonly unknown[] = ['done', 'refused', 'changed meanwhile', 'not done', 'unknown'] satisfies StepResult['state'][];

function isApplied(value: unknown): value is Applied {
  return (
    isRecord(value) && typeof value['complete'] === 'boolean' && Array.isArray(value['remarks']) && value['remarks'].every(remark => typeof remark === 'string') && Array.isArray(value['steps']) &&
    value['steps'].every(step => isRecord(step) && STATES.includes(step['state']) && (step['errno'] === undefined || (WRITE_ERRNOS as readonly unknown[]).includes(step['errno'])))
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
