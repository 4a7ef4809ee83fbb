import type { HostModel, Machine, Role, Thread } from '../model/hostModel';
import { ownThreads } from '../model/machines';
import { machineDirectories } from '../model/subtree';
import { hasRun } from './age';
import type { Layout } from './layout';
import { type Directories, stageIn, stageOfAll } from './stage';

/**
 * libvirt gives each vCPU, each I/O thread and the rest a group of its own: `SCOPE/libvirt/{emulator,vcpuN,iothreadN}`,
 * before 7.1 without the level `libvirt`, and without systemd's machined `/machine/qemu-ID-NAME.libvirt-qemu/…`
 * (src/util/vircgroup.c, virCgroupNewThread). It makes them in the controllers cpu, cpuacct and cpuset, wherever the host
 * has those: in v1, in v2, or in some of both. Which hierarchies these are is seen from the groups themselves. In the others
 * all threads are in the machine's directory, where it has one.
 */
export function libvirtLayout(model: HostModel, machine: Machine): Layout | undefined {
  const known = machineDirectories(model, machine);
  if (!known) return undefined;
  const { home, tops } = known;
  const names = [...new Set(ownThreads(machine).flatMap(({ role }) => groupOf(role) ?? []))];
  const directories = new Map<string, Directories>();
  const waiting = new Map<string, ReadonlySet<Thread>>();
  const placed = placedOneByOne(machine);
  const isStarted = hasRun(model, machine);
  const areNamed = ownThreads(machine).some(({ comm }) => /^(CPU \d+|ALL CPUs)\/|^IO /.test(comm));
  for (const { key, version, controllers, cgroups } of model.hierarchies) {
    const top = tops.get(key);
    if (top === undefined) continue;
    const levels = [`${top}/libvirt`, top].filter(level => cgroups.has(level));
    const mayHaveGroups = version === 2 || controllers.some(controller => GROUPED.has(controller));
    const parent = mayHaveGroups ? levels.find(above => names.some(name => cgroups.has(`${above}/${name}`))) : undefined;
    directories.set(key, { top, parent, all: levels[0] });
    if (parent !== undefined && !isStarted) waiting.set(key, waitingIn(placed, parent, key, path => cgroups.has(path)));
  }
  const kind = kindOf(home);
  const stages = new Map(model.hierarchies.map(({ key }) => [key, stageIn(machine, key, directories.get(key) ?? { top: home, parent: undefined, all: undefined }, waiting.get(key)?.size ?? 0)]));
  return {
    kind,
    stage: stageOfAll(machine, [...stages.values()]),
    stages,
    isWaiting: thread => [...waiting.values()].some(threads => threads.has(thread)),
    expectedPath: (thread, key) => {
      const at = directories.get(key);
      if (!at || machine.state === 'starting' || thread.pid !== machine.pid || waiting.get(key)?.has(thread)) return undefined;
      if (at.parent === undefined) return at.all;
      const own = thread.membership.places.get(key);
      if (own?.deleted === false && own.path.startsWith(`${at.parent}/`) && mayBeThere(thread.role, own.path.slice(at.parent.length + 1), areNamed)) return own.path;
      const name = groupOf(thread.role);
      return name === undefined ? undefined : `${at.parent}/${name}`;
    },
  };
}

/** In v1 it makes them nowhere else; in v2 wherever it uses that at all. */
const GROUPED = new Set(['cpu', 'cpuacct', 'cpuset']);

/** machined makes a scope; what libvirt makes itself is below /machine, or below the container in which it runs. */
function kindOf(home: string): Layout['kind'] {
  const above = home.slice(0, home.lastIndexOf('/'));
  if (/\/(docker|lxc|podman|kubepods)\/|\/lxc\.payload|\/kubepods\.slice\/|\/(docker|libpod|crio|cri-containerd|podman)-[^/]+(\.scope)?(\/|$)/.test(`${above}/`)) return 'libvirt in a container';
  return home.endsWith('.scope') ? 'libvirt with systemd' : 'libvirt alone';
}

/** A thread, and the group that libvirt has for it alone. */
interface Member {
  readonly thread: Thread;
  readonly name: string;
}

/** The vCPUs by number, then the I/O threads: the order in which libvirt places them (src/qemu/qemu_process.c, qemuProcessLaunch). */
function placedOneByOne(machine: Machine): readonly Member[] {
  const members = ownThreads(machine).flatMap((thread): Member[] => {
    const name = groupOf(thread.role);
    return name === undefined || name === 'emulator' ? [] : [{ thread, name }];
  });
  const rank = ({ name }: Member): number => (name.startsWith('vcpu') ? 0 : 1);
  return members.sort((a, b) => rank(a) - rank(b) || Number(/\d+$/.exec(a.name)![0]) - Number(/\d+$/.exec(b.name)![0]));
}

/**
 * Those that libvirt has still to place: all from the start of the process until QEMU tells which thread is what, for
 * minutes with VFIO or huge pages. It makes a group, moves its thread there, and only then makes the next
 * (qemuProcessSetupPid). So a thread in `emulator` waits while it is at or behind the last group that there is, and more
 * groups are to come. Before that, or once all groups are there, somebody has moved it.
 */
function waitingIn(placed: readonly Member[], parent: string, key: string, exists: (path: string) => boolean): ReadonlySet<Thread> {
  const last = placed.findLastIndex(({ name }) => exists(`${parent}/${name}`));
  if (last >= placed.length - 1) return new Set();
  const waiting = placed.slice(Math.max(last, 0)).filter(({ thread }) => thread.membership.places.get(key)?.path === `${parent}/emulator`);
  return new Set(waiting.map(({ thread }) => thread));
}

/**
 * Whether a thread may be in the group of a vCPU or an I/O thread, for all that is known. QEMU's workers are started by the
 * thread that needs them, and so they are with it: an I/O thread for its disks, a vCPU for what it waits for itself, as the
 * variables of UEFI in pflash (util/thread-pool.c, spawn_thread_bh_fn). And where no thread has a name, one whose role nobody
 * tells may be the very one that the group was made for.
 */
function mayBeThere({ kind, id }: Role, group: string, areNamed: boolean): boolean {
  const isPossible = kind === 'worker' || (!areNamed && (kind === 'other' || (kind === 'vcpu' && id === undefined)));
  return isPossible && /^(vcpu|iothread)\d+$/.test(group);
}

/** Where libvirt has a thread of this role; `undefined` where that is nobody's choice: a kernel helper is where it was started from. */
function groupOf({ kind, id }: Role): string | undefined {
  switch (kind) {
    case 'vcpu':
      return /^\d+$/.test(id ?? '') ? `vcpu${id}` : undefined; // one thread for all has no group of its own
    case 'iothread':
      return /^iothread\d+$/.test(id ?? '') ? id : undefined; // libvirt's own names
    case 'emulator':
    case 'worker':
    case 'migration':
    case 'vnc':
    case 'spice':
    case 'call_rcu':
    case 'other':
      return 'emulator';
    default:
      return undefined;
  }
}
