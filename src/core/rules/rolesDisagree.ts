import { t } from '@vscode/l10n';
import type { Machine, Role, Thread, ToldRole } from '../model/hostModel';
import { roleText } from '../model/roles';
import { visible } from '../visible';
import type { CheckedHost } from './checkedHost';
import type { Finding, Rule } from './rule';

/**
 * `roles-disagree`: two sources say different things of what a thread is for.
 *
 * **Cause.** libvirt learns once from QEMU which thread is which vCPU, when the machine starts and at each hotplug, and pins
 * by that from then on. A thread's name is what QEMU has written when it made the thread; nobody outside the process can
 * write another (`/proc/PID/task/TID/comm` answers EINVAL), a library inside it can. When the two differ, most often
 * libvirt's state is stale: it was put back from a copy, or vCPUs were plugged behind its back (QMP, another manager).
 *
 * **Signature.** For one TID: the `<vcpu>` of /run/libvirt/qemu/NAME.xml, KVM's debugfs, the flags and the guest time in `stat`, and the
 * thread's name do not all name the same role. A warning where both of them tell a vCPU's number or prove that it is one, information where it
 * is only a name against a proof. No contradiction: a source that is silent, guest time of 0 (emulation, and hosts with a
 * tickless guest, count none), a number that KVM alone has (on x86 it is the APIC id, which has gaps with three cores in a socket).
 *
 * **Cost.** `virsh vcpupin N` and `schedinfo` act on the thread that libvirt takes for vCPU N: pins meant for one vCPU hold for another, and
 * a guest whose topology follows its NUMA nodes has its memory on the wrong one. What is shown here of the thread may be wrong.
 *
 * **Fix.** There is none that is safe while it runs: a role is not placed by writing a file. Compare with `virsh vcpupin` and the
 * thread's CPU time, then restart libvirtd, which asks QEMU anew, or the machine.
 *
 * **Sources.** libvirt src/qemu/qemu_domain.c (qemuDomainRefreshVcpuInfo, qemuDomainObjPrivateXMLFormat); QEMU
 * accel/kvm/kvm-accel-ops.c (the name), accel/kvm/kvm-all.c (KVM's number); Linux virt/kvm/kvm_main.c (debugfs), kernel/sched/cputime.c
 * (account_guest_time), fs/proc/base.c (comm_write). KVM's numbers of two sockets of three cores, measured: 0 1 2 4 5 6.
 */
export const rolesDisagree: Rule = {
  id: 'roles-disagree',
  title: () => t('Sources disagree about a thread'),
  check: ofMachine,
};

function ofMachine(_host: CheckedHost, machine: Machine): Finding[] {
  return machine.threads.filter(({ disagreement }) => disagreement.length > 0).map(thread => finding(machine, thread));
}

function finding(machine: Machine, thread: Thread): Finding {
  const { disagreement } = thread;
  const said = disagreement.map(told => t('{0} says {1}', sourceText(told.role), visible(roleText(told.role)))).join(', ');
  return {
    rule: rolesDisagree.id,
    severity: provesAgainstProof(disagreement) ? 'warning' : 'information',
    machine,
    threads: [thread],
    at: { kind: 'thread', thread },
    evidence: disagreement.map(({ file, value }) => ({ file, value })),
    sentence: () => t('of thread {0}, {1}', thread.tid, said),
    cost: () => t('pins and quotas that are meant for one thread may hold for another, and what is shown of it may be wrong'),
    advice: () => t('compare with virsh vcpupin and the CPU times of the threads; libvirtd asks QEMU anew when it is restarted'),
    fixes: [],
  };
}

function sourceText({ knownBy }: Role): string {
  switch (knownBy) {
    case 'libvirt':
      return t('libvirt');
    case 'debugfs':
      return t('KVM\'s debugfs');
    case 'guest time':
      return t('its guest time');
    case 'kernel':
      return t('the kernel');
    default:
      return t('its name');
  }
}

/** A name proves nothing, but for the number of a vCPU: QEMU alone writes `CPU N/KVM`, and nobody else has a reason to. */
function provesAgainstProof(disagreement: readonly ToldRole[]): boolean {
  const proofs = disagreement.map(({ role }) => role).filter(({ kind, knownBy }) => knownBy !== 'thread name' || kind === 'vcpu');
  return proofs.some(one => proofs.some(other => one.kind !== other.kind || (one.id !== undefined && other.id !== undefined && one.id !== other.id)));
}
