import { t } from '@vscode/l10n';
import type { Machine, Thread } from '../model/hostModel';
import { isBound } from '../plan/guards';
import { visible } from '../visible';
import type { CheckedHost } from './checkedHost';
import { cpusText } from './cpuWords';
import type { Finding, Rule } from './rule';

/**
 * `helper-kthread-outside`: a kernel thread that works for the machine may run where the machine itself may not.
 *
 * **Cause.** KVM makes `kvm-pit/PID`, and older kernels `kvm-nx-lpage-recovery-PID`, as kernel threads without putting them
 * into the machine's cgroups: they stay in the root. So it is on every host, and no fault of who placed the machine.
 *
 * **Signature.** A kernel thread named after the machine's PID is no task of QEMU, the emulator is kept to some of the CPUs, and
 * `Cpus_allowed_list` of the kernel thread has others. A hint.
 *
 * **Cost.** Now and then a little time of a CPU that was meant for something else: of a real-time vCPU, or another machine's.
 *
 * **Fix.** Pin it to the emulator's CPUs; its cgroup matters less. It is gone with the machine.
 *
 * **Sources.** arch/x86/kvm/i8254.c (kthread_create_worker), arch/x86/kvm/mmu/mmu.c (kvm_mmu_post_init_vm); KubeVirt's virt-handler
 * (affinePitThread).
 */
export const helperKthreadOutside: Rule = {
  id: 'helper-kthread-outside',
  title: () => t('A kernel thread of the machine may run on other CPUs'),
  check: (host, machine) => machine.threads.filter(({ role, pid }) => role.kind === 'kernel' && pid !== machine.pid).flatMap(thread => ofThread(host, machine, thread)),
};

function ofThread({ model }: CheckedHost, machine: Machine, thread: Thread): Finding[] {
  const emulator = machine.threads.find(({ tid }) => tid === machine.pid);
  const { online } = model.topology;
  const allowed = online && thread.cpusAllowed?.intersect(online);
  const cpus = online && emulator?.cpusAllowed?.intersect(online);
  if (!allowed || !cpus || cpus.isEmpty || allowed.isSubsetOf(cpus)) return [];
  const { tid, pid, comm } = thread;
  return [{
    rule: helperKthreadOutside.id,
    severity: 'hint',
    machine,
    threads: [thread],
    at: { kind: 'cpus', thread },
    evidence: [
      { file: `/proc/${pid}/task/${tid}/status`, value: `Cpus_allowed_list: ${thread.cpusAllowed!.toString()}` },
      { file: `/proc/${machine.pid}/task/${machine.pid}/status`, value: `Cpus_allowed_list: ${emulator!.cpusAllowed!.toString()}` },
    ],
    sentence: () => t('{0} may run on {1}, the emulator on {2}', visible(comm), cpusText(allowed), cpusText(cpus)),
    cost: () => t('now and then it takes a little time of a CPU that was meant for something else'),
    advice: () => t('pin it: taskset -pc {0} {1}', cpus.toString(), tid),
    fixes: isBound(thread) ? [] : [{ title: () => t('Pin {0} to {1}', visible(comm), cpusText(cpus)), changes: () => [{ kind: 'pin', thread, cpus }] }],
  }];
}
