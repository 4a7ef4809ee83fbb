import { t } from '@vscode/l10n';
import type { Cgroup, Machine, Thread } from '../model/hostModel';
import { ownThreads } from '../model/machines';
import type { CpuSet } from '../parse/cpuList';
import { visible } from '../visible';
import type { CheckedHost } from './checkedHost';
import { isNarrower } from './cpuFacts';
import { allowedOf, cpusText, cpusetFiles, threadsText } from './cpuWords';
import type { Finding, Fix, Rule } from './rule';

/**
 * `mask-narrower-than-cpuset`: a thread may run on fewer CPUs than its cpuset has, and libvirt has not pinned it so.
 *
 * **Cause.** Since Linux 6.2 the kernel keeps the mask of `sched_setaffinity` and lays it over each cpuset that the thread
 * comes to; a child inherits it. Somebody used `taskset`, or started the process from a shell or a service that was bound
 * itself (`CPUAffinity=`), and a wider cpuset does not take that back. Before 6.2 it was done since the cpuset last changed.
 *
 * **Signature.** The online CPUs of `Cpus_allowed_list` are a part of what the group that libvirt made for the thread has,
 * and not all, and libvirt's state names no pin for it. libvirt writes each pin as both, so the two are equal where it did
 * it. All threads of a group alike: where those of `emulator` differ it is `live-emulatorpin-mismatch`. Outside libvirt's
 * groups a mask is the way to pin: silent. Silent too where all that the mask leaves out is isolated at boot (`isolcpus=`): libvirt
 * keeps what has no pin off those.
 *
 * **Cost.** CPUs that it was given are not used by it.
 *
 * **Fix.** Give the mask back: all CPUs, of which the cpuset lets it have its own; without those that are isolated at boot, where
 * nothing balances, unless the group has no others, or was given them for its one thread.
 *
 * **Sources.** Linux da019032819a (sched: Enforce user requested affinity); libvirt src/qemu/qemu_process.c (qemuProcessGetAllCpuAffinity); containerd#11345, runc#4814, crun PR#1315.
 */
export const maskNarrowerThanCpuset: Rule = {
  id: 'mask-narrower-than-cpuset',
  title: () => t('A thread may run on fewer CPUs than its cpuset has'),
  check: ofMachine,
};

function ofMachine(host: CheckedHost, machine: Machine): Finding[] {
  const layout = host.layoutOf(machine);
  if (layout?.stage !== 'complete') return [];
  const { cpus } = host;
  const groups = new Map<Cgroup, { readonly threads: Thread[]; readonly may: CpuSet; alike: boolean }>();
  for (const thread of ownThreads(machine)) {
    const [may, own] = [cpus.may(thread), cpus.ownCpuset(layout, thread)];
    if (!may || !own) continue;
    const group = groups.get(own);
    if (!group) groups.set(own, { threads: [thread], may, alike: true });
    else {
      group.threads.push(thread);
      group.alike &&= may.equals(group.may);
    }
  }
  return [...groups].flatMap(([own, { threads, may, alike }]) => {
    const granted = cpus.grantedBy(own);
    if (!alike || !granted || may.isEmpty || !isNarrower(may, granted) || cpus.isOffIsolated(may, granted)) return [];
    return cpus.pin(machine, threads[0]!) ? [] : [finding(host, machine, threads)];
  });
}

function finding({ cpus }: CheckedHost, machine: Machine, threads: readonly Thread[]): Finding {
  const thread = threads[0]!;
  const cpuset = cpus.cpuset(thread)!;
  const [may, granted] = [cpus.may(thread)!, cpus.granted(thread)!];
  const back = cpus.withoutPin(cpuset, granted);
  const isKept = cpus.kernel.keepsAffinity !== false;
  return {
    rule: maskNarrowerThanCpuset.id,
    severity: isKept && thread.role.kind === 'vcpu' ? 'warning' : 'information',
    machine,
    threads,
    at: { kind: 'cpus', thread },
    evidence: [...allowedOf(thread), ...cpusetFiles(cpuset)],
    sentence: shown => t('{0} may run only on {1}, and {2} has {3}', threadsText(threads), cpusText(may), visible(shown(cpuset.path)), cpusText(granted)),
    cost: () => t('it waits for {0} while others that it was given are free', cpusText(may)),
    advice: () => (isKept ? t('taskset -pc {0} {1}: the kernel keeps the mask through every change of the cpuset', back.toString(), thread.tid) : t('taskset -pc {0} {1}', back.toString(), thread.tid)),
    fixes: [back.equals(granted)
      ? { title: () => t('Let {0} run on all CPUs of the cpuset ({1})', threadsText(threads), granted.toString()), changes: () => threads.map(one => ({ kind: 'pin', thread: one, cpus: 'all' })) }
      : offIsolated(threads, back)],
  };
}

/** @param cpus what the cpuset has besides isolated ones */
export function offIsolated(threads: readonly Thread[], cpus: CpuSet): Fix {
  return { title: () => t('Let {0} run on all CPUs of the cpuset that are not isolated ({1})', threadsText(threads), cpus.toString()), changes: () => threads.map(thread => ({ kind: 'pin', thread, cpus })) };
}
