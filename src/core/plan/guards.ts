import type { Because } from '../cgroup/outcome';
import { parentOf } from '../cgroup/world';
import { effectiveCpus, withAncestors } from '../model/hierarchies';
import type { Cgroup, Hierarchy, HostModel, Machine, Thread } from '../model/hostModel';
import { isWithin } from '../model/subtree';
import { type CpuSet, parseCpuList } from '../parse/cpuList';
import { taskFlags } from '../parse/taskStat';
import { ownThreads } from '../model/machines';
import { cgroupOwner } from '../model/owner';
import { roleText } from '../model/roles';
import { type Context, isOfThread, reason, refuse } from './context';
import type { Change, Consent, Refusal } from './plan';
import { hierarchyOf } from './refs';
import { ruleOfFile } from './values';

/** What stands against a change before the kernel is asked: production hosts have been lost to each of these. */
export interface Verdict {
  readonly refusal?: Refusal;
  readonly consent?: Exclude<Consent, { kind: 'apply' }>;
  readonly warnings?: readonly Because[];
}

/** @param all with which it is made into one plan */
export function judge(context: Context, change: Change, all: readonly Change[]): Verdict {
  const verdict = judgeKind(context, change, all);
  if ((change.kind !== 'move' && change.kind !== 'pin') || !context.isWaiting(change.thread)) return verdict;
  const because = reason('thread-waits', { thread: roleText(change.thread.role), tid: change.thread.tid });
  return { ...verdict, warnings: [...(verdict.warnings ?? []), because] };
}

function judgeKind(context: Context, change: Change, all: readonly Change[]): Verdict {
  if (isOfThread(change) && isBound(change.thread)) return { refusal: refuse('thread-bound', { tid: change.thread.tid, thread: change.thread.comm }) };
  switch (change.kind) {
    case 'move':
      return judgeMove(context, change);
    case 'moveProcess':
      return judgeProcess(context, change);
    case 'pin':
      return judgePin(context, change.thread, change.cpus);
    case 'schedule':
      return judgeScheduling(context, change, all);
    case 'make':
    case 'remove':
      return outside(context, change.hierarchy, change.path);
    case 'quota':
      return limiting(context, change.hierarchy, change.path);
    case 'set':
      return judgeValue(context, change);
  }
}

/** libvirt moves and pins threads itself while a machine starts, and the other side of a migration takes over what is here. */
export function notNow(machine: Machine): Refusal | undefined {
  if (machine.state === 'starting') return refuse('machine-starting', { machine: machine.name });
  const migration = machine.threads.find(thread => thread.role.kind === 'migration' && !/^mig\/dirtyrate/.test(thread.comm));
  return migration && refuse('machine-migrating', { machine: machine.name, thread: migration.comm, tid: migration.tid });
}

/** Kernel threads that the kernel itself has bound, and kthreadd. */
export function isBound({ tid, flags }: Thread): boolean {
  return (flags & taskFlags.noSetAffinity) !== 0 || tid === 2;
}

function outside(context: Context, hierarchy: string, path: string): Verdict {
  if (context.isInSubtree(hierarchy, path)) return {};
  const details = { hierarchy, path, machine: context.machine?.name ?? '' };
  return context.options.expert ? { warnings: [reason('outside-subtree-expert', details)] } : { refusal: refuse('outside-subtree', details) };
}

/** A limit holds for all that is in a cgroup, whoever's it is. */
function limiting(context: Context, hierarchy: string, path: string): Verdict {
  if (!context.mayBeShared(hierarchy, path)) return outside(context, hierarchy, path);
  const because = reason('may-be-shared', { hierarchy, path });
  return context.options.expert ? { warnings: [because] } : { refusal: { because, instead: [] } };
}

/** Whether the memory of a process would go along with its thread: such a move is confirmed alone. */
export function movesMemory(model: HostModel, thread: Thread, { key, cgroups }: Hierarchy, to: string): boolean {
  return thread.tid === thread.pid && memoryMoves({ model }, thread, thread.membership.places.get(key)?.cgroup, cgroups.get(to) ?? nearestThere({ model }, key, to)) !== undefined;
}

function judgeMove(context: Context, change: Extract<Change, { kind: 'move' | 'moveProcess' }>): Verdict {
  const { thread, hierarchy, to } = change;
  const verdict = outside(context, hierarchy, to);
  const target = hierarchyOf(context.model, hierarchy)?.cgroups.get(to) ?? nearestThere(context, hierarchy, to);
  const source = thread.membership.places.get(hierarchy)?.cgroup;
  const memory = thread.tid === thread.pid || change.kind === 'moveProcess' ? memoryMoves(context, thread, source, target) : undefined;
  const frozen = isFrozen(target) && !isFrozen(source) ? reason('moves-into-frozen', { path: target!.path }) : undefined;
  if (memory) return { ...verdict, consent: { kind: 'alone', because: memory }, warnings: [...(verdict.warnings ?? []), ...(frozen ? [frozen] : [])] };
  return frozen ? { ...verdict, consent: { kind: 'type', text: context.machine?.name ?? String(thread.tid), because: frozen } } : verdict;
}

function isFrozen(cgroup: Cgroup | undefined): boolean {
  return [...withAncestors(cgroup)].some(({ frozen }) => frozen === true);
}

/**
 * The kernel moves the pages of a whole process when its leader gets other nodes: v2 always, v1 where the target's
 * `cpuset.memory_migrate` is on (kernel/cgroup/cpuset.c, cpuset_attach).
 */
function memoryMoves({ model }: Pick<Context, 'model'>, leader: Thread, source: Cgroup | undefined, target: Cgroup | undefined): Because | undefined {
  const [from, to] = [memsOf(source), memsOf(target)];
  if (!from || !to || to.isEmpty || from.equals(to) || target?.memoryMigrate === false) return undefined;
  return reason('memory-moves', { from: from.toString(), to: to.toString(), ...resident(model.machines.filter(machine => machine.pid === leader.pid)) });
}

/** v2: where the controller does not reach, those of the nearest above that has it. */
function memsOf(cgroup: Cgroup | undefined): CpuSet | undefined {
  for (const at of withAncestors(cgroup)) {
    const mems = at.memsEffective ?? at.mems;
    if (mems) return mems;
  }
  return undefined;
}

/** What a cgroup that is yet to be made has its nodes from; in v1 it is made with `cpuset.memory_migrate` off. */
function nearestThere({ model }: Pick<Context, 'model'>, key: string, path: string): Cgroup | undefined {
  for (let at = parentOf(path); at !== undefined; at = parentOf(at)) {
    const found = hierarchyOf(model, key)?.cgroups.get(at);
    if (found) return found.memoryMigrate === undefined ? found : undefined;
  }
  return undefined;
}

function resident(machines: readonly Machine[]): { readonly machine: string; readonly rss: number } {
  return { machine: machines.map(machine => machine.name).join(', '), rss: machines.reduce((sum, { rss }) => sum + (rss ?? 0), 0) };
}

function judgeProcess(context: Context, change: Extract<Change, { kind: 'moveProcess' }>): Verdict {
  const { thread, hierarchy, to } = change;
  const from = thread.membership.places.get(hierarchy)?.path ?? '';
  const details = { hierarchy, from, to, process: thread.pid, unit: unitOf(context.model, hierarchy, from), newUnit: unitOf(context.model, hierarchy, to) };
  if (!context.options.expert) return { refusal: refuse('whole-process', details) };
  return { ...judgeMove(context, change), warnings: [reason('whole-process-loses', details)] };
}

/** Whose stop ends all that is in this cgroup; empty where that is nobody's. */
function unitOf(model: HostModel, key: string, path: string): string {
  const hierarchy = hierarchyOf(model, key);
  const owner = hierarchy && cgroupOwner(model, hierarchy, path);
  return owner?.kind === 'unit' ? owner.unit : owner?.kind === 'delegated' ? owner.by : '';
}

/** The kernel drops in silence what of a mask the cpuset has not got, and refuses one of which nothing is left. */
function judgePin({ model }: Context, thread: Thread, cpus: CpuSet | 'all'): Verdict {
  if (model.collection.tools?.length === 0) return { refusal: refuse('no-affinity-tool', { host: model.label }) };
  if (cpus === 'all') return {};
  if (cpus.isEmpty) return { refusal: refuse('pin-empty', { tid: thread.tid }) };
  const missing = model.topology.online && !cpus.isSubsetOf(model.topology.online);
  if (missing) return { refusal: refuse('pin-offline', { cpus: cpus.toString(), online: model.topology.online.toString() }, narrower(thread, cpus, model.topology.online)) };
  return {};
}

/** As {@link judgePin}, against the cpuset in which the thread will be by then. */
export function judgePinWithin(thread: Thread, cpus: CpuSet, path: string, granted: CpuSet | undefined): Refusal | undefined {
  if (!granted || cpus.isSubsetOf(granted)) return undefined;
  return refuse(cpus.intersect(granted).isEmpty ? 'pin-without-cpuset' : 'pin-outside-cpuset', { thread: roleText(thread.role), tid: thread.tid, cpus: cpus.toString(), granted: granted.toString(), path }, narrower(thread, cpus, granted));
}

function narrower(thread: Thread, cpus: CpuSet, granted: CpuSet): Refusal['instead'] {
  const within = cpus.intersect(granted);
  return within.isEmpty ? [] : [{ title: `${roleText(thread.role)} → ${within.toString()}`, changes: [{ kind: 'pin', thread, cpus: within }] }];
}

/** A real-time thread that spins takes a CPU from everybody, and without a limit on real-time tasks for good. */
function judgeScheduling({ model, machine, options }: Context, { thread, policy, priority, nice }: Extract<Change, { kind: 'schedule' }>, all: readonly Change[]): Verdict {
  if (policy === 'deadline' || policy === 'iso' || policy === 'ext' || policy === 'unknown') return { refusal: refuse('policy-not-offered', { policy }) };
  const realTime = policy === 'fifo' || policy === 'rr';
  if (realTime !== priority > 0 || priority > 99) return { refusal: refuse('priority-range', { policy, priority }) };
  if (nice < -20 || nice > 19) return { refusal: refuse('nice-range', { nice }) };
  if (!realTime) return {};
  const cpus = everAllowed(model, thread, all);
  const isolated = isolatedCpus(model, thread);
  const shared = !cpus || !isolated || !cpus.isSubsetOf(isolated);
  if (!shared && model.rtRuntime !== -1) return {};
  const because = shared ? reason('realtime-not-isolated', { cpus: cpus?.toString() ?? '?', isolated: isolated?.toString() ?? '' }) : reason('realtime-unlimited', { cpus: cpus.toString() });
  return options.expert ? { consent: { kind: 'type', text: machine?.name ?? String(thread.tid), because } } : { refusal: { because, instead: [] } };
}

/** Where a thread may run before or after it is pinned by the same plan. */
function everAllowed({ topology }: HostModel, { key, cpusAllowed }: Thread, all: readonly Change[]): CpuSet | undefined {
  const pin = all.find(change => change.kind === 'pin' && change.thread.key === key);
  if (pin?.kind !== 'pin') return cpusAllowed;
  return pin.cpus === 'all' ? topology.online : cpusAllowed?.union(pin.cpus);
}

/** By the kernel's command line, or by a partition around the thread (cgroup-v2.rst, "cpuset.cpus.partition"). */
function isolatedCpus(model: HostModel, thread: Thread): CpuSet | undefined {
  let isolated = model.topology.isolated;
  for (const { cgroup } of thread.membership.places.values()) {
    for (const at of withAncestors(cgroup)) {
      const cpus = at.partition === 'isolated' ? effectiveCpus(at) : undefined;
      if (cpus) isolated = isolated?.union(cpus) ?? cpus;
    }
  }
  return isolated;
}

function judgeValue(context: Context, { hierarchy, path, file, value }: Extract<Change, { kind: 'set' }>): Verdict {
  const { model } = context;
  const rule = ruleOfFile(file);
  if (rule === 'never') return { refusal: refuse('file-never', { file }) };
  if (/[\n\0]/.test(value)) return { refusal: refuse('value-lines', { file }) };
  const verdict = limiting(context, hierarchy, path);
  if (verdict.refusal) return verdict;
  const machine = context.machine ?? context.machineAt(hierarchy, path);
  if (rule === 'typed') return { ...verdict, consent: { kind: 'type', text: machine?.name ?? path, because: reason('file-typed', { file, value, path }) } };
  const cgroup = hierarchyOf(model, hierarchy)?.cgroups.get(path);
  if (file === 'cpuset.mems' && cgroup && parseCpuList(value)?.equals(cgroup.memsEffective ?? cgroup.mems ?? parseCpuList('')!) !== true) {
    // Here it is any thread that takes the memory of its process along (cpuset.c, cpuset_update_tasks_nodemask).
    const inside = model.machines.filter(m => ownThreads(m).some(thread => isWithin(thread.membership.places.get(hierarchy)?.path ?? '', path)));
    if (inside.length > 0 && cgroup.memoryMigrate !== false) return { ...verdict, consent: { kind: 'alone', because: reason('memory-moves', { from: (cgroup.memsEffective ?? cgroup.mems)?.toString() ?? '', to: value, ...resident(inside) }) } };
  }
  return verdict;
}
