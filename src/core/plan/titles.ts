import { t } from '@vscode/l10n';
import type { Machine, Thread } from '../model/hostModel';
import { roleText } from '../model/roles';
import { visible } from '../visible';
import { isOfThread } from './context';
import type { Change } from './plan';

/** What a plan is for, in a line: `Move vCPU 2 to …/vcpu2 (cpu,cpuacct)`. */
export function titleOf(changes: readonly Change[], machine: Machine | undefined): string {
  const what = whatOf(changes);
  return machine ? t('{0}: {1}', visible(machine.name), what) : what;
}

function whatOf(changes: readonly Change[]): string {
  const [first] = changes;
  if (!first) return '';
  if (changes.length === 1) return one(first);
  const kinds = new Set(changes.map(change => change.kind));
  const threads = new Set(changes.flatMap(change => (isOfThread(change) ? [change.thread.key] : []))).size;
  if (kinds.size > 1 || !isOfThread(first)) return t('{0} changes: {1}', changes.length, [...kinds].map(kind => countOf(kind, changes.filter(change => change.kind === kind).length)).join(', '));
  if (first.kind === 'move' && threads === 1) {
    const sameTarget = changes.every(change => change.kind === 'move' && change.to === first.to);
    const hierarchies = changes.map(change => (change.kind === 'move' ? change.hierarchy : '')).join(' ');
    return sameTarget ? t('move {0} to {1} ({2})', name(first.thread), end(first.to), visible(hierarchies)) : t('move {0} in {1} hierarchies', name(first.thread), changes.length);
  }
  if (first.kind === 'move') return t('move {0} threads', threads);
  if (first.kind === 'pin') return t('pin {0} threads', threads);
  return first.kind === 'schedule' ? t('schedule {0} threads', threads) : t('move {0} processes', threads);
}

function countOf(kind: Change['kind'], count: number): string {
  const [single, several] = NAMES[kind](count);
  return count === 1 ? single : several;
}

/** What one change of a kind is called, and several. */
const NAMES: Readonly<Record<Change['kind'], (count: number) => readonly [string, string]>> = {
  move: count => [t('1 move'), t('{0} moves', count)],
  moveProcess: count => [t('1 move of a process'), t('{0} moves of processes', count)],
  pin: count => [t('1 pin'), t('{0} pins', count)],
  schedule: count => [t('1 policy'), t('{0} policies', count)],
  make: count => [t('1 new cgroup'), t('{0} new cgroups', count)],
  remove: count => [t('1 removed cgroup'), t('{0} removed cgroups', count)],
  quota: count => [t('1 quota'), t('{0} quotas', count)],
  set: count => [t('1 value'), t('{0} values', count)],
};

function one(change: Change): string {
  switch (change.kind) {
    case 'move':
      return t('move {0} to {1} ({2})', name(change.thread), end(change.to), visible(change.hierarchy));
    case 'moveProcess':
      return t('move the whole process {0} to {1} ({2})', change.thread.pid, visible(change.to), visible(change.hierarchy));
    case 'pin':
      return change.cpus === 'all' ? t('let {0} run on all CPUs', name(change.thread)) : t('pin {0} to CPUs {1}', name(change.thread), change.cpus.toString());
    case 'schedule':
      return t('schedule {0} as {1}', name(change.thread), `${change.policy} ${change.priority} nice ${change.nice}`);
    case 'make':
      return t('make the cgroup {0} ({1})', end(change.path), visible(change.hierarchy));
    case 'remove':
      return t('remove the cgroup {0} ({1})', end(change.path), visible(change.hierarchy));
    case 'quota':
      return t('set the quota of {0} to {1}', end(change.path), `${change.to.quota}/${change.to.period}`);
    case 'set':
      return t('set {0} of {1} to {2}', visible(change.file), end(change.path), change.value === '' ? '""' : visible(change.value));
  }
}

function name({ role, tid }: Thread): string {
  return t('{0} (TID {1})', visible(roleText(role)), tid);
}

/** The last part: all before it is the machine's. */
function end(path: string): string {
  return visible(path.lastIndexOf('/') > 0 ? `…${path.slice(path.lastIndexOf('/'))}` : path);
}
