import { t } from '@vscode/l10n';
import { STAGED } from '../layout/layout';
import { V2_KEY } from '../model/hierarchies';
import type { Cgroup, Machine } from '../model/hostModel';
import { visible } from '../visible';
import { fileOf } from './asRead';
import type { CheckedHost } from './checkedHost';
import type { Finding, Rule } from './rule';

/**
 * `subtree-control-stripped`: a cgroup above the machine does not hand down a controller that libvirt uses.
 *
 * **Cause.** libvirt enables `cpu` and `cpuset` by hand, from the root down to its own groups. systemd counts what its units
 * ask for, and takes away what none does: on a reload, or when another unit starts or stops. In v2 a controller goes only
 * when no cgroup below has it on, so that afterwards all of the machine's groups lack it.
 *
 * **Signature.** libvirt's groups are there in v2, and a cgroup above them has `cpu` or `cpuset` in its `cgroup.controllers` and
 * not in its `cgroup.subtree_control`: the groups have no `cpu.max`, no `cpuset.cpus`.
 *
 * **Cost.** `virsh emulatorpin`, `iothreadpin` and `schedinfo` have nothing to write to and fail, or set the affinity of single
 * threads alone; QEMU's other threads may run on every CPU. A warning where libvirt has CPUs set for this machine.
 *
 * **Fix.** Have a unit ask for it, or systemd takes it away again: `Delegate=cpu cpuset` of a scope or service below that
 * slice, `AllowedCPUs=` or `CPUWeight=` of the slice; then start the machine anew.
 *
 * **Sources.** systemd/systemd#38547, PR#8573; systemd docs/CGROUP_DELEGATION.md; libvirt src/util/vircgroupv2.c
 * (virCgroupV2EnableController); admin-guide/cgroup-v2.rst ("Top-down Constraint").
 */
export const subtreeControlStripped: Rule = {
  id: 'subtree-control-stripped',
  title: () => t('A controller is not handed down to the machine'),
  check: (host, machine) => {
    const groups = groupsOf(host, machine);
    if (!groups) return [];
    return LIBVIRTS.flatMap((controller): Finding[] => {
      const at = strippedAt(groups, controller);
      if (!at) return [];
      const { path } = at;
      return [{
        rule: subtreeControlStripped.id,
        severity: hasPins(machine) ? 'warning' : 'information',
        machine,
        threads: [],
        at: { kind: 'value', hierarchy: V2_KEY, path, name: 'type' },
        evidence: [...fileOf(at, 'cgroup.controllers'), ...fileOf(at, 'cgroup.subtree_control')],
        sentence: shown => t('{0} does not hand down {1}: the groups in {2} are without it', visible(shown(path)), controller, visible(shown(groups.path))),
        cost: () => (controller === 'cpuset' ? t('libvirt can only set the affinity of single threads: QEMU\'s others may run on every CPU') : t('quotas and weights of the machine have no effect')),
        advice: shown => at === groups ? t('see that libvirt may use {0} (cgroup_controllers in qemu.conf), and start the machine anew', controller) : t('have a unit of systemd ask for {0} below {1} (Delegate=, AllowedCPUs=, CPUWeight=): what is written by hand it takes away again', controller, visible(shown(path))),
        fixes: [],
      }];
    });
  },
};

const LIBVIRTS = ['cpu', 'cpuset'] as const;

/** The cgroup in which libvirt has its groups of threads in v2. */
function groupsOf(host: CheckedHost, machine: Machine): Cgroup | undefined {
  const v2 = host.model.hierarchies.find(({ key }) => key === V2_KEY);
  const layout = v2 && host.layoutOf(machine);
  // Elsewhere a machine has one cgroup for all, and nobody misses a controller in it.
  if (!layout || !STAGED.some(kind => kind === layout.kind)) return undefined;
  for (const thread of machine.threads) {
    const expected = layout.expectedPath(thread, V2_KEY);
    const group = expected === undefined ? undefined : v2.cgroups.get(expected);
    if (group) return group.parent;
  }
  return undefined;
}

/** Nothing where the kernel, or a namespace, has no such controller at all. */
function strippedAt(groups: Cgroup, controller: string): Cgroup | undefined {
  for (let at: Cgroup | undefined = groups; at; at = at.parent) {
    if (at.subtreeControl === undefined || at.subtreeControl.includes(controller)) return undefined;
    if (at.controllers?.includes(controller) === true) return at;
  }
  return undefined;
}

function hasPins({ libvirt }: Machine): boolean {
  return libvirt !== undefined && (libvirt.emulatorPin !== undefined || libvirt.vcpuPins.size > 0 || libvirt.ioThreadPins.size > 0);
}
