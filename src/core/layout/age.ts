import type { HostModel, Machine, Thread } from '../model/hostModel';

/** Ticks of a second in which the kernel tells start times: USER_HZ, 100 on all machines that run KVM. */
const TICKS = 100;
const SECONDS = 60;
const RAN = 1e9;

/** Whether a thread has been there for a minute at least. */
export function isOld({ uptime }: HostModel, { startTime }: Pick<Thread, 'startTime'>): boolean {
  return uptime !== undefined && uptime - startTime / TICKS > SECONDS;
}

/**
 * Whether the guest has run, so that its start is over: libvirt lets it run only when all is placed
 * (src/qemu/qemu_process.c: qemuProcessFinishStartup is after qemuProcessLaunch). Before that a vCPU's thread works for
 * milliseconds, however long guest memory and devices take; `guest_time` would be no better proof: it stays 0 without KVM.
 */
export function hasRun(model: HostModel, machine: Machine): boolean {
  return isOld(model, machine) && machine.threads.some(({ role, runTime }) => role.kind === 'vcpu' && runTime !== undefined && runTime > RAN);
}

/** libvirt starts a machine's vCPUs within milliseconds of each other; on a host that swaps it may be seconds. */
const TOGETHER = 5 * TICKS;

/** The vCPUs that came to a machine that ran. */
export function pluggedIn({ threads }: Machine): ReadonlySet<Thread> {
  const vcpus = threads.filter(({ role }) => role.kind === 'vcpu');
  const first = vcpus.reduce((least, { startTime }) => Math.min(least, startTime), Number.POSITIVE_INFINITY);
  return new Set(vcpus.filter(({ startTime }) => startTime > first + TOGETHER));
}
