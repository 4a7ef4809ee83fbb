import { t } from '@vscode/l10n';
import { without } from '../cgroup/affinity';
import type { Machine, Thread } from '../model/hostModel';
import { CpuSet } from '../parse/cpuList';
import type { CheckedHost } from './checkedHost';
import { vcpusOf } from './cpuFacts';
import { waits } from './cpuWait';
import { allowedOf, cpusText, cpusetFiles, isolatedOf, threadsText, pinCommand } from './cpuWords';
import type { Finding, Fix, Rule, Severity } from './rule';

/**
 * `emulator-over-vcpus`: QEMU's main loop may run on CPUs that vCPUs are pinned to.
 *
 * **Cause.** The vCPUs were given CPUs of their own, and the emulator was not given others: no `<emulatorpin>`, or one that overlaps.
 *
 * **Signature.** The first thread of the process may run on a CPU that is the only one of a vCPU of the machine, or that is
 * isolated and a vCPU's. A warning where that CPU is isolated (the scheduler will not move either of them away), or where such a
 * vCPU waits for it; information where it is a single vCPU's and the emulator has no other; else a hint. vCPUs that are not pinned one by one are no case of it.
 *
 * **Cost.** While the main loop works (disk, network, the monitor) the vCPU stands still: jitter, and lost packets.
 *
 * **Fix.** CPUs for the emulator that no vCPU or I/O thread of the host is pinned to.
 *
 * **Sources.** libvirt formatdomain (cputune, emulatorpin); OpenStack `hw:emulator_threads_policy`; kubevirt/user-guide#305.
 */
export const emulatorOverVcpus: Rule = {
  id: 'emulator-over-vcpus',
  title: () => t('The emulator runs on the CPUs of vCPUs'),
  check: ofMachine,
};

function ofMachine(host: CheckedHost, machine: Machine): Finding[] {
  const { cpus } = host;
  const main = machine.threads.find(({ tid }) => tid === machine.pid);
  const own = main && cpus.may(main);
  if (!main || !own || machine.state === 'starting' || !cpus.online || cpus.online.size < 2) return [];
  const layout = host.layoutOf(machine);
  if (layout && layout.stage !== 'complete') return [];
  const pinned = vcpusOf(machine).filter(thread => {
    const may = cpus.may(thread);
    return may && !may.isEmpty && !may.intersect(own).isEmpty && (may.size === 1 || may.isSubsetOf(cpus.isolated(thread)));
  });
  return pinned.length === 0 ? [] : [finding(host, machine, main, own, pinned)];
}

function finding(host: CheckedHost, machine: Machine, main: Thread, own: CpuSet, pinned: readonly Thread[]): Finding {
  const { cpus, model } = host;
  const theirs = CpuSet.fromRanges(pinned.flatMap(thread => cpus.may(thread)!.ranges));
  const shared = theirs.intersect(own);
  const free = freeFor(host, machine, main, own);
  return {
    rule: emulatorOverVcpus.id,
    severity: severityOf(host, own, pinned, shared),
    machine,
    threads: [main],
    at: { kind: 'cpus', thread: main },
    evidence: [...allowedOf(main), ...cpusetFiles(cpus.cpuset(main)), ...pinned.slice(0, 4).flatMap(allowedOf), ...isolatedOf(model)],
    sentence: () => t('the emulator may run on {0}, where vCPUs are pinned: {1}', cpusText(shared), threadsText(pinned)),
    cost: () => t('the vCPU stands still while QEMU serves disks, network and the monitor there: jitter, lost packets'),
    advice: () => {
      const command = pinCommand(host, machine, main, 'CPUS');
      return free?.isEmpty ? t('free a CPU for it first: each that it could have is isolated, or vCPUs or I/O threads are pinned to it; then: {0}', command) : t('give it CPUs that no vCPU is pinned to: {0}', command);
    },
    fixes: free ? fixesOf(host, machine, main, free) : [],
  };
}

function severityOf({ cpus, recent }: CheckedHost, own: CpuSet, pinned: readonly Thread[], shared: CpuSet): Severity {
  if (pinned.some(thread => !shared.intersect(cpus.isolated(thread)).isEmpty)) return 'warning';
  if (pinned.some(thread => waits(recent, thread))) return 'warning';
  const isSingle = [...own].every(cpu => cpus.boundTo(cpu).length === 1);
  return isSingle ? 'information' : 'hint';
}

/** Within what it has, if something is left of that; else where nothing is isolated. Nowhere are other machines' vCPUs or I/O threads pinned. */
function freeFor(host: CheckedHost, machine: Machine, main: Thread, own: CpuSet): CpuSet | undefined {
  const { cpus, model } = host;
  const rest = without(own, cpus.takenCpus());
  if (!rest.isEmpty) return rest;
  const group = cpus.ownCpuset(host.layoutOf(machine), main);
  const offered = group ? cpus.grantedBy(group.parent) : cpus.granted(main);
  return offered && without(without(offered, model.topology.isolated ?? CpuSet.empty), cpus.takenCpus());
}

function fixesOf(host: CheckedHost, machine: Machine, main: Thread, free: CpuSet): Fix[] {
  const { cpus } = host;
  const group = cpus.ownCpuset(host.layoutOf(machine), main);
  const offered = cpus.grantedBy(group?.parent);
  const pin = cpus.pin(machine, main);
  if (!group || !offered || free.isEmpty || !free.isSubsetOf(offered) || pin?.equals(free) === false) return []; // what libvirt has pinned only virsh should pin otherwise
  return [{ title: () => t('Keep the emulator on {0}', cpusText(free)), changes: () => [{ kind: 'set', hierarchy: group.hierarchy, path: group.path, file: 'cpuset.cpus', value: free.toString() }] }];
}
