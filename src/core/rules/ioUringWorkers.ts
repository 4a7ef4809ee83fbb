import { t } from '@vscode/l10n';
import type { Machine, Thread } from '../model/hostModel';
import { isBound } from '../plan/guards';
import { visible } from '../visible';
import type { CheckedHost } from './checkedHost';
import { cpusText, filesOf } from './cpuWords';
import type { Evidence, Finding, Rule } from './rule';

/**
 * `io-uring-workers`: a worker of io_uring runs outside the machine's CPUs, or keeps the machine from being moved.
 *
 * **Cause.** Before Linux 6.12 a new worker (`iou-wrk-PID`, `iou-sqp-PID`) gets the CPUs of its NUMA node, whatever the cpuset of its
 * maker is. Before 6.3, and 6.1.110, workers are bound: the kernel refuses to pin or move them (PF_NO_SETAFFINITY).
 *
 * **Signature.** `Cpus_allowed_list` of a worker has CPUs that its cpuset (v2: the nearest from its cgroup up) has not: a warning. Bit 0x04000000 of field 9 of its
 * `stat` is set: a hint.
 *
 * **Cost.** Outside the cpuset, disk work of this machine takes the time of CPUs that others have for themselves. One that is
 * bound cannot be moved (EINVAL), and keeps its whole process from being moved into another cpuset.
 *
 * **Fix.** Pin it into its cpuset; one that is bound only a newer kernel frees, or `aio=native`, `aio=threads` instead of io_uring.
 *
 * **Sources.** io_uring/io-wq.c; kernel 84eacf177faa, 01e68ce08a30, a5fc1441af77; axboe/liburing#353, #1017; ydb-platform/nbs#4662.
 */
export const ioUringWorkers: Rule = {
  id: 'io-uring-workers',
  title: () => t('A worker of io_uring is not under the machine\'s limits'),
  check: (host, machine) => machine.threads.filter(({ role }) => role.kind === 'io_uring').flatMap(thread => ofWorker(host, machine, thread)),
};

function ofWorker({ cpus }: CheckedHost, machine: Machine, thread: Thread): Finding[] {
  const { tid, pid, comm, flags, cpusAllowed } = thread;
  const cpuset = cpus.cpuset(thread);
  const granted = cpus.grantedBy(cpuset);
  const outside = granted !== undefined && cpus.online !== undefined && cpus.may(thread)?.isSubsetOf(granted) === false;
  const bound = isBound(thread);
  const about = { rule: ioUringWorkers.id, machine, threads: [thread] };
  const stat: Evidence = { file: `/proc/${pid}/task/${tid}/stat`, value: t('field 9: 0x{0}', flags.toString(16)) };
  if (outside) {
    const status = { file: `/proc/${pid}/task/${tid}/status`, value: `Cpus_allowed_list: ${cpusAllowed!.toString()}` };
    return [{
      ...about,
      severity: 'warning',
      at: { kind: 'cpus', thread },
      evidence: [status, ...filesOf(cpuset, 'cpuset.cpus.effective', 'cpuset.effective_cpus'), ...(bound ? [stat] : [])],
      sentence: () => t('{0} ({1}) may run on {2}, its cpuset has {3}', visible(comm), tid, cpusText(cpusAllowed!), cpusText(granted!)),
      cost: () => t('disk work of this machine takes the time of CPUs that others have for themselves'),
      advice: () => (bound ? t('nothing can pin it on this kernel: Linux 6.12, or another aio= than io_uring') : t('pin it: taskset -pc {0} {1}', granted!.toString(), tid)),
      fixes: bound || granted!.isEmpty ? [] : [{ title: () => t('Pin {0} to {1}', visible(comm), cpusText(granted!)), changes: () => [{ kind: 'pin', thread, cpus: granted! }] }],
    }];
  }
  if (!bound) return [];
  return [{
    ...about,
    severity: 'hint',
    at: { kind: 'thread', thread },
    evidence: [stat],
    sentence: () => t('{0} ({1}) can be neither pinned nor moved on this kernel', visible(comm), tid),
    cost: () => t('while it is there its whole process cannot be moved into another cpuset either: EINVAL'),
    advice: () => t('Linux 6.3 (6.1.110) or newer, or another aio= than io_uring'),
    fixes: [],
  }];
}
