import type { HostModel, Machine, Role, Thread } from '../model/hostModel';
import { ownThreads } from '../model/machines';
import { machineSubtree } from '../model/subtree';
import { machineScope } from '../parse/systemdName';
import type { Layout } from './layout';

/**
 * libvirt gives each vCPU, each I/O thread and the rest a group of its own: `SCOPE/libvirt/{emulator,vcpuN,iothreadN}`,
 * before 7.1 without the level `libvirt`, and without systemd's machined `/machine/qemu-ID-NAME.libvirt-qemu/…`
 * (src/util/vircgroup.c, virCgroupNewThread). It makes them in the controllers cpu, cpuacct and cpuset, wherever the host
 * has those: in v1, in v2, or in some of both. Which hierarchies these are is seen from the groups themselves.
 */
export function libvirtLayout(model: HostModel, machine: Machine): Layout | undefined {
  const own = ownThreads(machine).flatMap((thread): Member[] => {
    const name = groupOf(thread.role);
    return name === undefined ? [] : [{ thread, name }];
  });
  const names = [...new Set(own.map(({ name }) => name))];
  const vcpus = own.filter(({ name }) => name.startsWith('vcpu'));
  const groups = new Map<string, Groups>();
  let kind: Layout['kind'] | undefined;
  for (const hierarchy of model.hierarchies) {
    const top = machineSubtree(model, machine, hierarchy.key);
    if (top === undefined || machineScope(top)?.scope !== top) continue;
    kind ??= top.endsWith('.scope') ? 'libvirt with systemd' : 'libvirt alone';
    const found = groupsIn(path => hierarchy.cgroups.has(path), top, names, vcpus, hierarchy.key);
    if (found) groups.set(hierarchy.key, found);
  }
  if (kind === undefined) return undefined;
  return {
    kind,
    expectedPath: (thread, key) => {
      const found = groups.get(key);
      if (!found || machine.state === 'starting' || thread.pid !== machine.pid) return undefined;
      const name = groupOf(thread.role);
      return name === undefined || (name.startsWith('vcpu') && !found.vcpusArePlaced) ? undefined : `${found.parent}/${name}`;
    },
  };
}

interface Groups {
  readonly parent: string;
  /** False from the start of the process until libvirt knows from QEMU which threads are vCPUs: minutes with VFIO or huge pages. */
  readonly vcpusArePlaced: boolean;
}

/** A thread, and the group that libvirt has for it. */
interface Member {
  readonly thread: Thread;
  readonly name: string;
}

function groupsIn(exists: (path: string) => boolean, top: string, names: readonly string[], vcpus: readonly Member[], key: string): Groups | undefined {
  const parent = [`${top}/libvirt`, top].find(above => names.some(name => exists(`${above}/${name}`)));
  if (parent === undefined) return undefined;
  const isWaiting = ({ thread }: Member): boolean => thread.membership.places.get(key)?.path === `${parent}/emulator`;
  // It makes one group after the other and moves the thread there at once: that all wait and all groups are there is no moment of its.
  return { parent, vcpusArePlaced: !vcpus.every(isWaiting) || vcpus.every(({ name }) => exists(`${parent}/${name}`)) };
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
