import { t } from '@vscode/l10n';
import type { Misplaced } from '../layout/misplaced';
import { effectiveCpus } from '../model/hierarchies';
import type { Cgroup, HostModel, Thread } from '../model/hostModel';
import type { CpuSet } from '../parse/cpuList';
import { isBound, movesMemory } from '../plan/guards';
import type { Change } from '../plan/plan';
import { visible } from '../visible';
import { fileOf, placeLine } from './asRead';
import type { Evidence, Fix, ShowPath } from './rule';

/**
 * Puts threads where they belong. None where the plan would be refused: a cgroup that can hold nobody, as v1 leaves it when its
 * last CPU goes offline; a thread that the kernel has bound; several at once, one of which takes the machine's memory along.
 */
export function fixOf(model: HostModel, misplaced: readonly Misplaced[], title: Fix['title']): Fix[] {
  const isRefused = misplaced.some(({ thread, hierarchy, to, target }) => isBound(thread) || (target && holdsNone(target)) || (misplaced.length > 1 && movesMemory(model, thread, hierarchy, to)));
  if (isRefused) return [];
  return [{ title, changes: () => changesOf(misplaced) }];
}

/** v1: a cpuset without a CPU or a node (cpuset.c, cpuset_can_attach). */
export function holdsNone(cgroup: Cgroup): boolean {
  return effectiveCpus(cgroup)?.isEmpty === true || (cgroup.mems?.isEmpty === true && cgroup.memoryMigrate !== undefined);
}

/** What who does it by hand writes, for one thread. */
export function adviceOf({ thread, hierarchy, to, target }: Misplaced, shown: ShowPath): string {
  const file = hierarchy.version === 2 ? 'cgroup.threads' : 'tasks';
  const path = visible(shown(to));
  return target && holdsNone(target) ? t('give {0} CPUs again (cpuset.cpus), and then write {1} to its {2}', path, thread.tid, file) : t('write {0} to {1} of {2}', thread.tid, file, path);
}

/** What the findings of one machine have in common: looked for once, for there may be thousands of them. */
export interface Together {
  /** Each thread in all hierarchies where it is misplaced. */
  readonly ofThread: ReadonlyMap<Thread, readonly Misplaced[]>;
  /** Of all threads, where it is more than one. */
  readonly allBack: readonly Fix[];
}

/** @param misplaced all of a machine */
export function togetherOf(model: HostModel, misplaced: readonly Misplaced[]): Together {
  const ofThread = new Map<Thread, Misplaced[]>();
  for (const one of misplaced) {
    const same = ofThread.get(one.thread);
    if (same) same.push(one);
    else ofThread.set(one.thread, [one]);
  }
  const threads = ofThread.size;
  return { ofThread, allBack: threads > 1 ? fixOf(model, misplaced, () => t('Bring {0} threads back', threads)) : [] };
}

/** With the cgroups made that are not there. */
export function changesOf(misplaced: readonly Misplaced[]): readonly Change[] {
  const made = new Map(misplaced.flatMap(({ hierarchy, to, target }) => (target ? [] : [[`${hierarchy.key}\n${to}`, { kind: 'make', hierarchy: hierarchy.key, path: to } as const]])));
  return [...made.values(), ...misplaced.map(({ thread, hierarchy, to }): Change => ({ kind: 'move', thread, hierarchy: hierarchy.key, to }))];
}

/** The membership as it was read, and what tells the groups apart. */
export function evidenceOf({ thread, hierarchy, at, target }: Misplaced): Evidence[] {
  return [placeLine(thread, hierarchy), ...[at, target].flatMap(cgroup => TELLING.flatMap(file => fileOf(cgroup, file)))];
}

/** A cgroup has those of its version. */
const TELLING = ['cpuset.cpus', 'cpu.max', 'cpu.cfs_quota_us', 'cpu.cfs_period_us'];

/** What it gets where it is, and would get where it belongs. */
export function differences(at: Cgroup | undefined, to: Cgroup | undefined): string[] {
  const found: string[] = [];
  const [quota, ownQuota] = [at, to].map(cgroup => cgroup?.bandwidth && `${cgroup.bandwidth.quota}/${cgroup.bandwidth.period}`);
  if (quota !== ownQuota && quota !== undefined && ownQuota !== undefined) found.push(t('quota {0} instead of {1}', quota, ownQuota));
  const [cpus, ownCpus] = [effectiveCpus(at), effectiveCpus(to)];
  if (cpus && ownCpus && !cpus.equals(ownCpus)) found.push(t('CPUs {0} instead of {1}', cpusText(cpus), cpusText(ownCpus)));
  return found;
}

/** v1 leaves a group without any when its last CPU is taken offline, and moves its tasks to one above. */
function cpusText(cpus: CpuSet): string {
  return cpus.isEmpty ? t('none') : cpus.toString();
}
