import type { HostModel, Machine } from '../model/hostModel';
import { kubeVirtLayout } from './kubeVirt';
import { type Layout, withoutStages } from './layout';
import { libvirtLayout } from './libvirt';
import { proxmoxLayout } from './proxmox';
import { sessionLayout } from './session';
import { unitLayout } from './unit';

/** Who placed a machine: the first that knows its own shape. */
export function layoutOf(model: HostModel, machine: Machine): Layout {
  const known = libvirtLayout(model, machine) ?? kubeVirtLayout(model, machine) ?? proxmoxLayout(model, machine) ?? sessionLayout(model, machine) ?? unitLayout(model, machine);
  return known ?? withoutStages('unmanaged');
}
