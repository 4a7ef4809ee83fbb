import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { applyQuestion } from '../../../src/core/apply/apply';
import type { Applied, StepResult } from '../../../src/core/plan/applied';
import type { Action, CgroupRef, MoveTask, SetAffinity, SetScheduling, TaskRef, WriteValue } from '../../../src/core/cgroup/action';
import { LiveSource } from '../../../src/core/collect/collect';
import { LocalHost } from '../../../src/core/host/localHost';
import { decodeBytes } from '../../../src/core/parse/bytes';
import type { SchedulingPolicy } from '../../../src/core/parse/taskStat';
import type { Plan, Precondition, Step } from '../../../src/core/plan/plan';
import type { OwnCgroup } from './cgroups';
import { askThrough } from './collect';
import { commOf, placesOf, policyOf, startTimeOf, statusOf } from './readers';

/** Plans made by hand: what is under test is what becomes of them. */
export function planOf(steps: readonly Step[], more: Partial<Plan> = {}): Plan {
  return { title: 'a test', hostId: 'test', hostLabel: 'test', machine: undefined, readAt: Date.now(), steps, warnings: [], consent: { kind: 'apply' }, asRoot: false, ...more };
}

/** The plan that undoes these steps, the last one first. */
export function undoOf(steps: readonly Step[]): Plan {
  return planOf([...steps].reverse().flatMap(({ undo }) => undo.actions.map(action => stepOf(action, [], []))));
}

export function stepOf(action: Action, preconditions: readonly Precondition[], back: readonly Action[], before?: string): Step {
  return { action, preconditions, outcomes: [{ errno: undefined, because: undefined, effects: [] }], before, undo: { kind: 'exact', because: undefined, actions: back } };
}

/** As the kernel has it now. */
export function taskOf(pid: number, tid = pid): TaskRef {
  return { tid, pid, startTime: startTimeOf(pid, tid), comm: decodeBytes(commOf(pid, tid)) };
}

export function refOf(cgroup: OwnCgroup): CgroupRef {
  return { hierarchy: cgroup.key, path: cgroup.path, directory: decodeBytes(cgroup.directory) };
}

/** Moves a thread (`all`: its process) out of one cgroup into another, if it is still there. */
export function moveStep(task: TaskRef, from: OwnCgroup, to: OwnCgroup, all = false): Step {
  const file = all ? 'cgroup.procs' : from.key === '0::' ? 'cgroup.threads' : 'tasks';
  const action: MoveTask = { kind: 'move', task, from: from.path, to: refOf(to), file };
  const back: MoveTask = { kind: 'move', task, from: to.path, to: refOf(from), file };
  return stepOf(action, [{ kind: 'alive', task }, { kind: 'place', task, hierarchy: from.key, path: from.path }], [back], from.path);
}

export function pinStep(task: TaskRef, cpus: string): Step {
  const before = statusOf(task.pid, task.tid, 'Cpus_allowed_list');
  const back: SetAffinity = { kind: 'affinity', task, cpus: before };
  return stepOf({ kind: 'affinity', task, cpus }, [{ kind: 'alive', task }, { kind: 'allowed', task, cpus: [before] }], [back], before);
}

export function scheduleStep(task: TaskRef, policy: SchedulingPolicy, priority: number, nice: number): Step {
  const was = schedulingOf(task);
  const back: SetScheduling = { kind: 'scheduling', task, ...was };
  return stepOf({ kind: 'scheduling', task, policy, priority, nice }, [{ kind: 'alive', task }, { kind: 'scheduling', task, ...was }], [back]);
}

export function valueStep(cgroup: OwnCgroup, file: string, value: string): Step {
  const before = cgroup.read(file);
  const back: WriteValue = { kind: 'write', cgroup: refOf(cgroup), file, value: before };
  return stepOf({ kind: 'write', cgroup: refOf(cgroup), file, value }, [{ kind: 'exists', cgroup: refOf(cgroup) }, { kind: 'value', cgroup: refOf(cgroup), file, value: before }], [back], before);
}

export function makeStep(cgroup: OwnCgroup): Step {
  return stepOf({ kind: 'make', cgroup: refOf(cgroup) }, [{ kind: 'absent', cgroup: refOf(cgroup) }], [{ kind: 'remove', cgroup: refOf(cgroup) }]);
}

export function removeStep(cgroup: OwnCgroup): Step {
  return stepOf({ kind: 'remove', cgroup: refOf(cgroup) }, [{ kind: 'exists', cgroup: refOf(cgroup) }], [{ kind: 'make', cgroup: refOf(cgroup) }]);
}

/** By chrt(1) and by `stat`. */
export function schedulingOf({ pid, tid }: TaskRef): { policy: SchedulingPolicy; priority: number; nice: number } {
  const text = readFileSync(`/proc/${pid}/task/${tid}/stat`, 'latin1');
  const { policy, priority } = policyOf(tid);
  return { policy: policy as SchedulingPolicy, priority, nice: Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[16]) };
}

const NEVER = new AbortController().signal;

export function apply(plan: Plan, signal = NEVER): Promise<Applied> {
  return new LiveSource('test', new LocalHost('test'), () => ({ qemuExecutables: [], asRoot: false })).ask(applyQuestion(plan), signal);
}

/** The script's shell run by another command, as in `collectThrough`. */
export function applyThrough(through: readonly string[], plan: Plan): Promise<Applied> {
  return askThrough(through, applyQuestion(plan));
}

/** Done to its end, and nobody had anything to say. */
export async function applied(plan: Plan, through: readonly string[] = []): Promise<readonly StepResult[]> {
  const { steps, complete, remarks } = await applyThrough(through, plan);
  assert.deepEqual({ states: steps.map(inWords), complete, remarks }, { states: steps.map(() => 'done'), complete: true, remarks: [] });
  return steps;
}

export function inWords({ state, errno, said, precondition }: StepResult): string {
  return [state, errno, precondition?.kind, state === 'refused' && errno === 'EUNKNOWN' ? said : undefined].filter(word => word !== undefined).join(' ');
}

/** Its path in one hierarchy, by the independent reader, as the model spells it. */
export function placeOf({ pid, tid }: TaskRef, key: string): string | undefined {
  const place = placesOf(pid, tid)[key];
  return place === undefined ? undefined : decodeBytes(Buffer.from(place, 'latin1'));
}

/** As the local host runs it: all at once. */
export function applyCommand(plan: Plan): { argv: readonly string[]; stdin: string } {
  const { argv, prelude, stdin } = applyQuestion(plan).command({ watched: false, asRoot: false });
  return { argv, stdin: prelude + stdin };
}
