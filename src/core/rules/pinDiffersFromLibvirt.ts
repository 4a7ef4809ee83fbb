import { t } from '@vscode/l10n';
import { isOld } from '../layout/age';
import type { Layout } from '../layout/layout';
import type { Machine, Thread } from '../model/hostModel';
import { ownThreads } from '../model/machines';
import type { CpuSet } from '../parse/cpuList';
import type { Change } from '../plan/plan';
import { lostPin } from './affinityLost';
import type { CheckedHost } from './checkedHost';
import { allowedOf, cpusText, cpusetFiles, pinEvidence, pinCommand } from './cpuWords';
import type { Finding, Fix, Rule } from './rule';
import { threadText } from './words';

/**
 * `pin-differs-from-libvirt`: a thread may run on other CPUs than libvirt has pinned it to.
 *
 * **Cause.** libvirt writes a pin once, to the thread's cpuset and to its affinity, and never looks again. A script,
 * `taskset`, an orchestrator or a hook has written one of the two since then; `virsh vcpupin` still shows what libvirt wrote.
 *
 * **Signature.** The online CPUs of `Cpus_allowed_list` are not those of the live pin in libvirt's state. Threads in another
 * cgroup than their own are `vcpu-in-emulator`, cpusets that those above cut down `parent-narrower` or `silent-inherit`, and what kernels before 6.2
 * forget `affinity-lost`. Where libvirt's state cannot be read, and in the first minute of a thread, in which libvirt may still be about to pin it, it is silent.
 *
 * **Cost.** The vCPU shares CPUs that were to be apart, or leaves those next to its memory.
 *
 * **Fix.** The cpuset, where it has one of its own, and the affinity as libvirt has them, or a new pin by `virsh` if what is there is what is wanted.
 *
 * **Sources.** libvirt src/qemu/qemu_process.c (qemuProcessSetupPid), src/conf/domain_conf.c (vcpupin, emulatorpin, iothreadpin).
 */
export const pinDiffersFromLibvirt: Rule = {
  id: 'pin-differs-from-libvirt',
  title: () => t('A thread is not pinned as libvirt has it'),
  check: ofMachine,
};

function ofMachine(host: CheckedHost, machine: Machine): Finding[] {
  if (!machine.libvirt || machine.state === 'starting') return [];
  const layout = host.layoutOf(machine);
  if (layout && layout.stage !== 'complete') return [];
  return ownThreads(machine).flatMap(thread => {
    if (!isOld(host.model, thread)) return []; // libvirt moves a thread, writes its cpuset and pins it one after the other: a look may meet it between two of them
    const pin = host.cpus.pin(machine, thread);
    const may = host.cpus.may(thread);
    const wanted = pin && host.cpus.onlineOf(pin);
    if (!wanted || !may || wanted.isEmpty || wanted.equals(may) || lostPin(host, machine, thread)) return [];
    // The kernel grants no CPU outside the cpuset: its mask was read before it was moved there, and its place afterwards.
    if (!may.isSubsetOf(host.cpus.granted(thread) ?? may)) return [];
    const expected = host.cpus.expected(layout, thread);
    const cpuset = host.cpus.cpuset(thread);
    // Its own place, and not that of its cpuset: where v2 does not hand cpuset down to there, libvirt has pinned it by the affinity alone.
    const place = host.cpus.hierarchy && thread.membership.places.get(host.cpus.hierarchy.key);
    if (expected !== undefined && (place?.deleted !== false || place.path !== expected)) return [];
    const isCutDown = cpuset?.cpusEffective && cpuset.cpus && !cpuset.cpus.equals(cpuset.cpusEffective) && host.cpus.onlineOf(cpuset.cpus).equals(wanted);
    return isCutDown === true ? [] : [finding(host, machine, layout, thread, wanted)];
  });
}

function finding(host: CheckedHost, machine: Machine, layout: Layout | undefined, thread: Thread, wanted: CpuSet): Finding {
  const { cpus } = host;
  return {
    rule: pinDiffersFromLibvirt.id,
    severity: 'warning',
    machine,
    threads: [thread],
    at: { kind: 'cpus', thread },
    evidence: [...allowedOf(thread), ...cpusetFiles(cpus.cpuset(thread)), pinEvidence(machine, thread, cpus.pin(machine, thread)!)],
    sentence: () => t('{0} may run on {1}, and libvirt has pinned it to {2}', threadText(thread), cpusText(cpus.may(thread)!), cpusText(wanted)),
    cost: () => t('it runs where it was not to run, and virsh shows a pin that is not there'),
    advice: () => {
      const command = pinCommand(host, machine, thread, wanted.toString());
      return command.startsWith('virsh') ? t('run: {0}; it writes nothing where the CPUs are those that libvirt has written before: then other CPUs first', command) : t('run: {0}', command);
    },
    fixes: fixesOf(host, layout, thread, wanted),
  };
}

function fixesOf({ cpus }: CheckedHost, layout: Layout | undefined, thread: Thread, wanted: CpuSet): Fix[] {
  const own = cpus.ownCpuset(layout, thread);
  const granted = cpus.granted(thread);
  const changes: Change[] = [{ kind: 'pin', thread, cpus: wanted }];
  if (own && granted?.equals(wanted) === false) {
    const offered = cpus.grantedBy(own.parent);
    if (!offered || !wanted.isSubsetOf(offered)) return []; // those above have to be widened first
    changes.unshift({ kind: 'set', hierarchy: own.hierarchy, path: own.path, file: 'cpuset.cpus', value: wanted.toString() });
  } else if (granted && !wanted.isSubsetOf(granted)) return [];
  return [{ title: () => t('Pin {0} to {1}, as libvirt has it', threadText(thread), cpusText(wanted)), changes: () => changes }];
}
