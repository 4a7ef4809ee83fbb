import { t } from '@vscode/l10n';
import { isOld, pluggedIn } from '../layout/age';
import type { Layout } from '../layout/layout';
import type { Machine, Thread } from '../model/hostModel';
import { visible } from '../visible';
import type { CheckedHost } from './checkedHost';
import { isNarrower, vcpusOf } from './cpuFacts';
import { allowedOf, cpusText, cpusetFiles, pinCommand } from './cpuWords';
import type { Finding, Rule } from './rule';
import { threadText } from './words';

/**
 * `hotplugged-vcpu-unpinned`: a vCPU that was plugged in later is not pinned, though all others are.
 *
 * **Cause.** `virsh setvcpus` gives a new vCPU a pin only if the definition has one for its number; else it gets the CPUs
 * of the machine. One that was plugged in behind libvirt's back (QMP `device_add`) gets no group either.
 *
 * **Signature.** The vCPU's thread began more than five seconds after the first one's, all vCPUs that began with the first
 * may run on fewer CPUs than the machine's cpuset has, and this one on all of them; or they have a group each and this one has none. One that has been
 * unpinned since the start may be meant so: silent. So is one without its group that is less than a minute old: libvirt places it in a moment.
 *
 * **Cost.** It runs on the CPUs of the other vCPUs, of the emulator and of other machines, and takes their time.
 *
 * **Fix.** `virsh vcpupin`: which CPU it is to have only its owner knows.
 *
 * **Sources.** libvirt src/qemu/qemu_hotplug.c (qemuDomainHotplugAddVcpu); oVirt/ovirt-engine#469; measured with libvirt 9.0.
 */
export const hotpluggedVcpuUnpinned: Rule = {
  id: 'hotplugged-vcpu-unpinned',
  title: () => t('A vCPU that was plugged in is not pinned'),
  check: ofMachine,
};

function ofMachine(host: CheckedHost, machine: Machine): Finding[] {
  const vcpus = vcpusOf(machine);
  const plugged = pluggedIn(machine);
  if (plugged.size === 0) return [];
  const { cpus } = host;
  const layout = host.layoutOf(machine);
  if (layout && layout.stage !== 'complete') return [];
  const original = vcpus.filter(thread => !plugged.has(thread));
  const later = [...plugged].filter(thread => isOld(host.model, thread) || cpus.expected(layout, thread) === undefined || cpus.ownCpuset(layout, thread) !== undefined);
  const groupless = original.every(thread => cpus.ownCpuset(layout, thread)) ? later.filter(thread => isGroupless(host, layout, thread)) : [];
  const unpinned = later.filter(thread => {
    const may = cpus.may(thread);
    const whole = machineCpus(host, layout, thread);
    const pin = cpus.pin(machine, thread); // without one of its own libvirt's state has that of all vCPUs
    return may && whole?.equals(may) === true && (!pin || whole.isSubsetOf(pin)) && original.every(one => isNarrower(cpus.may(one) ?? may, may));
  });
  return [...new Set([...groupless, ...unpinned])].map(thread => finding(host, machine, thread, groupless.includes(thread), original));
}

function isGroupless({ cpus }: CheckedHost, layout: Layout | undefined, thread: Thread): boolean {
  const expected = cpus.expected(layout, thread);
  return expected !== undefined && cpus.hierarchy?.cgroups.has(expected) === false && layout?.isWaiting(thread) !== true;
}

/** What a thread has that nobody pinned. */
function machineCpus({ cpus }: CheckedHost, layout: Layout | undefined, thread: Thread): ReturnType<typeof cpus.granted> {
  const own = cpus.ownCpuset(layout, thread);
  return own ? cpus.grantedBy(own.parent) : cpus.granted(thread);
}

function finding(host: CheckedHost, machine: Machine, thread: Thread, isGroupless: boolean, original: readonly Thread[]): Finding {
  const { cpus } = host;
  const cpuset = cpus.cpuset(thread);
  const may = cpus.may(thread);
  return {
    rule: hotpluggedVcpuUnpinned.id,
    severity: 'warning',
    machine,
    threads: [thread],
    at: { kind: 'cpus', thread },
    evidence: [...allowedOf(thread), ...cpusetFiles(cpuset), ...allowedOf(original[0]!)],
    sentence: shown => {
      if (isGroupless) return t('{0} was plugged in and has no group of its own: it is in {1}', threadText(thread), visible(shown(cpuset?.path ?? '?')));
      return t('{0} was plugged in and may run on {1}, while the other vCPUs are pinned', threadText(thread), may ? cpusText(may) : '?');
    },
    cost: () => t('it runs on the CPUs of other vCPUs and of the emulator, and takes their time'),
    advice: () => t('pin it to a CPU of its own: {0}', pinCommand(host, machine, thread, 'CPU')),
    fixes: [],
  };
}
