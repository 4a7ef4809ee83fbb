import { t } from '@vscode/l10n';
import type { Hierarchy, Thread } from '../model/hostModel';
import { roleText } from '../model/roles';
import { visible } from '../visible';

/** `v2`, `cpu,cpuacct` */
export function hierarchyText({ version, key }: Pick<Hierarchy, 'version' | 'key'>): string {
  return version === 2 ? 'v2' : visible(key);
}

/** `vCPU 2`, `emulator`, `worker` */
export function threadText({ role }: Thread): string {
  return visible(roleText(role));
}

/** The same, and which it is where a machine has many: `thread 533 (worker)`. */
export function singleThreadText(thread: Thread): string {
  const { kind } = thread.role;
  return kind === 'other' || kind === 'worker' ? t('thread {0} ({1})', thread.tid, visible(thread.comm)) : threadText(thread);
}

/** `12 %` of 0.117 */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** `once`, `12 times` */
export function timesText(times: number): string {
  return times === 1 ? t('once') : t('{0} times', times);
}

const NAMED = 3;

/** The first few of what there may be ten thousand of, and how many more there are. */
export function someOf<T>(all: readonly T[], name: (one: T) => string): string {
  const named = all.slice(0, NAMED).map(name).join(', ');
  return all.length > NAMED ? t('{0} and {1} more', named, all.length - NAMED) : named;
}

/** Whether a guest's own work stands still, or what QEMU does for it. */
export function hasVcpu(threads: readonly Thread[]): boolean {
  return threads.some(({ role }) => role.kind === 'vcpu');
}
