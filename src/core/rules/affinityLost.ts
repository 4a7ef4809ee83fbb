import { t } from '@vscode/l10n';
import { isOld } from '../layout/age';
import type { Machine, Thread } from '../model/hostModel';
import { ownThreads } from '../model/machines';
import type { CpuSet } from '../parse/cpuList';
import type { CheckedHost } from './checkedHost';
import { isNarrower } from './cpuFacts';
import { allowedOf, cpusText, cpusetFiles, pinEvidence, pinCommand } from './cpuWords';
import type { Finding, Rule } from './rule';
import { threadText } from './words';

/**
 * `affinity-lost`: the kernel has forgotten a thread's pin.
 *
 * **Cause.** Before Linux 6.2 every change of the cpuset around a thread, and every move to another one, writes the cpuset
 * over its affinity: a `systemctl daemon-reload` that turns the cpuset controller on, a hook, a CPU that goes and comes back.
 *
 * **Signature.** On a kernel before 6.2 the thread may run on all CPUs of its cpuset, and libvirt's state pins it to fewer
 * of them. (That the two are equal is the healthy state where nobody pinned it.) Kernels that backport the scheduler are
 * left out, and so is the first minute of a thread, in which libvirt may still be about to pin it.
 *
 * **Cost.** The thread wanders over all CPUs of the cpuset: caches are cold, and it meets threads that it was kept apart from.
 *
 * **Fix.** Pin it again.
 *
 * **Sources.** Linux da019032819a; Documentation/admin-guide/cgroup-v1/cpusets.rst; systemd/systemd#23748.
 */
export const affinityLost: Rule = {
  id: 'affinity-lost',
  title: () => t('The kernel has forgotten a pin'),
  check: (host, machine) => (host.cpus.kernel.keepsAffinity === false && machine.libvirt ? ownThreads(machine).flatMap(thread => {
    const pin = lostPin(host, machine, thread);
    return pin ? [finding(host, machine, thread, pin)] : [];
  }) : []),
};

/** What it was pinned to by libvirt, where the kernel has written its cpuset over that. */
export function lostPin({ cpus, model }: CheckedHost, machine: Machine, thread: Thread): CpuSet | undefined {
  if (cpus.kernel.keepsAffinity !== false || !isOld(model, thread)) return undefined; // one that is new may not be pinned yet
  const pin = cpus.pin(machine, thread);
  const [may, granted] = [cpus.may(thread), cpus.granted(thread)];
  const wanted = pin && cpus.onlineOf(pin);
  return wanted && may && granted?.equals(may) === true && !wanted.isEmpty && isNarrower(wanted, may) ? wanted : undefined;
}

function finding(host: CheckedHost, machine: Machine, thread: Thread, pin: CpuSet): Finding {
  const { cpus } = host;
  return {
    rule: affinityLost.id,
    severity: 'warning',
    machine,
    threads: [thread],
    at: { kind: 'cpus', thread },
    evidence: [...allowedOf(thread), ...cpusetFiles(cpus.cpuset(thread)), pinEvidence(machine, thread, cpus.pin(machine, thread)!)],
    sentence: () => t('{0} may run on {1}, all of its cpuset, and libvirt has pinned it to {2}', threadText(thread), cpusText(cpus.may(thread)!), cpusText(pin)),
    cost: () => t('it wanders over CPUs that it was kept away from'),
    advice: () => t('run: {0}', pinCommand(host, machine, thread, pin.toString())),
    fixes: [{ title: () => t('Pin {0} to {1} again', threadText(thread), cpusText(pin)), changes: () => [{ kind: 'pin', thread, cpus: pin }] }],
  };
}
