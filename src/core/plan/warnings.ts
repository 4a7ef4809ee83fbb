import type { Action } from '../cgroup/action';
import type { Because } from '../cgroup/outcome';
import { cgroupOwner, valuesOwner } from '../model/owner';
import { type Context, reason } from './context';
import type { Step } from './plan';
import { hierarchyOf } from './refs';

/** Who may undo what is planned, each said once, with a place for which it holds. */
export function warningsOf({ model }: Context, steps: readonly Step[]): Because[] {
  const said = new Map<string, Because>();
  for (const { action, undo } of steps) {
    const cgroup = cgroupOf(action);
    const hierarchy = cgroup && hierarchyOf(model, cgroup.hierarchy);
    if (cgroup && hierarchy) {
      const owner = cgroupOwner(model, hierarchy, cgroup.path);
      const values = valuesOwner(model, hierarchy, cgroup.path);
      const add = (id: string, details: Because['details']): void => void (said.has(id) || said.set(id, reason(id, details)));
      if (owner.kind === 'unit' && action.kind === 'write') add('systemd-writes-again', { unit: owner.unit, path: cgroup.path });
      if (owner.kind === 'kubelet' || values.kind === 'KubeVirt') add('kubelet-reconciles', { path: cgroup.path });
      if ((values.kind === 'libvirt' || values.kind === 'nova') && action.kind !== 'make' && action.kind !== 'remove') add(action.kind === 'move' ? 'libvirt-does-not-see' : 'libvirt-writes-again', { path: cgroup.path, knownBy: values.knownBy ?? '' });
    }
    if (undo.kind === 'irreversible' && !said.has('no-way-back')) said.set('no-way-back', reason('no-way-back', {}));
  }
  return [...said.values()];
}

function cgroupOf(action: Action): { readonly hierarchy: string; readonly path: string } | undefined {
  return action.kind === 'move' ? action.to : 'cgroup' in action ? action.cgroup : undefined;
}
