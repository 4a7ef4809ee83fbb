import { type QemuArguments, parseQemuArguments } from '../parse/cmdline';
import { baseName, fitsName } from '../parse/programName';
import { machineScope } from '../parse/systemdName';
import { taskFlags } from '../parse/taskStat';
import type { HostModel, Machine, Membership, Role, Thread } from './hostModel';
import type { Pace } from './pace';
import { type Process, type ThreadBuilder } from './processes';
import { compareRoles, roleOf } from './roles';

/** Which programs are what. */
export interface ProgramNames {
  readonly qemu: readonly string[];
  /** libvirt's daemons: a forked child of one, in a machine's cgroup, is a machine that starts. */
  readonly managers: readonly string[];
  /** Processes that are placed with a machine. */
  readonly helpers: readonly string[];
}

/** `web2` before `web10`. One for all: `localeCompare` makes a new one each time, in 10 µs. */
const byName = new Intl.Collator('en', { numeric: true });

/** Every machine with its threads, by name. */
export async function buildMachines(processes: readonly Process[], names: ProgramNames, threads: ThreadBuilder, pace: Pace): Promise<Machine[]> {
  const machines = new Map<number, Machine & { readonly threads: Thread[] }>();
  const others: Process[] = [];
  for (const process of processes) {
    const isQemu = fitsName(process.exe, names.qemu) || fitsName(process.argv[0], names.qemu);
    const leader = process.leader;
    if (!leader || (!isQemu && !fitsName(process.exe ?? process.argv[0], names.managers))) {
      others.push(process);
      continue;
    }
    const args: QemuArguments = isQemu ? parseQemuArguments(process.argv) : parseQemuArguments([]);
    const first = threads.thread(process, leader, roleOf(leader.stat, process.pid, args));
    const scope = scopeOf(first.membership);
    if (!isQemu && !scope) continue; // the manager itself
    const tasks: Thread[] = [];
    for (const task of process.tasks) {
      const pause = pace.breathe();
      if (pause) await pause;
      tasks.push(task === leader ? first : threads.thread(process, task, roleOf(task.stat, process.pid, args)));
    }
    machines.set(process.pid, {
      key: `${process.pid}:${leader.stat.startTime}`,
      pid: process.pid,
      startTime: leader.stat.startTime,
      name: args.name ?? scope?.name ?? args.uuid ?? `PID ${process.pid}`,
      uuid: args.uuid,
      emulator: baseName(process.exe ?? process.argv[0] ?? leader.stat.comm),
      uid: threads.uid(process),
      state: isQemu ? 'running' : 'starting',
      threads: tasks.sort(compareRoles),
    });
  }
  for (const process of others) attach(process, machines, names, threads);
  return [...machines.values()].sort((a, b) => byName.compare(a.name, b.name) || a.pid - b.pid);
}

/** Kernel threads and helpers: a machine's, but not tasks of its process. */
function attach(process: Process, machines: ReadonlyMap<number, Machine & { readonly threads: Thread[] }>, names: ProgramNames, threads: ThreadBuilder): void {
  const leader = process.leader;
  if (!leader) return;
  const kernel = /^(vhost-|kvm-pit\/|kvm-nx-lpage-recovery-)(\d+)$/.exec(leader.stat.comm);
  // The name alone would be any process's to take.
  if (kernel && (leader.stat.flags & taskFlags.kernelThread) !== 0) {
    const role: Role = { kind: kernel[1] === 'vhost-' ? 'vhost' : 'kernel', id: undefined, knownBy: 'kernel' };
    machines.get(Number(kernel[2]))?.threads.push(threads.thread(process, leader, role));
    return;
  }
  if (!fitsName(process.exe ?? process.argv[0], names.helpers)) return;
  const role: Role = { kind: 'helper', id: baseName(process.exe ?? process.argv[0]!), knownBy: 'command line' };
  const own = process.tasks.map(task => threads.thread(process, task, role));
  const scope = own[0] && scopeOf(own[0].membership)?.scope;
  for (const machine of machines.values()) {
    const together = scope !== undefined && scopeOf(machine.threads[0]!.membership)?.scope === scope;
    if (together || leader.stat.ppid === machine.pid) machine.threads.push(...own.sort((a, b) => a.tid - b.tid));
  }
}

/** The machine's own directory in the first hierarchy where it is in one. */
export function scopeOf(membership: Membership): ReturnType<typeof machineScope> {
  for (const place of membership.places.values()) {
    const scope = machineScope(place.path);
    if (scope) return scope;
  }
  return undefined;
}

/** The threads of a machine's own process, without kernel threads and helpers. */
export function ownThreads(machine: Machine): readonly Thread[] {
  return machine.threads.filter(thread => thread.pid === machine.pid);
}

/** Finds a machine again in a later model. */
export function findMachine(model: HostModel | undefined, key: string): Machine | undefined {
  return model?.machines.find(machine => machine.key === key);
}
