import { t } from '@vscode/l10n';
import { V2_KEY } from '../model/hierarchies';
import { ownThreads } from '../model/machines';
import { isWithin } from '../model/subtree';
import { ownDirectory } from '../parse/systemdName';
import { visible } from '../visible';
import { fileOf } from './asRead';
import type { Rule } from './rule';

/**
 * `delegate-incomplete`: a machine in a unit of its own cannot have groups with CPUs of their own, for the unit has no `cpuset`.
 *
 * **Cause.** A unit gets the controllers that it, or one beside it, asks for. `Delegate=yes` asks for all that its manager
 * has, and a user's manager (`user@UID.service`) has `cpu`, `memory`, `pids` only, unless the administrator adds `cpuset`.
 *
 * **Signature.** In v2 the machine is in a scope or service that somebody made for it (no session, and none of libvirt's,
 * Proxmox VE's or KubeVirt's), the root's `cgroup.controllers` has `cpuset`, and the unit's has not. A hint; information
 * where its threads are in several groups below the unit already: somebody wanted to place them.
 *
 * **Cost.** Threads can be pinned one by one only: each new one has its maker's affinity.
 *
 * **Fix.** A drop-in with `[Service]` `Delegate=cpu cpuset io memory pids`, for a user's machines one for `user@.service`.
 *
 * **Sources.** systemd/systemd#34186, #27943, #18293, #7558, #3500; containers/podman#22147; rootless-containers/rootlesskit#282.
 */
export const delegateIncomplete: Rule = {
  id: 'delegate-incomplete',
  title: () => t('The machine\'s unit has no cpuset controller'),
  check: (host, machine) => {
    const { model } = host;
    const { kind } = host.layoutOf(machine);
    if (kind !== 'systemd unit' && kind !== 'user session') return []; // others place a machine in their own way
    const v2 = model.hierarchies.find(({ key }) => key === V2_KEY);
    const leader = machine.threads.find(({ tid }) => tid === machine.pid);
    const place = v2 && leader?.membership.places.get(V2_KEY);
    const directory = place && !place.deleted ? ownDirectory(place.path) : undefined;
    if (!v2 || !directory || directory.isMachine || !/\.(scope|service)$/.test(directory.path) || /\/session-[^/]*\.scope$/.test(directory.path)) return [];
    const [root, unit] = [v2.cgroups.get(v2.mountRoot), v2.cgroups.get(directory.path)];
    if (root?.controllers?.includes('cpuset') !== true || unit?.controllers === undefined || unit.controllers.includes('cpuset')) return [];
    const { path } = unit;
    const groups = new Set(ownThreads(machine).flatMap(({ membership }) => membership.places.get(V2_KEY)?.path ?? []).filter(group => isWithin(group, path)));
    return [{
      rule: delegateIncomplete.id,
      severity: groups.size > 1 ? 'information' : 'hint',
      machine,
      threads: [],
      at: { kind: 'value', hierarchy: V2_KEY, path, name: 'type' },
      evidence: [...fileOf(root, 'cgroup.controllers'), ...fileOf(unit, 'cgroup.controllers')],
      sentence: shown => t('{0} has no cpuset controller: no group below it can have CPUs of its own', visible(shown(path))),
      cost: () => t('threads can only be pinned one by one, and each new one has the CPUs of who made it'),
      advice: shown => (/\/user@[^/]*\.service\//.test(path) ? t('a drop-in for user@.service: [Service] Delegate=cpu cpuset io memory pids') : t('a drop-in for {0}: Delegate=cpu cpuset io memory pids', visible(shown(path)))),
      fixes: [],
    }];
  },
};
