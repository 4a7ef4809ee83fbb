import { t } from '@vscode/l10n';
import { V2_KEY } from '../model/hierarchies';
import type { Cgroup } from '../model/hostModel';
import { ownThreads } from '../model/machines';
import { visible } from '../visible';
import { fileOf } from './asRead';
import type { CheckedHost } from './checkedHost';
import type { Finding, Rule } from './rule';
import { someOf } from './words';

/**
 * `accidental-thread-root`: a cgroup with processes in it became the root of a threaded domain, and its children are useless.
 *
 * **Cause.** `+cpu`, `+cpuset` or `+pids` was written to `cgroup.subtree_control` of a cgroup with processes in it. With a domain
 * controller (`+memory`) that is EBUSY; with threaded ones alone it succeeds, and the kernel makes the cgroup a thread root
 * without a word.
 *
 * **Signature.** In v2 threads of the machine are right in a cgroup that reads `domain threaded`, and of its children at least one
 * is `domain invalid` and none is `threaded`. `SCOPE/libvirt` has threaded children: it was meant.
 *
 * **Cost.** No process can be put into those children: EOPNOTSUPP. Whatever was to be placed there stays where it is.
 *
 * **Fix.** For processes: empty the cgroup into a leaf of its own first, and enable controllers then. For threads: `threaded`
 * to `cgroup.type` of each child, which cannot be taken back.
 *
 * **Sources.** kernel/cgroup/cgroup.c (cgroup_is_thread_root, cgroup_vet_subtree_control_enable); admin-guide/cgroup-v2.rst
 * ("Threads").
 */
export const accidentalThreadRoot: Rule = {
  id: 'accidental-thread-root',
  title: () => t('A cgroup became a thread root by accident'),
  check: (host, machine) => [...host.around(machine)].filter(cgroup => isAccidentalRoot(host, cgroup)).flatMap((root): Finding[] => {
    const { path } = root;
    const threads = ownThreads(machine).filter(({ membership }) => membership.places.get(V2_KEY)?.path === path);
    if (threads.length === 0) return [];
    const invalid = host.childrenOf(root).filter(({ type }) => type === 'domain invalid');
    return [{
      rule: accidentalThreadRoot.id,
      severity: 'information',
      machine,
      threads,
      at: { kind: 'value', hierarchy: V2_KEY, path, name: 'type' },
      evidence: [...fileOf(root, 'cgroup.type'), ...fileOf(root, 'cgroup.subtree_control'), ...fileOf(invalid[0], 'cgroup.type')],
      sentence: shown => t('{0} holds processes and hands down threaded controllers: it is a thread root, and {1} can hold no process', visible(shown(path)), someOf(invalid, child => visible(shown(child.path)))),
      cost: () => t('whatever is to be put below it is refused: EOPNOTSUPP'),
      advice: shown => t('move all processes of {0} to a cgroup below it that holds nothing else and enable controllers then; or, for threads, write threaded to cgroup.type of its children', visible(shown(path))),
      fixes: [],
    }];
  }),
};

/** A thread root for no other reason than what it holds and hands down (cgroup_is_thread_root). */
export function isAccidentalRoot(host: CheckedHost, cgroup: Cgroup): boolean {
  if (cgroup.hierarchy !== V2_KEY || cgroup.type !== 'domain threaded') return false;
  const types = host.childrenOf(cgroup).map(({ type }) => type);
  return types.includes('domain invalid') && !types.includes('threaded');
}
