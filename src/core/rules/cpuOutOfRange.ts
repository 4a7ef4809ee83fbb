import { t } from '@vscode/l10n';
import { without } from '../cgroup/affinity';
import type { Machine, Thread } from '../model/hostModel';
import { ownThreads } from '../model/machines';
import type { CpuSet } from '../parse/cpuList';
import type { CheckedHost } from './checkedHost';
import { allowedOf, cpusText, pinEvidence, pinCommand } from './cpuWords';
import type { Finding, Rule } from './rule';
import { threadText } from './words';

/**
 * `cpu-out-of-range`: a pin names CPUs that this host can never have.
 *
 * **Cause.** The machine was defined for a larger host, or came from one by migration.
 *
 * **Signature.** libvirt's live pin of a thread has CPUs that are not in `/sys/devices/system/cpu/possible`. The kernel's own
 * files never show such a CPU: a write of it is refused (ERANGE), or it is left out of an affinity in silence.
 *
 * **Cost.** Fewer CPUs than were meant, or, where none is left, no pin at all: the next start fails with "Numerical result out of range".
 *
 * **Fix.** A pin to CPUs of this host, in the running machine and in its definition.
 *
 * **Sources.** kernel/cgroup/cpuset.c (ERANGE above nr_cpu_ids), Documentation/admin-guide/cputopology.rst; innogames/igvm#280.
 */
export const cpuOutOfRange: Rule = {
  id: 'cpu-out-of-range',
  title: () => t('A pin names CPUs that this host has not got'),
  check: (host, machine) => {
    const { model, cpus } = host;
    const { possible } = model.topology;
    if (!possible || possible.isEmpty || !machine.libvirt) return [];
    return ownThreads(machine).flatMap(thread => {
      const pin = cpus.pin(machine, thread);
      return !pin || pin.isSubsetOf(possible) ? [] : [finding(host, machine, thread, pin, possible)];
    });
  },
};

function finding(host: CheckedHost, machine: Machine, thread: Thread, pin: CpuSet, possible: CpuSet): Finding {
  const { topology } = host.model;
  const left = pin.intersect(topology.online ?? possible);
  return {
    rule: cpuOutOfRange.id,
    severity: left.isEmpty ? 'warning' : 'information',
    machine,
    threads: [thread],
    at: { kind: 'cpus', thread },
    evidence: [pinEvidence(machine, thread, pin), { file: '/sys/devices/system/cpu/possible', value: possible.toString() }, ...allowedOf(thread)],
    sentence: () => t('{0} is pinned by libvirt to {1}, of which this host cannot have {2}', threadText(thread), cpusText(pin), cpusText(without(pin, possible))),
    cost: () => (left.isEmpty ? t('it is not pinned at all, and the next start fails: Numerical result out of range') : t('it has only {0} of what was meant', cpusText(left))),
    advice: () => t('run: {0}, and change the definition too', pinCommand(host, machine, thread, left.isEmpty ? possible.toString() : left.toString())),
    fixes: [],
  };
}
