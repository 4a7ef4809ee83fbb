import { textOf } from '../cgroup/files';
import type { Cgroup, Hierarchy, Thread } from '../model/hostModel';
import type { Evidence } from './rule';

/** A file of a cgroup with what it reads; nothing where its directory or its value is not known. @param value where the model has it in parts */
export function fileOf(cgroup: Cgroup | undefined, file: string, value = cgroup && textOf(cgroup, file)): Evidence[] {
  return cgroup?.directory === undefined || value === undefined ? [] : [{ file: `${cgroup.directory}/${file}`, value }];
}

/** A thread's line of one hierarchy. Without the hierarchy's number: that is another one after each boot. */
export function placeLine({ pid, tid, membership }: Thread, { key, version }: Pick<Hierarchy, 'key' | 'version'>): Evidence {
  const place = membership.places.get(key);
  return { file: `/proc/${pid}/task/${tid}/cgroup`, value: `${version === 2 ? '0::' : `${key}:`}${place?.path ?? ''}${place?.deleted === true ? ' (deleted)' : ''}` };
}
