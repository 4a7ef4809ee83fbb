import { t } from '@vscode/l10n';
import { V2_KEY } from '../model/hierarchies';
import type { Cgroup, Machine, Thread } from '../model/hostModel';
import { ownThreads } from '../model/machines';
import type { Change } from '../plan/plan';
import { visible } from '../visible';
import { isAccidentalRoot } from './accidentalThreadRoot';
import { fileOf } from './asRead';
import type { CheckedHost } from './checkedHost';
import type { Finding, Rule } from './rule';

/**
 * `domain-invalid`: a cgroup of the machine can hold nothing.
 *
 * **Cause.** A cgroup that is made below a thread root, or in a threaded cgroup, begins as `domain invalid` and stays so until
 * `threaded` is written to its `cgroup.type`. A script that knows nothing of threads does not; who does, may have been ended
 * in between.
 *
 * **Signature.** In v2 a cgroup of the machine's own reads `domain invalid`. Information; a warning where a thread of the
 * machine has its place there. Children of a cgroup that became a thread root by accident are `accidental-thread-root`.
 *
 * **Cost.** Nothing can be moved there and no controller enabled: EOPNOTSUPP.
 *
 * **Fix.** `threaded` to its `cgroup.type`, which cannot be taken back; a thread that has its place there is moved in the same
 * plan. Or remove it, and make it outside the threaded domain.
 *
 * **Sources.** admin-guide/cgroup-v2.rst ("Threads"); kernel/cgroup/cgroup.c (cgroup_is_valid_domain); opencontainers/runc PR#2390.
 */
export const domainInvalid: Rule = {
  id: 'domain-invalid',
  title: () => t('A cgroup can hold nothing'),
  check: (host, machine) => {
    const invalid = invalidOf(host, machine);
    const homes = invalid.length === 0 ? new Map<string, Thread[]>() : homesOf(host, machine);
    return invalid.map(cgroup => finding(machine, cgroup, homes.get(cgroup.path) ?? []));
  },
};

function finding(machine: Machine, cgroup: Cgroup, threads: readonly Thread[]): Finding {
  const { path } = cgroup;
  return {
    rule: domainInvalid.id,
    severity: threads.length > 0 ? 'warning' : 'information',
    machine,
    threads,
    at: { kind: 'value', hierarchy: V2_KEY, path, name: 'type' },
    evidence: fileOf(cgroup, 'cgroup.type'),
    sentence: shown => t('{0} is in a threaded domain and not threaded itself: it can hold nothing', visible(shown(path))),
    cost: () => (threads.length > 0 ? t('the thread that has its place there stays where it is, with the CPUs and the quota of who else is there') : t('whatever is moved there is refused: EOPNOTSUPP')),
    advice: shown => t('write threaded to cgroup.type of {0} (there is no way back), or remove it', visible(shown(path))),
    fixes: threads.length === 0 ? [] : [{
      title: shown => t('Make {0} threaded, and move its thread there', visible(shown(path))),
      changes: () => threads.map((thread): Change => ({ kind: 'move', thread, hierarchy: V2_KEY, to: path })),
    }],
  };
}

/** The uppermost of each branch: what is below is so for the same reason. */
function invalidOf(host: CheckedHost, machine: Machine): Cgroup[] {
  const top = host.topOf(machine, V2_KEY);
  const start = top === undefined ? undefined : host.model.hierarchies.find(({ key }) => key === V2_KEY)?.cgroups.get(top);
  const found: Cgroup[] = [];
  const waiting = start ? [start] : [];
  for (let at = waiting.pop(); at; at = waiting.pop()) {
    const accidental = isAccidentalRoot(host, at);
    for (const child of host.childrenOf(at)) {
      if (child.type !== 'domain invalid') waiting.push(child);
      else if (!accidental) found.push(child);
    }
  }
  return found;
}

/** Path → the threads that have their place there. */
function homesOf(host: CheckedHost, machine: Machine): ReadonlyMap<string, readonly Thread[]> {
  const layout = host.layoutOf(machine);
  const homes = new Map<string, Thread[]>();
  for (const thread of layout ? ownThreads(machine) : []) {
    const path = layout!.expectedPath(thread, V2_KEY);
    const known = path === undefined ? undefined : homes.get(path);
    if (known) known.push(thread);
    else if (path !== undefined) homes.set(path, [thread]);
  }
  return homes;
}
