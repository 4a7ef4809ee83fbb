import { t } from '@vscode/l10n';
import { V2_KEY } from '../model/hierarchies';
import type { Cgroup, Machine } from '../model/hostModel';
import type { Change } from '../plan/plan';
import { visible } from '../visible';
import { fileOf } from './asRead';
import type { CheckedHost } from './checkedHost';
import type { Finding, Rule } from './rule';

/**
 * `frozen`: a cgroup at or above the machine's threads is frozen.
 *
 * **Cause.** Somebody wrote `cgroup.freeze` (v2) or `freezer.state` (v1): a backup or checkpoint tool that died before it
 * thawed, `systemctl freeze`, a hand. libvirt does not: a machine that `virsh suspend` stopped is stopped inside QEMU.
 *
 * **Signature.** `cgroup.freeze` reads 1, or `freezer.state` something else than THAWED. In v1 `freezer.state` is handed down:
 * the cgroup that was frozen itself has 1 in `freezer.self_freezing`, and thawing one below it does nothing.
 *
 * **Cost.** None of the threads runs. The guest stands still, `virsh` hangs on its monitor, and what is connected to it
 * times out.
 *
 * **Fix.** 0 to `cgroup.freeze`, THAWED to `freezer.state` of the cgroup that was frozen itself. Ask first who froze it: a
 * copy of its disk may just be under way.
 *
 * **Sources.** admin-guide/cgroup-v2.rst ("cgroup.freeze"), admin-guide/cgroup-v1/freezer-subsystem.rst.
 */
export const frozen: Rule = {
  id: 'frozen',
  title: () => t('The machine is frozen'),
  check: (host, machine) => {
    // What is below a frozen one goes on only after both were thawed: they are one finding.
    const tops = new Map<Cgroup, Cgroup[]>();
    for (const cgroup of host.around(machine)) {
      if (!isFrozenItself(cgroup)) continue;
      let top = cgroup;
      for (let at = cgroup.parent; at; at = at.parent) if (isFrozenItself(at)) top = at;
      const all = tops.get(top);
      if (all) all.push(cgroup);
      else tops.set(top, [cgroup]);
    }
    return [...tops].map(([top, all]) => finding(host, machine, top, all));
  },
};

/** Where the kernel does not tell, the highest of those that are frozen. */
function isFrozenItself({ frozen: is, frozenItself, hierarchy, parent }: Cgroup): boolean {
  if (is !== true) return false;
  return hierarchy === V2_KEY ? true : (frozenItself ?? parent?.frozen !== true);
}

/** @param all it, and those below it */
function finding(host: CheckedHost, machine: Machine, top: Cgroup, all: readonly Cgroup[]): Finding {
  const own = all.every(cgroup => host.isOwnLimit(machine, cgroup));
  const { hierarchy, path } = top;
  return {
    rule: frozen.id,
    severity: 'error',
    machine,
    threads: host.threadsWithin(machine, top),
    at: { kind: 'value', hierarchy, path, name: 'frozen' },
    evidence: all.flatMap(cgroup => fileOf(cgroup, fileName(cgroup))),
    sentence: shown => t('{0} is frozen', visible(shown(path))),
    cost: () => t('no thread in it runs: the guest stands still, and its monitor does not answer'),
    advice: shown => t('find out who froze it, then write {0} to {1} of {2}', hierarchy === V2_KEY ? '0' : 'THAWED', fileName(top), visible(shown(path))),
    fixes: own ? [{ title: shown => t('Thaw {0}', visible(shown(path))), changes: () => all.map(thaw) }] : [],
  };
}

function fileName({ hierarchy }: Cgroup): string {
  return hierarchy === V2_KEY ? 'cgroup.freeze' : 'freezer.state';
}

function thaw(cgroup: Cgroup): Change {
  return { kind: 'set', hierarchy: cgroup.hierarchy, path: cgroup.path, file: fileName(cgroup), value: cgroup.hierarchy === V2_KEY ? '0' : 'THAWED' };
}
