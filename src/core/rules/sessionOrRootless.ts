import { t } from '@vscode/l10n';
import { visible } from '../visible';
import { placeLine } from './asRead';
import type { Rule } from './rule';

/**
 * `session-or-rootless`: the machine is in a user's session, and has no cgroup of its own.
 *
 * **Cause.** It was started by `qemu:///session`, in a shell, or by a tool without root. libvirt may make no cgroups there, ignores that
 * (ENXIO, EPERM, EACCES), and goes on without any.
 *
 * **Signature.** All of its threads are below `user.slice`: in `session-N.scope`, in `user@UID.service`, or in a unit of a user's own systemd.
 *
 * **Cost.** None to the guest. Quotas, weights and CPUs of a cgroup hold for all that the user runs, or there are none;
 * `virsh schedinfo` and `emulatorpin` fail or do nothing; the machine ends with the session, unless the user lingers.
 *
 * **Fix.** Affinity (`taskset`, a pin of this extension) works. For limits, a scope of one's own: `systemd-run --user --scope`.
 *
 * **Sources.** libvirt src/util/vircgroup.c (virCgroupNewIgnoreError); systemd CGROUP_DELEGATION.md; loginctl(1), enable-linger.
 */
export const sessionOrRootless: Rule = {
  id: 'session-or-rootless',
  title: () => t('The machine is in a user\'s session, without a cgroup of its own'),
  check: (host, machine) => {
    if (host.layoutOf(machine).kind !== 'user session') return [];
    const leader = machine.threads.find(({ tid }) => tid === machine.pid);
    const hierarchy = host.model.hierarchies.find(({ key }) => leader?.membership.places.get(key)?.path.includes('/user.slice/'));
    if (!hierarchy || !leader) return [];
    const { path } = leader.membership.places.get(hierarchy.key)!;
    return [{
      rule: sessionOrRootless.id,
      severity: 'information',
      machine,
      threads: [],
      at: { kind: 'machine' },
      evidence: [placeLine(leader, hierarchy)],
      sentence: shown => t('it is in {0}, which is a user\'s, and has no cgroup of its own', visible(shown(path))),
      cost: () => t('limits hold for all that is there, or for nothing; pins are the affinity of single threads'),
      advice: () => t('pin threads by affinity; for limits start it in a scope of its own (systemd-run --user --scope)'),
      fixes: [],
    }];
  },
};
