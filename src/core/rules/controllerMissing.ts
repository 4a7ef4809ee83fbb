import { t } from '@vscode/l10n';
import type { Layout } from '../layout/layout';
import type { Hierarchy, HostModel, Machine, Thread } from '../model/hostModel';
import { ownThreads } from '../model/machines';
import { visible } from '../visible';
import { placeLine } from './asRead';
import type { CheckedHost } from './checkedHost';
import type { Finding, Rule } from './rule';

/**
 * `controller-missing`: libvirt has groups of threads in one v1 controller, and none in another that they need.
 *
 * **Cause.** libvirt makes the groups in `cpu`, `cpuacct` and `cpuset`, in those that are mounted when it starts and that
 * `cgroup_controllers` of its qemu.conf names. One that was mounted later, or that the list leaves out, it does not use.
 *
 * **Signature.** The machine has `vcpuN` in `cpu` or in `cpuset`; the host has the other one in v1; and the machine has no directory
 * there. Where it has one and its threads are elsewhere, that is `thread-outside-layout`; what v2 lacks, `subtree-control-stripped`
 * says. Information; a warning where libvirt has CPUs set and `cpuset` is the one that is missing.
 *
 * **Cost.** Without `cpuset` a pin is the affinity of one thread: QEMU's others, and those that it starts yet, may run on every
 * CPU. Without `cpu` no quota and no shares hold.
 *
 * **Fix.** Mount the controller, or add it to `cgroup_controllers`; restart libvirtd, and start the machine anew.
 *
 * **Sources.** libvirt src/qemu/qemu.conf.in (cgroup_controllers), src/util/vircgroup.c (virCgroupNewThread).
 */
export const controllerMissing: Rule = {
  id: 'controller-missing',
  title: () => t('libvirt has no groups in a controller that the machine needs'),
  check(host: CheckedHost, machine: Machine): Finding[] {
    const layout = host.layoutOf(machine);
    const vcpu = layout.stage === 'complete' ? ownThreads(machine).find(({ role }) => role.kind === 'vcpu' && role.id !== undefined) : undefined;
    if (!vcpu) return [];
    const grouped = host.model.hierarchies.find(({ key }) => isGrouped(layout, vcpu, key));
    if (!grouped) return [];
    return missingIn(host.model, layout, vcpu).map(({ controller, hierarchy }): Finding => {
      const path = vcpu.membership.places.get(hierarchy.key)!.path;
      const there = layout.expectedPath(vcpu, grouped.key)!;
      return {
        rule: controllerMissing.id,
        severity: controller === 'cpuset' && machine.libvirt !== undefined && machine.libvirt.vcpuPins.size > 0 ? 'warning' : 'information',
        machine,
        threads: [],
        at: { kind: 'place', thread: vcpu, hierarchy: hierarchy.key, path, expected: undefined },
        evidence: [placeLine(vcpu, hierarchy), placeLine(vcpu, grouped)],
        sentence: shown => t('it has groups of threads in {0}, and none in {1}', visible(shown(there.slice(0, there.lastIndexOf('/')))), visible(hierarchy.key)),
        cost: () => (controller === 'cpuset' ? t('pins are the affinity of single threads: QEMU\'s others may run on every CPU') : t('quotas and shares of the machine have no effect')),
        advice: () => t('see that libvirt may use {0} (mounted, and in cgroup_controllers of qemu.conf), restart libvirtd, and start the machine anew', controller),
        fixes: [],
      };
    });
  },
};

function isGrouped(layout: Layout, vcpu: Thread, key: string): boolean {
  return layout.expectedPath(vcpu, key)?.endsWith(`/vcpu${vcpu.role.id}`) === true;
}

function missingIn({ hierarchies, controllers }: HostModel, layout: Layout, vcpu: Thread): { readonly controller: string; readonly hierarchy: Hierarchy }[] {
  return ['cpu', 'cpuset'].flatMap(controller => {
    const hierarchy = controllers.get(controller) === 'v1' ? hierarchies.find(of => of.version === 1 && of.controllers.includes(controller)) : undefined;
    if (!hierarchy || isGrouped(layout, vcpu, hierarchy.key) || layout.expectedPath(vcpu, hierarchy.key) !== undefined) return [];
    const place = vcpu.membership.places.get(hierarchy.key);
    return !place || place.deleted ? [] : [{ controller, hierarchy }];
  });
}
