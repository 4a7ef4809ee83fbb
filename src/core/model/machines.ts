import { shorten } from '../parse/bytes';
import { type QemuArguments, parseQemuArguments } from '../parse/cmdline';
import { baseName, fitsName } from '../parse/programName';
import { machineScope } from '../parse/systemdName';
import { taskFlags } from '../parse/taskStat';
import type { HostModel, Machine, Membership, Role, Thread } from './hostModel';
import type { Outside } from './outside';
import type { Pace } from './pace';
import type { Process, Task, ThreadBuilder } from './processes';
import { roleOrder, rolesOf } from './roles';

/** Which programs are what. */
export interface ProgramNames {
  readonly qemu: readonly string[];
  /** libvirt's daemons: a forked child of one, in a machine's cgroup, is a machine that starts. */
  readonly managers: readonly string[];
  /** Processes that are placed with a machine. */
  readonly helpers: readonly string[];
}

type GrowingMachine = Machine & { readonly threads: Thread[] };

/** Every machine with its threads, by name. */
export async function buildMachines(processes: readonly Process[], names: ProgramNames, threads: ThreadBuilder, outside: Outside, pace: Pace): Promise<Machine[]> {
  const byName = new Intl.Collator('en', { numeric: true }); // `web2` before `web10`
  const inOrder = roleOrder(byName);
  const machines = new Map<number, GrowingMachine>();
  const others: Process[] = [];
  for (const process of processes) {
    const isQemu = fitsName(process.exe, names.qemu) || fitsName(process.argv[0], names.qemu);
    const leader = process.leader;
    if (!leader || (!isQemu && !fitsName(process.exe ?? process.argv[0], names.managers))) {
      others.push(process);
      continue;
    }
    const args: QemuArguments = isQemu ? parseQemuArguments(process.argv) : parseQemuArguments([]);
    const said = outside.of(process, args);
    const thread = (task: Task): Thread => {
      const { role, disagreement } = rolesOf(task.stat, process.pid, args, threads.ioWorkers, said.roles.get(task.stat.tid));
      return threads.thread(process, task, role, disagreement);
    };
    const first = thread(leader);
    const scope = scopeOf(first.membership);
    if (!isQemu && !scope) continue; // the manager itself
    const tasks: Thread[] = [];
    for (const task of process.tasks) {
      const pause = pace.breathe();
      if (pause) await pause;
      tasks.push(task === leader ? first : thread(task));
    }
    machines.set(process.pid, {
      key: `${process.pid}:${leader.stat.startTime}`,
      pid: process.pid,
      startTime: leader.stat.startTime,
      name: shorten(args.name ?? scope?.name ?? args.uuid ?? `PID ${process.pid}`),
      uuid: args.uuid === undefined ? undefined : shorten(args.uuid),
      emulator: shorten(baseName(process.exe ?? process.argv[0] ?? leader.stat.comm)),
      ...threads.process(process),
      state: isQemu ? 'running' : 'starting',
      threads: tasks.sort(inOrder),
      libvirt: said.libvirt,
    });
  }
  const attacher = new Attacher(machines, names, threads);
  for (const process of others) await attacher.attach(process, pace);
  return [...machines.values()].sort((a, b) => byName.compare(a.name, b.name) || a.pid - b.pid);
}

/**
 * libvirt has one machine in a scope, and two for a moment while it starts one. A capture that has thousands in one would
 * have each helper as often.
 */
const MACHINES_IN_SCOPE = 8;

/** Gives machines what is theirs, but no task of their process: kernel threads and helpers. */
class Attacher {
  private readonly byScope = new Map<string, GrowingMachine[]>();

  constructor(
    private readonly byPid: ReadonlyMap<number, GrowingMachine>,
    private readonly names: ProgramNames,
    private readonly threads: ThreadBuilder,
  ) {
    for (const machine of byPid.values()) {
      const scope = scopeOf(machine.threads[0]!.membership)?.scope;
      if (scope === undefined) continue;
      const within = this.byScope.get(scope);
      if (!within) this.byScope.set(scope, [machine]);
      else if (within.length < MACHINES_IN_SCOPE) within.push(machine);
    }
  }

  async attach(process: Process, pace: Pace): Promise<void> {
    const leader = process.leader;
    if (!leader) return;
    const kernel = /^(vhost-|kvm-pit\/|kvm-nx-lpage-recovery-)(\d+)$/.exec(leader.stat.comm);
    // The name alone would be any process's to take.
    if (kernel && (leader.stat.flags & taskFlags.kernelThread) !== 0) {
      const role: Role = { kind: kernel[1] === 'vhost-' ? 'vhost' : 'kernel', id: undefined, knownBy: 'kernel' };
      this.byPid.get(Number(kernel[2]))?.threads.push(this.threads.thread(process, leader, role));
      return;
    }
    const program = process.exe ?? process.argv[0];
    if (program === undefined || !fitsName(program, this.names.helpers)) return;
    const role: Role = { kind: 'helper', id: shorten(baseName(program)), knownBy: 'command line' };
    const own: Thread[] = [];
    for (const task of process.tasks) {
      const pause = pace.breathe();
      if (pause) await pause;
      own.push(this.threads.thread(process, task, role));
    }
    const machines = this.machinesOf(own[0], leader.stat.ppid);
    own.sort((a, b) => a.tid - b.tid);
    for (const machine of machines) for (const thread of own) machine.threads.push(thread);
  }

  /** Those in whose scope the helper is, and the one that started it. */
  private machinesOf(helper: Thread | undefined, ppid: number): Set<GrowingMachine> {
    const scope = helper && scopeOf(helper.membership)?.scope;
    const machines = new Set(scope === undefined ? [] : this.byScope.get(scope));
    const parent = this.byPid.get(ppid);
    return parent ? machines.add(parent) : machines;
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
