import type { HostModel, Machine } from '../model/hostModel';
import type { Layout } from './layout';
import { libvirtLayout } from './libvirt';

/** `undefined` where the machine is in no layout that is known. */
export function layoutOf(model: HostModel, machine: Machine): Layout | undefined {
  return libvirtLayout(model, machine);
}
