import { hasRun, isOld } from '../layout/age';
import { layoutOf } from '../layout/layouts';
import { type Misplaced, isKnownAbsent, notInPlace } from '../layout/misplaced';
import type { Layout } from '../layout/layout';
import { effectiveCpus, withAncestors } from '../model/hierarchies';
import type { Cgroup, Hierarchy, HostModel, LibvirtState, Machine, Thread } from '../model/hostModel';
import { ownThreads } from '../model/machines';
import type { CpuSet } from '../parse/cpuList';
import { isBound, movesMemory } from '../plan/guards';
import type { Change } from '../plan/plan';
import { isGroupOfItsOwn } from './cpuFacts';
import { changesOf, holdsNone } from './misplaced';

/**
 * What brings a machine to its layout: cgroups made that are missing, threads put where they belong, and CPUs as libvirt's
 * live state has them. Left out is what would make a plan of all of it refused, or more than that: a move that takes the
 * memory of the machine along, a cpuset that can hold nobody, a thread that the kernel has bound, a pin that nobody would
 * grant. `cpuset.mems` is never written. Empty where nothing is to be done, or the machine is not ready.
 */
export function restoreLayout(model: HostModel, machine: Machine): readonly Change[] {
  const layout = layoutOf(model, machine);
  if (machine.state === 'starting' || layout.stage !== 'complete') return [];
  const moves = notInPlace(model, machine, layout).filter(one => isSafe(model, machine, one));
  const pins = machine.libvirt ? pinsOf(model, machine, layout, machine.libvirt, moves) : [];
  return [...changesOf(moves), ...pins];
}

function isSafe(model: HostModel, machine: Machine, { thread, hierarchy, to, target }: Misplaced): boolean {
  if (isBound(thread) || movesMemory(model, thread, hierarchy, to)) return false;
  if (target) return !holdsNone(target);
  // One that was plugged in a moment ago libvirt places itself.
  return isKnownAbsent(hierarchy, to) && isOld(model, thread) && hasRun(model, machine);
}

/** libvirt writes a pin twice: as `cpuset.cpus` of the thread's group, and as the thread's affinity (src/qemu/qemu_process.c, qemuProcessSetupPid). */
function pinsOf(model: HostModel, machine: Machine, layout: Layout, libvirt: LibvirtState, moves: readonly Misplaced[]): Change[] {
  const hierarchy = model.hierarchies.find(({ version, controllers }) => controllers.includes('cpuset') && model.controllers.get('cpuset') === `v${version}`);
  const { online } = model.topology;
  const moved = new Set(moves.filter(one => one.hierarchy === hierarchy).map(({ thread }) => thread));
  return ownThreads(machine).flatMap((thread): Change[] => {
    const cpus = pinOf(thread, machine, libvirt);
    if (!cpus || cpus.isEmpty || isBound(thread) || online === undefined || !cpus.isSubsetOf(online)) return [];
    const group = hierarchy && layout.expectedPath(thread, hierarchy.key);
    const changes = hierarchy && group !== undefined ? groupPin(hierarchy, group, cpus, isGroupOfItsOwn(layout, group), moves) : [];
    if (!changes) return [];
    return moved.has(thread) || thread.cpusAllowed?.equals(cpus) === false ? [...changes, { kind: 'pin', thread, cpus }] : changes;
  });
}

function pinOf(thread: Thread, machine: Machine, { vcpuPins, ioThreadPins, emulatorPin }: LibvirtState): CpuSet | undefined {
  const { kind, id } = thread.role;
  if (kind === 'vcpu') return vcpuPins.get(Number(id));
  if (kind === 'iothread') return ioThreadPins.get(Number(/^iothread(\d+)$/.exec(id ?? '')?.[1]));
  return thread.tid === machine.pid ? emulatorPin : undefined;
}

/**
 * `undefined`: the group cannot have these CPUs, because those above it have not.
 * @param isOwn whether it is for the threads of this role alone: where all are in one, each is pinned by its affinity
 */
function groupPin(hierarchy: Hierarchy, path: string, cpus: CpuSet, isOwn: boolean, moves: readonly Misplaced[]): Change[] | undefined {
  const group = hierarchy.cgroups.get(path);
  if (!isOwn) return cpus.isSubsetOf(grantedBy(group) ?? cpus) ? [] : undefined;
  const parent = hierarchy.cgroups.get(path.slice(0, path.lastIndexOf('/')));
  if (group?.cpus?.equals(cpus)) return effectiveCpus(group)?.equals(cpus) === false ? undefined : [];
  const granted = grantedBy(parent);
  if (!granted || !cpus.isSubsetOf(granted)) return undefined;
  const isMade = moves.some(({ hierarchy: of, to }) => of === hierarchy && to === path);
  const isThere = group ? group.cpus !== undefined : isMade && parent?.cpusEffective !== undefined;
  return isThere ? [{ kind: 'set', hierarchy: hierarchy.key, path, file: 'cpuset.cpus', value: cpus.toString() }] : [];
}

/** Of the nearest that has a cpuset: v2 has none where the controller was not enabled. */
function grantedBy(cgroup: Cgroup | undefined): CpuSet | undefined {
  for (const at of withAncestors(cgroup)) {
    const cpus = effectiveCpus(at);
    if (cpus) return cpus;
  }
  return undefined;
}
