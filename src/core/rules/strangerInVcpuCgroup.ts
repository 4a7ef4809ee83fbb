import { t } from '@vscode/l10n';
import type { HostModel, Machine, Thread } from '../model/hostModel';
import { visible } from '../visible';
import { placeLine } from './asRead';
import type { CheckedHost } from './checkedHost';
import { hierarchyText, threadText } from './words';
import type { Finding, Rule } from './rule';

/**
 * `stranger-in-vcpu-cgroup`: a thread that nobody has a place for is in the group of a vCPU or an I/O thread.
 *
 * **Cause.** A thread has the cgroup and the CPUs of the one that started it. What a vCPU or an I/O thread starts is with it: an
 * io_uring worker, a vhost thread, a helper process; and one of QEMU's own workers, for ten seconds or longer, when the guest writes
 * a variable of UEFI.
 *
 * **Signature.** Of the machine a thread that its layout expects nowhere is in `vcpuN` or `iothreadN`. Not `kvm-nx-lpage-re`, which the
 * kernel starts when the first vCPU runs: it is in `vcpu0` of healthy machines. Not io_uring workers in the group of the I/O thread
 * whose requests they do, nor QEMU's workers there. Threads that the layout has a place for are `thread-outside-layout`.
 *
 * **Cost.** It takes CPU time of that vCPU, and counts for its quota. Mostly very little: a hint.
 *
 * **Fix.** To move it to `emulator`, where that is worth it.
 *
 * **Sources.** cloud-hypervisor/cloud-hypervisor#1863; kernel kernel/fork.c, copy_process; arch/x86/kvm/mmu/mmu.c, kvm_mmu_post_init_vm.
 */
export const strangerInVcpuCgroup: Rule = {
  id: 'stranger-in-vcpu-cgroup',
  title: () => t('A thread without a place is in the group of a vCPU'),
  check(host: CheckedHost, machine: Machine): Finding[] {
    return machine.threads.filter(({ role }) => role.kind !== 'kernel').flatMap(thread => strangerIn(host, machine, thread));
  },
};

const GROUP = /\/(vcpu|iothread)\d+$/;

function strangerIn(host: CheckedHost, machine: Machine, thread: Thread): Finding[] {
  const found = [...thread.membership.places].find(([key, { path, deleted }]) => {
    const group = deleted ? undefined : GROUP.exec(path)?.[1];
    const { kind } = thread.role;
    if (group === undefined || (group === 'iothread' && (kind === 'io_uring' || kind === 'worker'))) return false;
    const layout = host.layoutOf(machine);
    const expected = layout.expectedPath(thread, key);
    // While it starts every thread is where it was started from.
    return layout.stage === 'complete' && (expected === undefined || (kind === 'worker' && expected === path)) && isGroupOf(host.model, machine, path, key);
  });
  if (!found) return [];
  const [key, { path }] = found;
  const hierarchy = host.model.hierarchies.find(of => of.key === key)!;
  return [{
    rule: strangerInVcpuCgroup.id,
    severity: 'hint',
    machine,
    threads: [thread],
    at: { kind: 'place', thread, hierarchy: key, path, expected: undefined },
    evidence: [placeLine(thread, hierarchy)],
    sentence: shown => t('{0} ({1}) is in {2} ({3}), which is the group of another thread', threadText(thread), visible(thread.comm), visible(shown(path)), hierarchyText(hierarchy)),
    cost: () => t('it takes CPU time of that thread, and counts for its quota'),
    advice: () => t('move it to emulator, if it takes much: look at how long it has run'),
    fixes: [],
  }];
}

/** A group that libvirt has made for this machine, and not one that is called so. */
function isGroupOf({ hierarchies }: HostModel, machine: Machine, path: string, key: string): boolean {
  const emulator = `${path.slice(0, path.lastIndexOf('/'))}/emulator`;
  return hierarchies.find(of => of.key === key)!.cgroups.has(emulator) && machine.threads.some(({ membership }) => membership.places.get(key)?.path === emulator);
}
