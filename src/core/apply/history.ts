import type { Source } from '../host/source';
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

/** What every machine is to itself. */
export const LOCAL = 'local';

/**
 * Whether a plan was applied on this host. Homes are shared between machines, and each is `local` to itself: there the
 * name counts too, without the number that a window gives to one that is taken (`web1 (2)`).
 */
export function isOn({ plan }: HistoryEntry, { id, label }: Pick<Source, 'id' | 'label'>): boolean {
  const name = (of: string): string => of.replace(/ \(\d+\)$/, '');
  return plan.hostId === id && (id !== LOCAL || name(plan.hostLabel) === name(label));
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
  if (!isRecord(value) || value['v'] !== 1 || !isId(value['id']) || !isTime(value['at'])) return undefined;
  const { v, at, id } = value as { v: 1; at: number; id: string };
  const undoes = value['undoes'];
  switch (value['event']) {
    case 'started':
      return isPlan(value['plan']) && (undoes === undefined || isId(undoes)) ? { v, at, id, event: 'started', plan: value['plan'], ...(undoes === undefined ? {} : { undoes }) } : undefined;
    case 'ended':
      return isApplied(value['applied']) ? { v, at, id, event: 'ended', applied: value['applied'] } : undefined;
    default:
      return undefined;
  }
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[\w-]{1,64}$/.test(value);
}

/** What a `Date` can be made of. */
function isTime(value: unknown): boolean {
  return Number.isSafeInteger(value) && Math.abs(value as number) <= 8.64e15;
}

/** As far as a plan has to hold for it to be shown and undone: only we write the file, but anybody could have touched it. */
function isPlan(value: unknown): value is Plan {
  return (
    isRecord(value) && hasTexts(value, 'title', 'hostId', 'hostLabel') && isTime(value['readAt']) && isListOf(value['warnings'], warning => isRecord(warning) && isBecause(warning['because'])) &&
    isMissingOr(value['machine'], machine => isRecord(machine) && hasTexts(machine, 'name') && hasIntegers(machine, 'pid', 'startTime')) &&
    isConsent(value['consent']) && isListOf(value['steps'], isStep) && isMissingOr(value['ownersWay'], isPlan)
  );
}

function isConsent(value: unknown): boolean {
  if (!isRecord(value)) return false;
  return value['kind'] === 'apply' || (isBecause(value['because']) && (value['kind'] === 'alone' || (value['kind'] === 'type' && hasTexts(value, 'text'))));
}

function isStep(value: unknown): boolean {
  return (
    isRecord(value) && isAction(value['action']) && isListOf(value['preconditions'], isRecord) && isListOf(value['outcomes'], isOutcome) && isMissingOr(value['before'], isText) &&
    isRecord(value['undo']) && isMissingOr(value['undo']['because'], isBecause) && isListOf(value['undo']['actions'], isAction)
  );
}

/** Sentences are looked for by the id: what every object has is none. */
function isBecause(value: unknown): boolean {
  return isRecord(value) && isText(value['id']) && !(value['id'] in {}) && isRecord(value['details']) && Object.values(value['details']).every(detail => detail === null || typeof detail !== 'object');
}

function isOutcome(value: unknown): boolean {
  return isRecord(value) && isMissingOr(value['errno'], isErrno) && isMissingOr(value['because'], isBecause) && isListOf(value['effects'], isEffect);
}

function isEffect(value: unknown): boolean {
  if (!isRecord(value)) return false;
  switch (value['kind']) {
    case 'allowed':
      return hasIntegers(value, 'tid') && hasTexts(value, 'cpus') && isMissingOr(value['open'], open => isRecord(open) && hasTexts(open, 'least', 'most'));
    case 'type':
      return hasTexts(value, 'path', 'type');
    case 'value':
      return hasTexts(value, 'path', 'file', 'value');
    default:
      return false;
  }
}

function isAction(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const isOf = (task: unknown): boolean => isRecord(task) && hasIntegers(task, 'tid', 'pid', 'startTime') && hasTexts(task, 'comm') && isMissingOr(task['role'], isText);
  const isAt = (cgroup: unknown): boolean => isRecord(cgroup) && hasTexts(cgroup, 'hierarchy', 'path', 'directory');
  switch (value['kind']) {
    case 'move':
      return isOf(value['task']) && isAt(value['to']) && hasTexts(value, 'from') && ['tasks', 'cgroup.threads', 'cgroup.procs'].includes(String(value['file']));
    case 'affinity':
      return isOf(value['task']) && hasTexts(value, 'cpus');
    case 'scheduling':
      return isOf(value['task']) && hasTexts(value, 'policy') && hasIntegers(value, 'priority', 'nice');
    case 'make':
    case 'remove':
      return isAt(value['cgroup']);
    case 'write':
      return isAt(value['cgroup']) && isPlanned(value['file']) && hasTexts(value, 'value');
    case 'tool':
      return isListOf(value['argv'], isText) && (value['argv'] as unknown[]).length > 0;
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
    isRecord(value) && typeof value['complete'] === 'boolean' && isListOf(value['remarks'], isText) &&
    isListOf(value['steps'], step => isRecord(step) && STATES.includes(step['state']) && isMissingOr(step['errno'], isErrno) && isMissingOr(step['found'], isText) && isMissingOr(step['said'], isText))
  );
}

function isErrno(value: unknown): boolean {
  return (WRITE_ERRNOS as readonly unknown[]).includes(value);
}

function hasTexts(value: Readonly<Record<string, unknown>>, ...names: readonly string[]): boolean {
  return names.every(name => isText(value[name]));
}

function hasIntegers(value: Readonly<Record<string, unknown>>, ...names: readonly string[]): boolean {
  return names.every(name => Number.isSafeInteger(value[name]));
}

function isListOf(value: unknown, isOne: (one: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(one => isOne(one));
}

/** JSON leaves out what is `undefined`. */
function isMissingOr(value: unknown, isOne: (one: unknown) => boolean): boolean {
  return value === undefined || isOne(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
