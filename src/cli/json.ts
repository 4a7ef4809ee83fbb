import { layoutOf } from '../core/layout/layouts';
import type { Cgroup, HostModel, LibvirtState, Machine, Problem, Thread } from '../core/model/hostModel';
import { roleText } from '../core/model/roles';

/** The model as JSON: lists of CPUs in the kernel's spelling, places by hierarchy. Fields are added, never renamed. */
export function modelToJson(model: HostModel, problems: readonly Problem[]): object {
  return {
    version: 1,
    host: model.label,
    mode: model.mode,
    kernel: model.kernel,
    controllers: Object.fromEntries(model.controllers),
    collection: model.collection,
    machines: model.machines.map(machine => machineToJson(model, machine)),
    hidden: model.hidden,
    cgroups: model.hierarchies.flatMap(hierarchy => [...hierarchy.cgroups.values()].map(cgroupToJson)),
    problems,
  };
}

/** `stage` of the whole and of each hierarchy by itself: see core/layout/layout.ts. `libvirt`: its live state, where that could be read. */
function machineToJson(model: HostModel, machine: Machine): object {
  const { name, uuid, pid, startTime, emulator, state } = machine;
  const layout = layoutOf(model, machine);
  return { name, uuid, pid, startTime, emulator, state, layout: layout.kind, stage: layout.stage, stages: Object.fromEntries(layout.stages), libvirt: machine.libvirt && libvirtToJson(machine.libvirt), threads: machine.threads.map(threadToJson) };
}

function libvirtToJson({ vcpus, vcpuPins, ioThreadPins, emulatorPin }: LibvirtState): object {
  const pins = (of: LibvirtState['vcpuPins']): object => Object.fromEntries([...of].map(([n, cpus]) => [n, cpus.toString()]));
  return { vcpus: Object.fromEntries(vcpus), vcpuPins: pins(vcpuPins), ioThreadPins: pins(ioThreadPins), emulatorPin: emulatorPin?.toString() };
}

/** `disagreement`: what each source says of its role, where they do not agree. */
function threadToJson(thread: Thread): object {
  const { key: _, role, disagreement, membership, cpusAllowed, ...rest } = thread;
  return {
    ...rest,
    role: { ...role, text: roleText(role) },
    ...(disagreement.length > 0 ? { disagreement } : {}),
    cpusAllowed: cpusAllowed?.toString(),
    places: Object.fromEntries([...membership.places].map(([key, place]) => [key, place.deleted ? `${place.path} (deleted)` : place.path])),
  };
}

function cgroupToJson(cgroup: Cgroup): object {
  const { parent: _, cpus, cpusEffective, cpusExclusive, mems, memsEffective, ...rest } = cgroup;
  const lists = Object.entries({ cpus, cpusEffective, cpusExclusive, mems, memsEffective }).map(([name, set]) => [name, set?.toString()] as const);
  return { ...rest, ...Object.fromEntries(lists) };
}

/** JSON escapes only what is below U+0020: a terminal obeys more than that. */
export function escapeInvisible(json: string): string {
  return json.replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} \n]/gu, char => Array.from({ length: char.length }, (_, i) => `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''));
}
