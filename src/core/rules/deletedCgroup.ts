import { t } from '@vscode/l10n';
import { roleText } from '../model/roles';
import { visible } from '../visible';
import { placeLine } from './asRead';
import type { Finding, Rule } from './rule';
import { hierarchyText } from './words';

/**
 * `deleted-cgroup`: the cgroup of a thread was removed.
 *
 * **Cause.** A cgroup can be removed when only dead tasks are in it: a thread that ended and was not waited for, or a process
 * whose first thread has ended while others go on.
 *
 * **Signature.** A path in `/proc/PID/task/TID/cgroup` ends in ` (deleted)`.
 *
 * **Cost.** None: such a task does not run, and no limit holds for it.
 *
 * **Fix.** Look again: mostly it is gone by then. It cannot be moved. One that stays is a zombie whose parent does not wait.
 *
 * **Sources.** cgroups(7); kernel/cgroup/cgroup.c (proc_cgroup_show).
 */
export const deletedCgroup: Rule = {
  id: 'deleted-cgroup',
  title: () => t('The cgroup of a thread was removed'),
  check: ({ model }, machine) => machine.threads.flatMap((thread): Finding[] => {
    const deleted = model.hierarchies.filter(({ key }) => thread.membership.places.get(key)?.deleted === true);
    const first = deleted[0];
    if (!first) return [];
    const { path } = thread.membership.places.get(first.key)!;
    return [{
      rule: deletedCgroup.id,
      severity: 'hint',
      machine,
      threads: [thread],
      at: { kind: 'place', thread, hierarchy: first.key, path, expected: undefined },
      evidence: deleted.map(hierarchy => placeLine(thread, hierarchy)),
      sentence: shown => t('{0} ({1}) was in {2} ({3}), which was removed', visible(roleText(thread.role)), thread.tid, visible(shown(path)), deleted.map(hierarchyText).join(', ')),
      cost: () => t('nothing: only a task that has ended can be in a removed cgroup'),
      advice: () => t('look again; one that stays is a zombie whose parent does not wait for it'),
      fixes: [],
    }];
  }),
};
