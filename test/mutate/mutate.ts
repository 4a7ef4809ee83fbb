import { backendOf, refOf } from '../../src/core/cgroup/backend';
import type { Action } from '../../src/core/cgroup/action';
import type { Outcome } from '../../src/core/cgroup/outcome';
import { predict } from '../../src/core/cgroup/predict';
import { type World, worldOf } from '../../src/core/cgroup/world';
import type { Cgroup, Hierarchy, HostModel, Machine, Thread } from '../../src/core/model/hostModel';
import { taskRef } from '../../src/core/plan/refs';
import { makePlan } from '../../src/core/plan/makePlan';
import type { RawSnapshot } from '../../src/core/rawSnapshot';
import { findingsOf } from '../../src/core/rules/allRules';
import type { Finding } from '../../src/core/rules/rule';
import { model as modelOf } from '../unit/fixtures';

/** What came of the moves of a capture. */
export interface Mutated {
  readonly moves: number;
  readonly found: number;
  readonly putRight: number;
  /** Of those the ones whose thread has lost its own pin by the move: it is back, and has the CPUs of its cgroup. */
  readonly pinsLost: number;
  readonly falseAlarms: number;
  /** One line for each that went wrong. */
  readonly failures: readonly string[];
}

/** A thread written by hand to another cgroup of one hierarchy. */
interface Move {
  readonly machine: Machine;
  readonly thread: Thread;
  readonly hierarchy: Hierarchy;
  /** Where it was, and so where it is expected: nothing of `src/core/layout` is asked. */
  readonly from: string;
  readonly to: Cgroup;
}

/**
 * Makes each move that the kernel would accept of a thread that its machine's owner has put somewhere, one at a time, in
 * a healthy capture; and looks whether it is found and named right, whether nothing new is said of other threads, and whether
 * its first fix gives back the capture: each file of it reads as before, so that the same model comes of it. But for a pin
 * that the move itself has lost: kernels before 6.2 keep none when a thread comes into another cpuset, and no capture tells it.
 *
 * @param takes which of the moves, by number: all, or a sample
 */
export async function mutate(name: string, raw: RawSnapshot, takes: (move: number) => boolean = () => true): Promise<Mutated> {
  const { model: healthy } = await modelOf(raw);
  const world = worldOf(healthy);
  const before = new Set(findingsOf(healthy).map(subjectOf));
  const failures = findingsOf(healthy).filter(isAlarm).map(finding => `${name}: not healthy: ${wordsOf(finding)}`);
  const result = { moves: 0, found: 0, putRight: 0, pinsLost: 0, falseAlarms: failures.length };
  let number = 0;
  for (const move of movesOf(healthy)) {
    const action = actionOf(move);
    const outcome = action && predict(world, action).outcomes.find(({ errno }) => errno === undefined);
    if (!action || !outcome || !takes(number++)) continue;
    result.moves += 1;
    const fail = (what: string): void => void failures.push(`${name}: TID ${move.thread.tid} (${move.thread.comm}), ${move.hierarchy.key}, ${move.from} → ${move.to.path}: ${what}`);
    const moved = happened(raw, action, outcome);
    const { model } = await modelOf(moved);
    const findings = findingsOf(model);
    const strangers = findings.filter(finding => isAlarm(finding) && !finding.threads.some(({ tid }) => tid === move.thread.tid) && !before.has(subjectOf(finding)));
    result.falseAlarms += strangers.length;
    for (const stranger of strangers) fail(`false alarm: ${wordsOf(stranger)}`);
    const finding = rightOne(findings, move, fail);
    if (!finding) continue;
    result.found += 1;
    const fixed = afterFix(moved, model, finding, fail);
    if (!fixed) continue;
    const differing = [...new Set([...raw.files.keys(), ...fixed.files.keys()])].filter(file => raw.files.get(file) !== fixed.files.get(file));
    const isPinLost = outcome.because?.id === 'pin-forgotten' && differing.join() === `/proc/${move.thread.pid}/task/${move.thread.tid}/status`;
    for (const file of isPinLost ? [] : differing) fail(`${file} reads ${JSON.stringify(fixed.files.get(file))} instead of ${JSON.stringify(raw.files.get(file))}`);
    if (isPinLost) result.pinsLost += 1;
    if (isPinLost || differing.length === 0) result.putRight += 1;
  }
  return { ...result, failures };
}

function isAlarm({ severity }: Finding): boolean {
  return severity === 'warning' || severity === 'error';
}

/** The same may be said in other words, and more or less severely: there is one vCPU less on a CPU. */
function subjectOf({ rule, machine, threads, at }: Finding): string {
  return [rule, machine.key, at.kind, ...threads.map(({ key }) => key)].join(' ');
}

function wordsOf({ rule, machine, sentence }: Finding): string {
  return `${rule}, ${machine.name}: ${sentence(path => path)}`;
}

/** Directories that were made for one machine, and by whom a thread was put there. */
const MADE = /\/machine-qemu\\x2d[^/]+\.scope(\/|$)|\.libvirt-qemu(\/|$)|\/qemu\.slice\/\d+\.scope$|\/kubepods\.slice\/.*\.scope(\/housekeeping)?$/;
const UNIT = /^\/system\.slice\/(?!libvirtd|virtqemud)[^/]+\.(service|scope)$/;
/** Where they are was nobody's choice: the kernel starts them where the thread is that needs them. */
const INHERITS = /^(kvm-nx-lpage|iou-)/;
/** A worker is with the thread that started it: an I/O thread, a vCPU. */
const STARTS_WORKERS = /\/(iothread|vcpu)\d+$/;

function* movesOf({ machines, hierarchies }: HostModel): Iterable<Move> {
  for (const machine of machines) {
    for (const thread of machine.threads.filter(({ pid }) => pid === machine.pid)) {
      for (const hierarchy of hierarchies) {
        const from = thread.membership.places.get(hierarchy.key)?.path ?? '/';
        if (!MADE.test(from) && !UNIT.test(from)) continue;
        if (INHERITS.test(thread.comm) && /\/(emulator|vcpu\d+|iothread\d+)$/.test(from)) continue;
        const isWorker = thread.comm === 'worker';
        if (isWorker && (STARTS_WORKERS.test(from) || hierarchy.cgroups.has(`${from}/housekeeping`))) continue;
        for (const to of hierarchy.cgroups.values()) {
          if (isWorker && (from === `${to.path}/housekeeping` || (STARTS_WORKERS.test(to.path) && isBeside(from, to)))) continue;
          const isBelowUnit = UNIT.test(from) && to.path.startsWith(`${from}/`); // that is a unit's own business
          if (to.path !== from && !isBelowUnit) yield { machine, thread, hierarchy, from, to };
        }
      }
    }
  }
}

function isBeside(path: string, to: Cgroup): boolean {
  return path.slice(0, path.lastIndexOf('/')) === to.parent?.path;
}

function actionOf({ thread, hierarchy, from, to }: Move): Extract<Action, { kind: 'move' }> | undefined {
  const ref = refOf(to);
  return ref && { kind: 'move', task: taskRef(thread), from, to: ref, file: backendOf(hierarchy).threadFile };
}

/** The one finding that there must be of it. */
function rightOne(findings: readonly Finding[], { machine, thread, hierarchy, from, to }: Move, fail: (what: string) => void): Finding | undefined {
  const isVcpuInEmulator = /^CPU \d+\//.test(thread.comm) && to.path === from.replace(/\/vcpu\d+$/, '/emulator');
  const rule = isVcpuInEmulator ? 'vcpu-in-emulator' : 'thread-outside-layout';
  const found = findings.filter(finding => ['vcpu-in-emulator', 'thread-outside-layout'].includes(finding.rule) && finding.at.kind === 'place' && finding.threads.some(({ tid }) => tid === thread.tid));
  const [finding] = found;
  if (!finding) return void fail('not found');
  if (found.length > 1) return void fail(`found ${found.length} times`);
  const { at } = finding;
  const said = at.kind === 'place' ? [finding.rule, finding.machine.name, String(finding.threads.map(({ tid }) => tid)), at.hierarchy, at.path, String(at.expected), finding.severity] : [];
  const expected = [rule, machine.name, String(thread.tid), hierarchy.key, to.path, from, 'warning'];
  const wrong = expected.findIndex((what, i) => what !== said[i]);
  return wrong < 0 ? finding : void fail(`"${said[wrong]}" instead of "${expected[wrong]}"`);
}

/** What the host is like when the first fix was made a plan, and the plan was done. */
function afterFix(moved: RawSnapshot, model: HostModel, finding: Finding, fail: (what: string) => void): RawSnapshot | undefined {
  const fix = finding.fixes[0];
  if (!fix) return void fail('no fix');
  const { plan, refusal } = makePlan(model, model.machines.find(({ key }) => key === finding.machine.key), fix.changes(), { expert: false });
  if (!plan) return void fail(`no plan: ${refusal?.because.id}`);
  let now = moved;
  let world: World = worldOf(model);
  for (const { action } of plan.steps) {
    const { outcomes, after } = predict(world, action);
    const [outcome] = outcomes;
    if (!outcome || outcome.errno !== undefined) return void fail(`the fix is refused: ${outcome?.errno}`);
    now = happened(now, action, outcome);
    world = after;
  }
  return now;
}

/** A snapshot of the host after an action with this outcome. */
function happened(raw: RawSnapshot, action: Action, { effects }: Outcome): RawSnapshot {
  const files = new Map(raw.files);
  const change = (file: string, edit: (text: string) => string): void => {
    const text = files.get(file);
    if (text === undefined) throw new Error(`there is no ${file}`);
    files.set(file, edit(text));
  };
  if (action.kind === 'move') {
    const { hierarchy, path } = action.to;
    const key = hierarchy === '0::' ? '0::' : `:${hierarchy}:`;
    change(taskFile(action, raw, action.task.tid, 'cgroup'), text => text.split('\n').map(line => (line.replace(/^\d+/, digits => (digits === '0' ? digits : '')).startsWith(key) ? line.slice(0, line.indexOf(':/') + 1) + path : line)).join('\n'));
  }
  for (const effect of effects) {
    if (effect.kind === 'allowed') change(taskFile(action, raw, effect.tid, 'status'), text => text.replace(/^Cpus_allowed_list:.*$/m, `Cpus_allowed_list:\t${effect.cpus}`));
    else throw new Error(`an effect that is not made here: ${JSON.stringify(effect)}`);
  }
  return { ...raw, files };
}

function taskFile(action: Action, raw: RawSnapshot, tid: number, name: string): string {
  const pid = 'task' in action && action.task.tid === tid ? action.task.pid : undefined;
  if (pid === undefined) throw new Error(`TID ${tid} is moved along`);
  const file = `/proc/${pid}/task/${tid}/${name}`;
  if (!raw.files.has(file)) throw new Error(`there is no ${file}`);
  return file;
}
