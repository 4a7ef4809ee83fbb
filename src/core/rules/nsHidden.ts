import { t } from '@vscode/l10n';
import { visible } from '../visible';
import { placeLine } from './asRead';
import type { Rule } from './rule';
import { hierarchyText } from './words';

/**
 * `ns-hidden`: the machine is outside the cgroup namespace of who looks.
 *
 * **Cause.** The reader runs in a container, or after `unshare --cgroup`: paths are told from the root of its own namespace,
 * and what is beside or above that begins with `/..`.
 *
 * **Signature.** A line of `/proc/PID/task/TID/cgroup` of the machine reads `/../…`.
 *
 * **Cost.** None to the guest. Nothing can be moved across the namespace's root (ENOENT), the files of that root cannot be
 * written with `nsdelegate` (EPERM), and the limits above it are not seen: they may be tighter than all that is.
 *
 * **Fix.** Look from the host itself.
 *
 * **Sources.** cgroup_namespaces(7); admin-guide/cgroup-v2.rst ("Namespace", "Delegation Containment"); kernel/cgroup/cgroup.c
 * (cgroup_procs_write_permission).
 */
export const nsHidden: Rule = {
  id: 'ns-hidden',
  title: () => t('The machine is outside the reader\'s cgroup namespace'),
  check: ({ model }, machine) => {
    const leader = machine.threads.find(({ tid }) => tid === machine.pid) ?? machine.threads[0];
    if (!leader) return [];
    const outside = model.hierarchies.filter(({ key }) => isOutside(leader.membership.places.get(key)?.path));
    const first = outside[0];
    if (!first) return [];
    const { path } = leader.membership.places.get(first.key)!;
    return [{
      rule: nsHidden.id,
      severity: 'information',
      machine,
      threads: [],
      at: { kind: 'place', thread: leader, hierarchy: first.key, path, expected: undefined },
      evidence: outside.map(hierarchy => placeLine(leader, hierarchy)),
      sentence: shown => t('{0} is outside the cgroup namespace from which this was read ({1})', visible(shown(path)), outside.map(hierarchyText).join(', ')),
      cost: () => t('nothing to the guest; from here its threads cannot be moved (ENOENT), and limits above the namespace are not seen'),
      advice: () => t('look from the host itself, outside the container'),
      fixes: [],
    }];
  },
};

/** A cgroup's own name may begin with two dots. */
function isOutside(path: string | undefined): boolean {
  return path === '/..' || path?.startsWith('/../') === true;
}
