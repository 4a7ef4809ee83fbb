import { t } from '@vscode/l10n';
import type { Applied } from './applied';
import type { Action, TaskRef, WriteValue } from '../cgroup/action';
import { textOf } from '../cgroup/files';
import type { Because } from '../cgroup/outcome';
import { worldOf } from '../cgroup/world';
import type { HostModel, Thread } from '../model/hostModel';
import { CpuSet, parseCpuList } from '../parse/cpuList';
import { commandText } from '../shellWord';
import { libvirtMachine, reason, refuse } from './context';
import { notNow } from './guards';
import { type Placed, order } from './ordering';
import { toolStep } from './ownersWay';
import type { Consent, Plan, Planned, Step } from './plan';
import { cgroupRef, fileKey, findThread, hierarchyOf } from './refs';
import { sentence } from './sentences';
import { readsAs, stepsOf } from './steps';

/**
 * The way back of what was done of a plan, as a plan of its own. It touches only what is still where the plan put it;
 * what is not, and what cannot be undone, it says.
 */
export function undoPlan(plan: Plan, applied: Applied, model: HostModel): Planned {
  const backs: Step[] = [];
  const warnings: Because[] = [];
  /** Of a tool's way back: what it takes back. */
  const forth = new Map<Action, readonly string[]>();
  const verdicts = new Map<string, Because | undefined>();
  for (const [i, step] of [...plan.steps.entries()].reverse()) {
    const result = applied.steps[i];
    if (result?.state !== 'done') continue;
    if (step.undo.kind === 'irreversible') warnings.push(step.undo.because ?? reason('no-way-back', {}));
    // What a later step of the plan changed too is where that one left it, or not: it is asked once.
    const target = targetOf(step.action);
    const moved = verdicts.has(target) ? verdicts.get(target) : isElsewhere(step, result.found, model);
    verdicts.set(target, moved);
    if (moved && !warnings.includes(moved)) warnings.push(moved);
    if (moved) continue;
    if (step.undo.actions.length > 0) backs.push(step);
    if (step.action.kind === 'tool') for (const back of step.undo.actions) forth.set(back, step.action.argv);
  }
  const machine = model.machines.find(({ pid, startTime }) => pid === plan.machine?.pid && startTime === plan.machine.startTime);
  const later = machine && notNow(machine);
  if (later) return { refusal: later };
  if (backs.length === 0) return { refusal: refuse('nothing-to-undo', { why: warnings[0]?.id ?? '' }) };
  const actions = backs.flatMap(({ undo }) => undo.actions);
  const [strayed] = actions.flatMap(action => strays(action, model) ?? []);
  if (strayed) return { refusal: { because: strayed, instead: [] } };
  const known = new Map(actions.flatMap(action => putBy(plan, applied, action, model)));
  const { placed, stuck } = inThisOrder(model, backs);
  if (placed.length === 0) return { refusal: { because: [...stuck.values()][0]!, instead: [] } };
  if (plan.machine && !machine) warnings.unshift(reason('machine-since', { machine: plan.machine.name, pid: plan.machine.pid }));
  for (const step of backs) {
    const why = stuck.get(step);
    if (why) warnings.push(reason('stays', { what: wordsOf(step.action), why: sentence(why) }));
    else if (step.undo.kind === 'best effort' && step.undo.because) warnings.push(step.undo.because);
  }
  return {
    plan: {
      title: t('Undo: {0}', plan.title),
      hostId: model.hostId,
      hostLabel: model.label,
      machine: machine && { name: machine.name, pid: machine.pid, startTime: machine.startTime },
      readAt: model.collection.startedAt,
      steps: stepsOf(placed, known, libvirtMachine(machine)).map(step => (step.action.kind === 'tool' ? toolStep(step.action.argv, forth.get(step.action)) : step)),
      warnings: warnings.map(because => ({ because })),
      consent: consentTo(plan, placed.map(({ action }) => action)),
      asRoot: plan.asRoot,
    },
  };
}

/** Why nothing is written where an action leads: anybody may have touched the history, and only the host tells where its cgroups are. */
function strays(action: Action, model: HostModel): Because | undefined {
  const cgroup = action.kind === 'move' ? action.to : 'cgroup' in action ? action.cgroup : undefined;
  if (!cgroup) return undefined;
  const { hierarchy, path, directory } = cgroup;
  const known = cgroupRef(model, hierarchy, path);
  if (!known) return reason('cgroup-unreachable', { hierarchy, path });
  return known.directory === directory ? undefined : reason('other-directory', { hierarchy, path, directory, known: known.directory });
}

/** What was confirmed once is confirmed again, but for a real-time policy that is taken away; of a value it is said which one is written now. */
function consentTo({ consent }: Plan, actions: readonly Action[]): Consent {
  const isRealTime = (action: Action): boolean => action.kind === 'scheduling' && (action.policy === 'fifo' || action.policy === 'rr');
  if (consent.kind === 'type' && consent.because.id.startsWith('realtime-') && !actions.some(isRealTime)) return { kind: 'apply' };
  if (consent.kind === 'type' && consent.because.id === 'moves-into-frozen') return { kind: 'apply' };
  if (consent.kind !== 'type' || consent.because.id !== 'file-typed') return consent;
  const write = actions.find((action): action is WriteValue => action.kind === 'write' && action.file === consent.because.details['file']);
  return write ? { ...consent, because: reason('file-typed', { file: write.file, value: write.value, path: write.cgroup.path }) } : consent;
}

function targetOf(action: Action): string {
  switch (action.kind) {
    case 'move':
      return `move ${action.task.tid} ${action.to.hierarchy}`;
    case 'affinity':
    case 'scheduling':
      return `${action.kind} ${action.task.tid}`;
    case 'write':
      return fileKey(action.cgroup, action.file);
    default:
      return JSON.stringify(action);
  }
}

/** What a file reads since the plan wrote it, where the model does not have it. */
function putBy(plan: Plan, applied: Applied, undo: Action, model: HostModel): [string, string][] {
  if (undo.kind !== 'write') return [];
  const { cgroup, file } = undo;
  const known = hierarchyOf(model, cgroup.hierarchy)?.cgroups.get(cgroup.path);
  const at = plan.steps.findLastIndex(({ action }, i) => applied.steps[i]?.state === 'done' && action.kind === 'write' && action.file === file && fileKey(action.cgroup, file) === fileKey(cgroup, file));
  const put = plan.steps[at]?.action;
  if ((known && textOf(known, file)) !== undefined || put?.kind !== 'write') return [];
  return [[fileKey(cgroup, file), applied.steps[at]!.found ?? readsAs(put, plan.steps[at]!.outcomes)]];
}

/** One after the other: backwards is the order in which they work. A step that the kernel would not let go all its way back is `stuck`, and stays as it is. */
function inThisOrder(model: HostModel, backs: readonly Step[]): { readonly placed: readonly Placed[]; readonly stuck: ReadonlyMap<Step, Because> } {
  let world = worldOf(model);
  const placed: Placed[] = [];
  const stuck = new Map<Step, Because>();
  for (const step of backs) {
    const its: Placed[] = [];
    let after = world;
    for (const action of step.undo.actions) {
      const one = order(after, [action]);
      if (one.stuck) stuck.set(step, whyNot(one.stuck));
      if (one.stuck) break;
      its.push(...one.placed);
      after = one.world;
    }
    if (stuck.has(step)) continue;
    placed.push(...its);
    world = after;
  }
  return { placed, stuck };
}

function whyNot({ prediction: { outcomes } }: Placed): Because {
  return outcomes[0]?.because ?? reason('refused-by-kernel', { errno: outcomes[0]?.errno ?? '' });
}

/** What a step was about. */
function wordsOf(action: Action): string {
  switch (action.kind) {
    case 'move':
    case 'affinity':
    case 'scheduling':
      return `TID ${action.task.tid} (${action.task.comm})`;
    case 'make':
    case 'remove':
      return action.cgroup.path;
    case 'write':
      return `${action.file} (${action.cgroup.path})`;
    case 'tool':
      return commandText(action.argv);
  }
}

/**
 * What the step changed has been changed again since, or is gone.
 *
 * @param found what was read when it was done; without it, what was predicted counts
 */
function isElsewhere({ action, outcomes, before }: Step, found: string | undefined, model: HostModel): Because | undefined {
  switch (action.kind) {
    case 'move': {
      const thread = threadOf(action.task, model);
      if (!thread) return gone(action.task);
      const path = thread.membership.places.get(action.to.hierarchy)?.path ?? '?';
      return path === action.to.path ? undefined : reason('moved-since', { tid: action.task.tid, path, put: action.to.path });
    }
    case 'affinity': {
      const thread = threadOf(action.task, model);
      if (!thread) return gone(action.task);
      // Where nothing is predicted to be seen of it, it looks as before.
      const predicted = outcomes.flatMap(({ effects }) => effects.flatMap(effect => (effect.kind === 'allowed' && effect.tid === action.task.tid ? [effect.cpus] : [])));
      const put = found !== undefined ? [found] : predicted.length > 0 ? predicted : (before?.split(' or ') ?? []);
      const cpus = thread.cpusAllowed?.toString() ?? '?';
      return put.includes(cpus) ? undefined : reason('pinned-since', { tid: action.task.tid, cpus, put: put[0] ?? action.cpus });
    }
    case 'scheduling': {
      const thread = threadOf(action.task, model);
      if (!thread) return gone(action.task);
      const same = thread.policy === action.policy && thread.rtPriority === action.priority && thread.nice === action.nice;
      return same || found === `${thread.policy} ${thread.rtPriority} nice ${thread.nice}` ? undefined : reason('scheduled-since', { tid: action.task.tid, policy: thread.policy, priority: thread.rtPriority, nice: thread.nice });
    }
    case 'write':
      return valueSince(action, outcomes, found, model);
    default:
      return undefined;
  }
}

function threadOf({ tid, startTime }: TaskRef, model: HostModel): Thread | undefined {
  return findThread(model, `${tid}:${startTime}`)?.thread;
}

function gone({ tid, comm }: TaskRef): Because {
  return reason('thread-gone', { tid, thread: comm });
}

function valueSince({ cgroup, file, value }: WriteValue, outcomes: Step['outcomes'], found: string | undefined, model: HostModel): Because | undefined {
  const known = hierarchyOf(model, cgroup.hierarchy)?.cgroups.get(cgroup.path);
  const now = known && textOf(known, file);
  if (now === undefined) return undefined; // the step's own check decides
  const predicted = outcomes.flatMap(({ effects }) => effects.flatMap(effect => (effect.kind === 'value' && effect.path === cgroup.path && effect.file === file ? [effect.value] : [])));
  const put = found !== undefined ? [found] : [value, ...predicted];
  return put.some(text => sameValue(now, text)) ? undefined : reason('written-since', { path: cgroup.path, file, value: now, put: put[0]! });
}

/** The kernel spells some values in its own way: `max` is `max 100000`, `0,1` is `0-1`. */
function sameValue(now: string, put: string): boolean {
  return now === put || now.startsWith(`${put} `) || parseCpuList(put)?.equals(parseCpuList(now) ?? CpuSet.empty) === true;
}
