import { t } from '@vscode/l10n';
import { V2_KEY } from '../model/hierarchies';
import type { Hierarchy, Machine, Thread } from '../model/hostModel';
import { isWithin } from '../model/subtree';
import { visible } from '../visible';
import { placeLine } from './asRead';
import type { CheckedHost } from './checkedHost';
import type { Finding, Rule } from './rule';
import { hierarchyText } from './words';

/**
 * `vhost-elsewhere`: the kernel's worker for the machine's network is not with the emulator.
 *
 * **Cause.** The worker is put into the cgroups of the thread that set its device up, mostly QEMU's first. Before Linux 6.4 it
 * is a kernel thread of its own, `vhost-PID`, that `cgroup.procs` of QEMU does not take along: a machine whose process was
 * moved afterwards leaves it behind. Since 6.4 it is a task of QEMU; 6.12 can do both.
 *
 * **Signature.** `vhost-PID` is outside the machine's own cgroup in a hierarchy of cpu or cpuset in which the emulator is inside: a warning.
 * It is in a group that a vCPU has for itself: information. Nothing where it is with the emulator, or in a group of its own.
 *
 * **Cost.** Outside, neither the machine's CPUs nor its quota hold for it: it runs on CPUs that others have for themselves. In a
 * vCPU's group the network takes that vCPU's time.
 *
 * **Fix.** In v1 its TID to `tasks` of the emulator's group. In v2 a kernel thread of another domain cannot be moved into a
 * threaded group: pin it to the emulator's CPUs.
 *
 * **Sources.** drivers/vhost/vhost.c (vhost_attach_cgroups, vhost_worker_create); kernel e297cd54b3f8, 6e890c5d5021;
 * spdk/spdk#3482; kubevirt/enhancements#378.
 */
export const vhostElsewhere: Rule = {
  id: 'vhost-elsewhere',
  title: () => t('A vhost worker is not with the emulator'),
  check: (host, machine) => {
    const workers = machine.threads.filter(({ role }) => role.kind === 'vhost');
    const emulator = machine.threads.find(({ tid }) => tid === machine.pid);
    if (workers.length === 0 || !emulator || machine.state === 'starting') return [];
    const hierarchies = host.model.hierarchies.filter(({ key, controllers }) => key === V2_KEY ? controllers.length > 0 : controllers.includes('cpu') || controllers.includes('cpuset'));
    const vcpus = new Set<string>();
    for (const { role, membership } of machine.threads) if (role.kind === 'vcpu') for (const [key, { path }] of membership.places) vcpus.add(`${key} ${path}`);
    return workers.flatMap(worker => hierarchies.flatMap(hierarchy => ofWorker(host, machine, worker, emulator, hierarchy, vcpus)));
  },
};

/** @param vcpus hierarchy and path of each vCPU */
function ofWorker(host: CheckedHost, machine: Machine, worker: Thread, emulator: Thread, hierarchy: Hierarchy, vcpus: ReadonlySet<string>): Finding[] {
  const { key, version } = hierarchy;
  const [place, home] = [worker, emulator].map(({ membership }) => membership.places.get(key));
  if (!place || !home || place.deleted || home.deleted || place.path === home.path) return [];
  const top = host.topOf(machine, key);
  if (top === undefined || !isWithin(home.path, top)) return [];
  const outside = !isWithin(place.path, top);
  if (!outside && !vcpus.has(`${key} ${place.path}`)) return [];
  const { path } = place;
  const expected = home.path;
  return [{
    rule: vhostElsewhere.id,
    severity: outside ? 'warning' : 'information',
    machine,
    threads: [worker],
    at: { kind: 'place', thread: worker, hierarchy: key, path, expected },
    evidence: [placeLine(worker, hierarchy), placeLine(emulator, hierarchy)],
    sentence: shown => t('{0} is in {1} ({2}), the emulator in {3}', visible(worker.comm), visible(shown(path)), hierarchyText(hierarchy), visible(shown(expected))),
    cost: () => (outside ? t('neither the machine\'s CPUs nor its quota hold for its network') : t('the network takes the time of that vCPU')),
    advice: shown => (version === 2 ? t('pin it to the emulator\'s CPUs, or set its device up anew') : t('write {0} to tasks of {1}', worker.tid, visible(shown(expected)))),
    fixes: version === 2 ? [] : [{ title: shown => t('Move {0} to {1} ({2})', visible(worker.comm), visible(shown(expected)), hierarchyText(hierarchy)), changes: () => [{ kind: 'move', thread: worker, hierarchy: key, to: expected }] }],
  }];
}
