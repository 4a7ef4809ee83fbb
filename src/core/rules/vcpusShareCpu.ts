import { t } from '@vscode/l10n';
import type { Machine, Thread } from '../model/hostModel';
import { CpuSet } from '../parse/cpuList';
import { visible } from '../visible';
import type { CheckedHost } from './checkedHost';
import { type BoundVcpu, vcpusOf } from './cpuFacts';
import { waits } from './cpuWait';
import { allowedOf, cpusText, isolatedOf, nohzFullOf, threadsText } from './cpuWords';
import type { Finding, Rule } from './rule';
import { threadText } from './words';

/** So many others are looked at to name some of them. */
const NAMED = 4;

/**
 * `vcpus-share-cpu`: two vCPUs may run only on the same CPU, or on the two threads of one core.
 *
 * **Cause.** More vCPUs are pinned than there are CPUs for them; two machines were given the same ones by two people or by
 * two definitions; a scheduler of machines counts threads of a core as cores.
 *
 * **Signature.** The only online CPU of a vCPU is the only one of another vCPU of the host too. Or vCPUs of different
 * machines are bound to one core (`thread_siblings_list`), each to one of its threads or to both; within a machine that is how a guest is given
 * cores with threads, and no fault. A warning where the CPU is isolated or `nohz_full`, or one of them waits for it (`cpu-wait`). Information where both machines
 * have a CPU for each of their vCPUs by libvirt: that is how dedicated CPUs are given, and no CPU is given twice on purpose. Else
 * a hint: to share CPUs may be meant.
 *
 * **Cost.** Each stands still while another runs; on one core each runs at little more than half of the speed.
 *
 * **Fix.** A CPU for each; which one is free for it only the owner knows.
 *
 * **Sources.** Documentation/admin-guide/cputopology.rst (thread_siblings_list); Documentation/scheduler/sched-stats.rst
 * (/proc/PID/schedstat: time waiting); OpenStack `hw:cpu_thread_policy`.
 */
export const vcpusShareCpu: Rule = {
  id: 'vcpus-share-cpu',
  title: () => t('vCPUs share one CPU'),
  check: ofMachine,
};

function ofMachine(host: CheckedHost, machine: Machine): Finding[] {
  const { cpus } = host;
  const layout = host.layoutOf(machine);
  if (layout && layout.stage !== 'complete') return []; // all are in one group until libvirt places them
  const onCpu = new Map<number, Thread[]>();
  const onCore = new Map<string, { readonly core: CpuSet; readonly threads: Thread[] }>();
  for (const thread of vcpusOf(machine)) {
    const { cpu, core, coreKey } = cpus.bindingOf(thread);
    const [sameCpu, sameCore] = [cpu === undefined ? undefined : onCpu.get(cpu), coreKey === undefined ? undefined : onCore.get(coreKey)];
    if (sameCpu) sameCpu.push(thread);
    else if (cpu !== undefined) onCpu.set(cpu, [thread]);
    if (sameCore) sameCore.threads.push(thread);
    else if (coreKey !== undefined && core) onCore.set(coreKey, { core, threads: [thread] });
  }
  const ofCpus = [...onCpu].flatMap(([cpu, threads]) => {
    const all = cpus.boundTo(cpu);
    return all.length < 2 ? [] : [finding(host, machine, { cpus: CpuSet.of(cpu), isCore: false, threads, others: othersOf(machine, all), count: all.length - threads.length })];
  });
  const told = new Set(ofCpus.flatMap(({ threads }) => threads));
  const ofCores = [...onCore].flatMap(([coreKey, { core, threads }]) => {
    const untold = threads.filter(thread => !told.has(thread));
    const others = untold.length === 0 ? [] : othersOf(machine, cpus.boundToCore(coreKey)).filter(({ thread }) => !threads.some(one => isSameCpu(host, one, thread)));
    return others.length === 0 ? [] : [finding(host, machine, { cpus: core, isCore: true, threads: untold, others, count: others.length })];
  });
  return [...ofCpus, ...ofCores];
}

/** Of other machines, a few: a CPU may be thousands'. */
function othersOf(machine: Machine, all: readonly BoundVcpu[]): BoundVcpu[] {
  const others: BoundVcpu[] = [];
  for (const one of all) {
    if (one.machine !== machine) others.push(one);
    if (others.length === NAMED) break;
  }
  return others;
}

function isSameCpu({ cpus }: CheckedHost, a: Thread, b: Thread): boolean {
  const [one, other] = [cpus.may(a), cpus.may(b)];
  return one?.size === 1 && other !== undefined && one.equals(other);
}

interface Sharing {
  readonly cpus: CpuSet;
  readonly isCore: boolean;
  /** Of the machine. */
  readonly threads: readonly Thread[];
  /** Some of the other machines'. */
  readonly others: readonly BoundVcpu[];
  /** How many others there are. */
  readonly count: number;
}

function finding(host: CheckedHost, machine: Machine, { cpus: shared, isCore, threads, others, count }: Sharing): Finding {
  const { model, recent, cpus } = host;
  const first = threads[0]!;
  const isIsolated = shared.isSubsetOf(cpus.isolated(first));
  const isApart = shared.isSubsetOf(cpus.setApart(first));
  const isDedicated = cpus.isDedicated(machine) && others.some(({ machine: of }) => cpus.isDedicated(of));
  const isWaiting = [...threads, ...others.map(({ thread }) => thread)].some(thread => waits(recent, thread));
  const siblings = { file: `/sys/devices/system/cpu/cpu${shared.ranges[0]![0]}/topology/thread_siblings_list`, value: shared.toString() };
  return {
    rule: vcpusShareCpu.id,
    severity: isWaiting || (isApart && !isCore) ? 'warning' : isApart || (isDedicated && !isCore) ? 'information' : 'hint',
    machine,
    threads,
    at: { kind: 'cpus', thread: first },
    evidence: [...threads.slice(0, NAMED).flatMap(allowedOf), ...others.flatMap(({ thread }) => allowedOf(thread)), ...(isCore ? [siblings] : []), ...(isIsolated ? isolatedOf(model) : isApart ? nohzFullOf(model) : [])],
    sentence: () => {
      const [own, where] = [threadsText(threads), isCore ? t('the core of {0}', cpusText(shared)) : cpusText(shared)];
      const names = others.slice(0, 3).map(({ machine: of, thread }) => t('{0} of {1}', threadText(thread), visible(of.name))).join(', ');
      const what = others.length === 0 ? t('{0} may run only on {1}', own, where) : t('{0} may run only on {1}, as {2}', own, where, count > 3 ? t('{0} and {1} more', names, count - 3) : names);
      if (isIsolated) return t('{0}; it is isolated', what);
      return isApart ? t('{0}; it is nohz_full', what) : what;
    },
    cost: () => (isCore ? t('they slow each other down on one core') : t('each stands still while another runs')),
    advice: () => t('pin each to a CPU of its own, or give the guests fewer vCPUs'),
    fixes: [],
  };
}
