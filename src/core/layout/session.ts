import type { HostModel, Machine } from '../model/hostModel';
import { type Layout, withoutStages } from './layout';
import { unitOf } from './unit';

/**
 * A user's own: of `qemu:///session`, or started in a shell. libvirt may make no cgroup there, and goes on without any
 * (src/util/vircgroup.c, virCgroupNewIgnoreError); the session's is shared with all else that the user runs.
 */
export function sessionLayout(model: HostModel, machine: Machine): Layout | undefined {
  return unitOf(model, machine)?.path.includes('/user.slice/') === true ? withoutStages('user session') : undefined;
}
