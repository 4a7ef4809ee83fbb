import { t } from '@vscode/l10n';
import type { Hierarchy, Thread } from '../model/hostModel';
import { visible } from '../visible';

/** `v2`, `cpu,cpuacct` */
export function hierarchyText({ version, key }: Pick<Hierarchy, 'version' | 'key'>): string {
  return version === 2 ? 'v2' : visible(key);
}

/** `12 %` of 0.117 */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
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
