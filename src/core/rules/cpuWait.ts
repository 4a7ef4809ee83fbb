import { t } from '@vscode/l10n';
import type { RoleKind, Thread } from '../model/hostModel';
import type { Rates, Share } from '../model/rates';
import { cpusText, threadsText } from './cpuWords';
import type { Finding, Rule } from './rule';
import { hasVcpu, percent } from './words';

/**
 * `cpu-wait`: threads of the machine are ready to run, and have no CPU.
 *
 * **Cause.** More runs on these CPUs than there is time for: other machines, the host's own services, QEMU's own threads on
 * the CPUs of its vCPUs; or the vCPUs of one machine are pinned to fewer CPUs than they are.
 *
 * **Signature.** Between two looks the second number of `/proc/PID/task/TID/schedstat`, the time that a task waited for a
 * CPU, grew by 5 % of the time or more. Not of a thread that a quota held back for about as long: that counts as waiting,
 * and is `throttled`. One look alone has only the sum since the thread began, and says nothing.
 *
 * **Cost.** The guest's own kernel sees it as stolen time; what waits on an interrupt, a lock or an answer waits longer.
 *
 * **Fix.** None that a program could know: see who else may run on these CPUs (*Who Else Is Here*), and give one
 * of them others (`virsh vcpupin`, `virsh emulatorpin`), a lower weight, or another host.
 *
 * **Sources.** Documentation/scheduler/sched-stats.rst ("/proc/PID/schedstat"), kernel/sched/stats.h (sched_info_arrive).
 */
export const cpuWait: Rule = {
  id: 'cpu-wait',
  title: () => t('Threads wait for a CPU'),
  check: ({ recent }, machine) => {
    if (!recent) return [];
    const waiting = machine.threads.flatMap(thread => {
      const share = GUEST.has(thread.role.kind) ? waitOf(recent, thread) : 0;
      return share >= ENOUGH ? [{ thread, share }] : [];
    });
    waiting.sort((a, b) => b.share - a.share);
    const worst = waiting[0];
    if (!worst) return [];
    const threads = waiting.map(({ thread }) => thread);
    const finding: Finding = {
      rule: cpuWait.id,
      severity: 'warning',
      machine,
      threads,
      at: { kind: 'thread', thread: worst.thread },
      evidence: threads.slice(0, SHOWN).map(({ pid, tid, runTime, runDelay }) => ({ file: `/proc/${pid}/task/${tid}/schedstat`, value: `${runTime ?? '?'} ${runDelay ?? '?'}` })),
      sentence: () => (threads.length === 1 ? t('{0} waited for a CPU {1} of the time', threadsText(threads), percent(worst.share)) : t('{0} waited for a CPU up to {1} of the time', threadsText(threads), percent(worst.share))),
      cost: () => (hasVcpu(threads) ? t('the guest sees it as stolen time: all that it does takes that much longer') : t('disks, network and the monitor are served that much later')),
      advice: () => t('see who else may run on {0}, and give one of them others, or a lower weight', worst.thread.cpusAllowed ? cpusText(worst.thread.cpusAllowed) : t('its CPUs')),
      fixes: [],
    };
    return [finding];
  },
};

/** More than these nobody reads. */
const SHOWN = 8;

/** Those whose waiting the guest feels. */
const GUEST: ReadonlySet<RoleKind> = new Set<RoleKind>(['emulator', 'vcpu', 'iothread', 'vhost']);

/** About what administrators of clouds put up with as stolen time. */
const ENOUGH = 0.05;

/** Whether it waited so much that the guest feels it; with one look alone it is not known. */
export function waits(recent: Rates | undefined, thread: Thread): boolean {
  return recent !== undefined && waitOf(recent, thread) >= ENOUGH;
}

function waitOf(rates: Rates, thread: Thread): Share {
  const waited = rates.waiting(thread) ?? 0;
  const held = rates.throttled(thread)?.share ?? 0;
  return held >= waited / 2 ? 0 : waited;
}
