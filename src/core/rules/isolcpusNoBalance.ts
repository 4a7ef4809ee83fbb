import { t } from '@vscode/l10n';
import type { Machine, Thread } from '../model/hostModel';
import type { CheckedHost } from './checkedHost';
import { vcpusOf } from './cpuFacts';
import { allowedOf, cpusText, isolatedOf, threadsText, pinCommand } from './cpuWords';
import type { Finding, Rule } from './rule';
import { threadText } from './words';

/**
 * `isolcpus-no-balance`: several vCPUs are on one isolated CPU, and the scheduler will not spread them.
 *
 * **Cause.** On CPUs that are isolated (`isolcpus=` at boot, or a partition `isolated`) the scheduler balances nothing: a
 * thread that may run on several of them stays where it happens to be, mostly on the first. A range in a pin (`4-7`) that
 * works on ordinary CPUs stacks all vCPUs on one here.
 *
 * **Signature.** At least two vCPUs of the machine may run on several CPUs, all of them isolated, and ran last on the same one (`stat`, field 39).
 *
 * **Cost.** They share one CPU while the others idle: the guest has a fraction of its CPUs.
 *
 * **Fix.** One CPU for each vCPU; or no `isolcpus` and a partition of the kind `root`, in which the scheduler balances.
 * (A `root` partition on CPUs that were isolated at boot is invalid itself.)
 *
 * **Sources.** Documentation/admin-guide/kernel-parameters.txt (isolcpus: "[Deprecated - use cpusets instead]");
 * cgroup-v2.rst ("cpuset.cpus.partition"); seapath/ansible#439, moby/moby#31086.
 */
export const isolcpusNoBalance: Rule = {
  id: 'isolcpus-no-balance',
  title: () => t('vCPUs are stacked on one isolated CPU'),
  check: ofMachine,
};

function ofMachine(host: CheckedHost, machine: Machine): Finding[] {
  const { cpus } = host;
  const byLast = new Map<number, Thread[]>();
  for (const thread of vcpusOf(machine)) {
    const may = cpus.may(thread);
    if (!may || may.size < 2 || !may.isSubsetOf(cpus.isolated(thread))) continue;
    const there = byLast.get(thread.lastCpu);
    if (there) there.push(thread);
    else byLast.set(thread.lastCpu, [thread]);
  }
  return [...byLast].flatMap(([cpu, threads]) => (threads.length < 2 ? [] : [finding(host, machine, cpu, threads)]));
}

function finding(host: CheckedHost, machine: Machine, cpu: number, threads: readonly Thread[]): Finding {
  const { model, cpus } = host;
  const first = threads[0]!;
  const may = cpus.may(first)!;
  return {
    rule: isolcpusNoBalance.id,
    severity: 'warning',
    machine,
    threads,
    at: { kind: 'cpus', thread: first },
    evidence: [...threads.flatMap(allowedOf), ...threads.map(({ pid, tid, lastCpu }) => ({ file: `/proc/${pid}/task/${tid}/stat`, value: `processor: ${lastCpu}` })), ...isolatedOf(model)],
    sentence: () => t('{0} may run on {1}, which are isolated, and all of them are on CPU {2}', threadsText(threads), cpusText(may), cpu),
    cost: () => t('they take turns on one CPU while the others are idle: on isolated CPUs the scheduler moves nothing'),
    advice: () => t('give each a CPU of its own, {0} for example: {1}', threadText(first), pinCommand(host, machine, first, String(cpu))),
    fixes: [],
  };
}
