import { t } from '@vscode/l10n';

/**
 * What goes wrong with placements and is no rule, by the id under which people know it, and why: what can be read of a host does
 * not tell it. Most are the kernel's answer to a write; those a plan foretells before anything is written (`core/cgroup`).
 */
export const NOT_RULES: ReadonlyMap<string, () => string> = new Map([
  // Even a value that differs from libvirt's live state tells nothing: whoever wrote it may have meant it.
  ['scope-values-reset', () => t('systemd has written its own value to a scope or a slice again: what was there before is nowhere to be read. Two captures compared show it, and a plan that writes to a unit of systemd says that it may not last.')],
  // cgroup/subtreeControl.ts, cgroup/move.ts
  ['no-internal-process', () => t('It is the kernel\'s answer (EBUSY) to a controller that is enabled above processes, or to a process that is moved above controllers: no cgroup can be read in that state. A plan foretells it.')],
  // cgroup/move.ts, cgroup/threaded.ts
  ['thread-across-domains', () => t('It is the kernel\'s answer (EOPNOTSUPP) to a thread that is moved into another threaded domain: no thread can be read there. A plan foretells it.')],
  // plan/guards.ts (judgePinWithin), cgroup/affinity.ts
  ['affinity-outside-cpuset', () => t('It is the kernel\'s answer (EINVAL) to a pin that the cpuset has nothing of: such a mask is never read back. A plan foretells it, and offers what the cpuset has.')],
  // cgroup/cpuset.ts, plan/ordering.ts
  ['v1-shrink-order', () => t('It is the kernel\'s answer (EBUSY, EACCES) to cpusets that are changed in the wrong order. A plan puts its steps into an order that works.')],
  ['old-libvirt-on-v2', () => t('libvirt 4.8 to 5.2 fails to move memory on v2 and leaves nothing behind; its version is in none of the files that are read.')],
  ['no-load-balance-knob-v2', () => t('v2 has no file for what cpuset.sched_load_balance is in v1, so that nothing can be wrong with it. A partition (cpuset.cpus.partition) is what takes its place.')],
  ['pin-clobbered-by-kubelet', () => t('The affinity that the kubelet has overwritten is nowhere to be read: a thread with its container\'s CPUs is also what one looks like that was never pinned. Two captures compared show it.')],
  // cgroup/bandwidth.ts
  ['quota-rejected', () => t('It is the kernel\'s answer (EINVAL) to a quota above its parent\'s, below 1 ms, or smaller than its burst: such a value is never read back. A plan foretells it, and writes quota and period in the order that works.')],
  ['v2-detect-broken', () => t('It is another program that takes a host with v2 for one with v1: what it then does not do leaves no trace in /proc or /sys/fs/cgroup.')],
]);
