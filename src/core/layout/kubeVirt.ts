import type { HostModel, Machine } from '../model/hostModel';
import { ownThreads } from '../model/machines';
import { isWithin } from '../model/subtree';
import { type Layout, withoutStages } from './layout';
import { type Unit, placeOf, unitOf, withinUnit } from './unit';

/**
 * A container of a pod. libvirt makes no cgroups in it. Where the emulator has CPUs of its own, virt-handler makes a child
 * `housekeeping` (v1 in cpuset, v2 threaded) and moves there all threads but the vCPUs' (KubeVirt
 * pkg/virt-handler, configureHousekeepingCgroup).
 */
export function kubeVirtLayout(model: HostModel, machine: Machine): Layout | undefined {
  const unit = unitOf(model, machine);
  if (!unit || !/\/kubepods(\.slice)?\//.test(unit.path)) return undefined;
  const apart = new Map(model.hierarchies.flatMap(({ key, cgroups }) => {
    const above = unit.hierarchies.has(key) ? holderOf(machine, unit, key, path => cgroups.has(path)) : undefined;
    return above === undefined ? [] : [[key, above] as const];
  }));
  const anywhere = withinUnit(machine, unit);
  return withoutStages('KubeVirt', (thread, key) => {
    const above = apart.get(key);
    if (above === undefined || thread.pid !== machine.pid) return anywhere(thread, key);
    const { kind } = thread.role;
    if (kind === 'kernel' || kind === 'io_uring') return undefined; // these are where the thread is that started them
    const housekeeping = `${above}/${HOUSEKEEPING}`;
    const place = placeOf(thread, key);
    const isBeside = place !== undefined && isWithin(place, unit.path) && !isWithin(place, housekeeping);
    if (isBeside && (kind === 'vcpu' || kind === 'worker')) return place; // a worker is with the vCPU that started it
    return kind === 'vcpu' ? above : housekeeping;
  });
}

const HOUSEKEEPING = 'housekeeping';

/** What holds `housekeeping`: the container's own cgroup, or a level below it that the container runtime has made. */
function holderOf(machine: Machine, { path: container }: Unit, key: string, exists: (path: string) => boolean): string | undefined {
  const places = new Set(ownThreads(machine).map(thread => placeOf(thread, key)?.replace(/\/housekeeping$/, '')));
  return [...places].find(path => path !== undefined && isWithin(path, container) && exists(`${path}/${HOUSEKEEPING}`));
}
