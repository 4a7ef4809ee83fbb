import { backendOf } from '../cgroup/backend';
import type { Because } from '../cgroup/outcome';
import type { Cgroup, HostModel, Machine, Thread } from '../model/hostModel';
import { ownThreads } from '../model/machines';
import { parseCpuList } from '../parse/cpuList';
import type { SchedulingPolicy } from '../parse/taskStat';
import type { LimitName, PlacementEdit } from '../placement/diff';
import { UNKNOWN } from '../placement/placement';
import { valuesOf } from '../placement/toPlacement';
import type { Change } from './plan';

export interface EditedChanges {
  readonly changes: readonly Change[];
  /** Edits that are left out: what they began from is not so any more on the host. */
  readonly conflicts: readonly EditConflict[];
}

export interface EditConflict {
  /** `undefined`: it stands against all of them. */
  readonly edit: PlacementEdit | undefined;
  readonly because: Because;
}

/**
 * What a person's edits ask of the host as it is now. What is so already needs nothing.
 *
 * @param began the machine as it was when the text was made that the edits began from
 * @param machine the machine of that name now; `undefined` if there is none
 */
export function changesOf(edits: readonly PlacementEdit[], began: Machine, model: HostModel, machine: Machine | undefined): EditedChanges {
  if (machine?.key !== began.key) return { changes: [], conflicts: [{ edit: undefined, because: { id: 'edited-machine-gone', details: { machine: began.name, pid: began.pid } } }] };
  const changes: Change[] = [];
  const conflicts: EditConflict[] = [];
  const threads = new Map(machine.threads.map(thread => [thread.tid, thread]));
  const keys = new Map(began.threads.map(thread => [thread.tid, thread.key]));
  const places: { readonly thread: Thread; readonly hierarchy: string; readonly to: string }[] = [];
  for (const edit of edits) {
    const conflict = (id: string, details: Because['details']): void => void conflicts.push({ edit, because: { id, details } });
    if (edit.kind === 'value') {
      const cgroup = model.hierarchies.find(h => h.key === edit.hierarchy)?.cgroups.get(edit.path);
      const found = cgroup && limitOf(cgroup, edit.name, model.topology.nodes.size);
      if (!cgroup) conflict('edited-cgroup-gone', { hierarchy: edit.hierarchy, path: edit.path });
      else if (found === edit.to) continue;
      else if (found !== edit.from) conflict('edited-value-changed', { hierarchy: edit.hierarchy, path: edit.path, name: edit.name, was: edit.from ?? '', found: found ?? '', wanted: edit.to ?? '' });
      else changes.push(...writes(cgroup, edit.name, edit.to));
      continue;
    }
    const thread = threads.get(edit.tid);
    if (thread?.key !== keys.get(edit.tid) || !thread) {
      conflict('edited-thread-gone', { tid: edit.tid });
      continue;
    }
    const told = { tid: edit.tid, comm: thread.comm };
    if (edit.kind === 'place') {
      const found = thread.membership.places.get(edit.hierarchy)?.path ?? UNKNOWN;
      if (found === edit.to) continue;
      if (found !== edit.from) conflict('edited-place-changed', { ...told, hierarchy: edit.hierarchy, was: edit.from, found, wanted: edit.to });
      else places.push({ thread, hierarchy: edit.hierarchy, to: edit.to });
    } else if (edit.kind === 'cpus') {
      const found = thread.cpusAllowed?.toString() ?? UNKNOWN;
      if (found === edit.to) continue;
      if (found !== edit.from) conflict('edited-cpus-changed', { ...told, was: edit.from, found, wanted: edit.to });
      else changes.push({ kind: 'pin', thread, cpus: edit.to === 'all' ? 'all' : parseCpuList(edit.to)! });
    } else {
      const [found, from, to] = [text({ policy: `${thread.policy} ${thread.rtPriority}`, nice: thread.nice }), text(edit.from), text(edit.to)];
      const [policy, priority] = edit.to.policy.split(' ') as [SchedulingPolicy, string];
      if (found === to) continue;
      if (found !== from) conflict('edited-scheduling-changed', { ...told, was: from, found, wanted: to });
      else changes.push({ kind: 'schedule', thread, policy, priority: Number(priority), nice: edit.to.nice });
    }
  }
  // Where threads go comes first: a pin is asked for within the cpuset that a thread is moved to.
  return { changes: [...moves(places, model, machine), ...changes], conflicts };
}

/** In v2 all threads of a process go at once where single ones cannot: to another domain. */
function moves(places: readonly { readonly thread: Thread; readonly hierarchy: string; readonly to: string }[], model: HostModel, machine: Machine): Change[] {
  const own = ownThreads(machine);
  const whole = new Set<string>();
  for (const hierarchy of model.hierarchies) {
    if (backendOf(hierarchy).threadFile === 'tasks') continue; // any thread goes anywhere
    const targets = new Map(places.filter(place => place.hierarchy === hierarchy.key).map(place => [place.thread, place.to]));
    const to = targets.get(own[0]!);
    const type = to === undefined ? undefined : hierarchy.cgroups.get(to)?.type;
    if (to !== undefined && type !== 'threaded' && type !== 'domain threaded' && own.every(thread => targets.get(thread) === to)) whole.add(hierarchy.key);
  }
  return places.flatMap(({ thread, hierarchy, to }): Change[] => {
    if (!whole.has(hierarchy) || thread.pid !== machine.pid) return [{ kind: 'move', thread, hierarchy, to }];
    return thread === own[0] ? [{ kind: 'moveProcess', thread, hierarchy, to }] : [];
  });
}

function limitOf(cgroup: Cgroup, name: LimitName, nodes: number): string | undefined {
  return valuesOf(cgroup, nodes).find(attribute => attribute.name === name)?.value;
}

/** `undefined`: back to what every cgroup has. */
function writes({ hierarchy, path, bandwidth }: Cgroup, name: LimitName, value: string | undefined): Change[] {
  const set = (file: string, written: string): Change => ({ kind: 'set', hierarchy, path, file, value: written });
  switch (name) {
    case 'cpus':
      return [set('cpuset.cpus', value ?? '')];
    case 'mems':
      return [set('cpuset.mems', value ?? '')];
    case 'weight':
      return [set('cpu.weight', value ?? '100')];
    case 'shares':
      return [set('cpu.shares', value ?? '1024')];
    case 'idle':
      return [set('cpu.idle', value === undefined ? '0' : '1')];
    case 'pids':
      return [set('pids.max', value ?? 'max')];
    case 'quota': {
      const [quota, period] = (value ?? `max/${bandwidth?.period ?? 100_000}`).split('/') as [string, string];
      return [{ kind: 'quota', hierarchy, path, to: { quota: quota === 'max' ? 'max' : Number(quota), period: Number(period) } }];
    }
  }
}

function text({ policy, nice }: { readonly policy: string; readonly nice: number }): string {
  return nice === 0 ? policy : `${policy} nice ${nice}`;
}
