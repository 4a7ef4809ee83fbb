import { t } from '@vscode/l10n';
import type { Cgroup, Hierarchy, Machine, Thread } from '../model/hostModel';
import { ownThreads } from '../model/machines';
import { roleText } from '../model/roles';
import { isWithin } from '../model/subtree';
import { visible } from '../visible';

/** `v2`, `cpu,cpuacct` */
export function hierarchyText({ version, key }: Pick<Hierarchy, 'version' | 'key'>): string {
  return version === 2 ? 'v2' : visible(key);
}

const NAMED = 3;

/** `vCPU 0, vCPU 1, vCPU 2 and 61 more` */
export function threadsText(threads: readonly Thread[]): string {
  const named = threads.slice(0, NAMED).map(({ role }) => visible(roleText(role))).join(', ');
  return threads.length > NAMED ? t('{0} and {1} more', named, threads.length - NAMED) : named;
}

/** `12 %` of 0.117 */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** Those of the machine's process that are in a cgroup or below it. */
export function threadsWithin(machine: Machine, { hierarchy, path }: Pick<Cgroup, 'hierarchy' | 'path'>): Thread[] {
  return ownThreads(machine).filter(({ membership }) => {
    const place = membership.places.get(hierarchy);
    return place !== undefined && !place.deleted && isWithin(place.path, path);
  });
}
