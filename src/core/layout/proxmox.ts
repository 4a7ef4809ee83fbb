import type { HostModel, Machine } from '../model/hostModel';
import { type Layout, withoutStages } from './layout';
import { unitOf, withinUnit } from './unit';

/** qemu-server starts each machine in a scope of its own, `/qemu.slice/VMID.scope`, and has no groups of threads (PVE::Systemd, enter_systemd_scope). */
export function proxmoxLayout(model: HostModel, machine: Machine): Layout | undefined {
  const unit = unitOf(model, machine);
  return unit && /\/qemu\.slice\/\d+\.scope$/.test(unit.path) ? withoutStages('Proxmox VE', withinUnit(machine, unit)) : undefined;
}
