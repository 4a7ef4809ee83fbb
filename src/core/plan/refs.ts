import type { CgroupRef, TaskRef } from '../cgroup/action';
import { parentOf } from '../cgroup/world';
import type { Hierarchy, HostModel, Machine, Thread } from '../model/hostModel';
import { roleText } from '../model/roles';

export function taskRef({ tid, pid, startTime, comm, role }: Thread): TaskRef {
  return { tid, pid, startTime, comm, role: roleText(role) };
}

export function hierarchyOf(model: HostModel, key: string): Hierarchy | undefined {
  return model.hierarchies.find(hierarchy => hierarchy.key === key);
}

/** A cgroup, there or to be made; `undefined` where its directory is not below a mount, or its parent is not known. */
export function cgroupRef(model: HostModel, key: string, path: string): CgroupRef | undefined {
  const cgroups = hierarchyOf(model, key)?.cgroups;
  const known = cgroups?.get(path);
  if (known) return known.directory === undefined ? undefined : { hierarchy: key, path, directory: known.directory };
  const above = parentOf(path);
  const parent = above === undefined || !isName(path.slice(path.lastIndexOf('/') + 1)) ? undefined : cgroupRef(model, key, above);
  return parent && { hierarchy: key, path, directory: parent.directory + path.slice(above === '/' ? 0 : above!.length) };
}

/** What mkdir takes for a cgroup: no newline (cgroup_mkdir), and nothing that leads elsewhere. */
export function isName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !/[\n\0/]/.test(name) && Buffer.byteLength(name) <= 255;
}

/** The same task in another model. */
export function findThread(model: HostModel, key: string): { readonly thread: Thread; readonly machine: Machine } | undefined {
  for (const machine of model.machines) {
    const thread = machine.threads.find(t => t.key === key);
    if (thread) return { thread, machine };
  }
  return undefined;
}

/** A cgroup as a key of a map; no path holds a newline. */
export function refKey({ hierarchy, path }: Pick<CgroupRef, 'hierarchy' | 'path'>): string {
  return `${hierarchy}\n${path}`;
}

export function fileKey(cgroup: CgroupRef, file: string): string {
  return `${refKey(cgroup)}\n${file}`;
}
