import type { Because } from '../cgroup/outcome';
import { cpusetHierarchy, grantedTo } from '../cgroup/affinity';
import { type World, worldOf } from '../cgroup/world';
import type { HostModel, Machine } from '../model/hostModel';
import { type Steps, atOnce } from '../model/pace';
import { Context, isOfThread, isUnit, libvirtMachine, reason, refuse } from './context';
import { judge, judgePinWithin, notNow } from './guards';
import { once } from './once';
import { type Placed, ordering } from './ordering';
import { ownersWay } from './ownersWay';
import type { Change, Consent, Plan, PlanOptions, Planned, Refusal, Step } from './plan';
import { findThread } from './refs';
import { makingSteps } from './steps';
import { titleOf } from './titles';
import { Wanted } from './wanted';
import { warningsOf } from './warnings';

/**
 * Makes a plan of what is wanted, or says why there is none. Pure: nothing is asked of the host.
 *
 * @param asked the machine whose placement this is about; its own subtree is where threads may move without expert mode
 */
export function makePlan(model: HostModel, asked: Machine | undefined, changes: readonly Change[], options: PlanOptions): Planned {
  return atOnce(planning(model, asked, changes, options));
}

/** {@link makePlan} in steps: a plan of hundreds of changes of a large host takes longer than a window may stand still. */
export function* planning(model: HostModel, asked: Machine | undefined, changes: readonly Change[], options: PlanOptions): Steps<Planned> {
  const here = refreshed(model, changes);
  const found = 'because' in here ? here : once(here);
  if ('because' in found) return { refusal: found };
  const general = new Context(model, asked, options);
  const owners = found.map(change => general.ownerOf(change));
  const machine = asked ?? (owners.every(one => one === owners[0]) ? owners[0] : undefined);
  const contexts = new Map([...new Set([machine, ...owners])].map(one => [one, one === asked ? general : new Context(model, one, options)]));
  for (const one of contexts.keys()) {
    const later = one && notNow(one);
    if (later) return { refusal: later };
  }
  const context = contexts.get(machine)!;
  const verdicts = found.map((change, i) => judge(contexts.get(owners[i])!, change, found));
  const refused = verdicts.find(verdict => verdict.refusal)?.refusal;
  if (refused) return { refusal: refused };
  const alone = verdicts.map(verdict => verdict.consent?.kind === 'alone');
  const consent: Consent = verdicts.find((verdict, i) => verdict.consent && (alone[i] || !alone.includes(true)))?.consent ?? { kind: 'apply' };
  if (consent.kind === 'alone' && found.length > 1) return { refusal: apart(found, alone, consent.because) };
  const wanted = new Wanted(context, worldOf(model));
  for (const change of found) {
    yield;
    const refusal = wanted.add(change);
    if (refusal) return { refusal };
  }
  if (wanted.actions.length === 0) return { refusal: refuse('nothing-to-do') };
  const { placed, stuck, world } = yield* ordering(wanted.world, wanted.actions);
  if (stuck) return { refusal: trimmedPins(found, world) ?? { because: stuck.prediction.outcomes[0]?.because ?? reason('refused-by-kernel', { errno: stuck.prediction.outcomes[0]?.errno ?? '' }), instead: [] } };
  const refusal = trimmedPins(found, world) ?? forbidden(context, placed);
  if (refusal) return { refusal };
  const steps = yield* makingSteps(placed, wanted.known, libvirtMachine(machine));
  const warnings = [...(options.warnings ?? []), ...verdicts.flatMap(verdict => verdict.warnings ?? []), ...warningsOf(context, steps)].map(because => ({ because }));
  const plan: Plan = { ...about(context, titleOf(found, machine)), steps, warnings, consent, asRoot: needsRoot(context, steps) };
  const otherWay = ownersWay(context, found, plan);
  return { plan: otherWay ? { ...plan, ownersWay: otherWay } : plan };
}

/** What every plan says of itself. */
export function about({ model, machine }: Pick<Context, 'model' | 'machine'>, title: string): Pick<Plan, 'title' | 'hostId' | 'hostLabel' | 'machine' | 'readAt'> {
  return {
    title,
    hostId: model.hostId,
    hostLabel: model.label,
    machine: machine && { name: machine.name, pid: machine.pid, startTime: machine.startTime },
    readAt: model.collection.startedAt,
  };
}

/** The changes with the threads of this very model, and without those that change nothing. */
function refreshed(model: HostModel, changes: readonly Change[]): readonly Change[] | Refusal {
  const found: Change[] = [];
  for (const change of changes) {
    if (!isOfThread(change)) found.push(change);
    else {
      const here = findThread(model, change.thread.key);
      if (!here) return refuse('thread-gone', { tid: change.thread.tid, thread: change.thread.comm });
      found.push({ ...change, thread: here.thread });
    }
  }
  return found;
}

/** Changes that are confirmed alone are never part of others. */
function apart(changes: readonly Change[], alone: readonly boolean[], because: Because): Refusal {
  const others = changes.filter((_, i) => !alone[i]);
  const singles = changes.filter((_, i) => alone[i]);
  const offers = [...(others.length > 0 ? [others] : []), ...singles.map(change => [change])];
  return { because: reason('confirmed-alone', { why: because.id, ...because.details }), instead: offers.map(of => ({ title: titleOf(of, undefined), changes: of })) };
}

/** A pin of which the cpuset would drop a part in silence: said, with what it would grant. */
function trimmedPins(changes: readonly Change[], after: World): Refusal | undefined {
  const hierarchy = cpusetHierarchy(after);
  for (const change of changes) {
    const task = change.kind === 'pin' ? after.task(change.thread.tid) : undefined;
    if (!task || change.kind !== 'pin' || change.cpus === 'all') continue;
    const path = (hierarchy === undefined ? undefined : task.places.get(hierarchy)) ?? '/';
    const refusal = judgePinWithin(change.thread, change.cpus, path, grantedTo(after, task));
    if (refusal) return refusal;
  }
  return undefined;
}

/** A unit's own cgroup must stay a domain, or systemd cannot put its processes there (cgroup-v2.rst, "Threads"; systemd, CGROUP_DELEGATION.md). */
function forbidden({ model }: Context, placed: readonly Placed[]): Refusal | undefined {
  for (const { action, prediction } of placed) {
    const cgroup = action.kind === 'write' && (action.file === 'cgroup.type' || action.file === 'cgroup.subtree_control') ? action.cgroup : undefined;
    if (cgroup && isUnit(model, cgroup.hierarchy, cgroup.path)) return refuse('unit-of-systemd', { path: cgroup.path, file: (action as { file: string }).file });
    for (const effect of prediction.outcomes[0]?.effects ?? []) {
      if (effect.kind === 'type' && effect.type !== 'domain' && isUnit(model, effect.hierarchy, effect.path)) return refuse('unit-becomes', { path: effect.path, type: effect.type });
    }
  }
  return undefined;
}

/** Whoever reads as root writes as root. A user has a machine of their own to pin, and the cgroups below their own systemd. */
function needsRoot({ model, machine }: Context, steps: readonly Step[]): boolean {
  const uid = model.collection.user?.uid;
  if (uid === 0) return false;
  if (uid === undefined || machine?.uid !== uid) return true;
  return steps.some(({ action }) => {
    if (action.kind === 'affinity') return false;
    const ref = action.kind === 'move' ? action.to : 'cgroup' in action ? action.cgroup : undefined;
    return !ref?.path.includes(`/user@${uid}.service/`);
  });
}
