import { t } from '@vscode/l10n';
import type { Cgroup, Machine, Thread } from '../model/hostModel';
import { ownThreads } from '../model/machines';
import type { CpuSet } from '../parse/cpuList';
import { visible } from '../visible';
import type { CheckedHost } from './checkedHost';
import { isNarrower } from './cpuFacts';
import { allowedOf, cpusText, cpusetFiles, threadsText } from './cpuWords';
import { offIsolated } from './maskNarrowerThanCpuset';
import type { Finding, Rule } from './rule';
import { threadText } from './words';

/**
 * `live-emulatorpin-mismatch`: threads of `emulator` may run on different CPUs, though one cpuset is for all of them.
 *
 * **Cause.** `virsh emulatorpin --live` writes the cpuset of `emulator` and the mask of QEMU's first thread. The others
 * (workers, vhost of Linux 6.4 and later) were started with a mask that was inherited, and since Linux 6.2 the kernel keeps it:
 * of the new cpuset they get only what that mask has too. `taskset` on a single thread looks alike.
 *
 * **Signature.** In the group `emulator` the online CPUs of some of QEMU's threads are a part of the cpuset's, and not all.
 * Silent where all that they leave out is isolated at boot (`isolcpus=`): libvirt keeps what has no pin off those.
 *
 * **Cost.** The main loop has all the CPUs of the pin; disk, network and migration threads crowd on a part of them.
 *
 * **Fix.** Give the masks of those threads back: all CPUs, of which the cpuset lets them have its own; without those that are
 * isolated at boot, where the cpuset has others: on isolated CPUs nothing balances.
 *
 * **Sources.** libvirt src/qemu/qemu_driver.c (qemuDomainPinEmulator), src/qemu/qemu_process.c (qemuProcessSetupPid);
 * Linux da019032819a; tp-libvirt#5715.
 */
export const liveEmulatorpinMismatch: Rule = {
  id: 'live-emulatorpin-mismatch',
  title: () => t('Threads of the emulator may run on different CPUs'),
  check: ofMachine,
};

function ofMachine(host: CheckedHost, machine: Machine): Finding[] {
  const layout = host.layoutOf(machine);
  const main = machine.threads.find(({ tid }) => tid === machine.pid);
  if (layout?.stage !== 'complete' || !main) return [];
  const { cpus } = host;
  const group = cpus.ownCpuset(layout, main);
  const granted = cpus.grantedBy(group);
  if (!group || !granted) return [];
  const inside = ownThreads(machine).filter(thread => isEmulators(thread) && cpus.cpuset(thread) === group && cpus.may(thread)?.isEmpty === false);
  const narrower = inside.filter(thread => isNarrower(cpus.may(thread)!, granted) && !cpus.isOffIsolated(cpus.may(thread)!, granted));
  const areAlike = narrower.length === inside.length && new Set(narrower.map(thread => cpus.may(thread)!.toString())).size === 1;
  return narrower.length === 0 || areAlike ? [] : [finding(host, machine, group, granted, inside, narrower)];
}

/** A worker of io_uring has a mask of its own, and a vCPU is not here to stay. */
function isEmulators({ role: { kind } }: Thread): boolean {
  return kind !== 'io_uring' && kind !== 'vcpu' && kind !== 'iothread';
}

function finding({ cpus }: CheckedHost, machine: Machine, group: Cgroup, granted: CpuSet, inside: readonly Thread[], narrower: readonly Thread[]): Finding {
  const first = narrower[0]!;
  const back = cpus.withoutPin(group, granted);
  // What emulatorpin leaves: the first thread as it says, and those that were there before, mostly all, with one old mask.
  const isOfLibvirt = cpus.kernel.keepsAffinity !== false && first.tid !== machine.pid && narrower.length * 2 >= inside.length && new Set(narrower.map(thread => cpus.may(thread)!.toString())).size === 1;
  return {
    rule: liveEmulatorpinMismatch.id,
    severity: isOfLibvirt ? 'warning' : 'information',
    machine,
    threads: narrower,
    at: { kind: 'cpus', thread: first },
    evidence: [...narrower.flatMap(allowedOf), ...cpusetFiles(group)],
    sentence: shown => (narrower.length === 1
      ? t('{0} (TID {1}) may run only on {2}, others of {3} on {4}', threadText(first), first.tid, cpusText(cpus.may(first)!), visible(shown(group.path)), cpusText(back))
      : t('{0} threads of {1} may run only on {2}, others on {3}', narrower.length, visible(shown(group.path)), cpusText(cpus.may(first)!), cpusText(back))),
    cost: () => t('{0} crowd on {1} while the rest of the emulator pin is free', threadsText(narrower), cpusText(cpus.may(first)!)),
    advice: () => t('taskset -pc {0} TID, for each of {1}', back.toString(), narrower.map(({ tid }) => tid).slice(0, 10).join(', ')),
    fixes: [back.equals(granted)
      ? { title: () => t('Let {0} run on all CPUs of the emulator ({1})', threadsText(narrower), granted.toString()), changes: () => narrower.map(thread => ({ kind: 'pin', thread, cpus: 'all' })) }
      : offIsolated(narrower, back)],
  };
}
