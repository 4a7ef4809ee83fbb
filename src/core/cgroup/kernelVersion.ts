/** Where kernels differ in what they do with a write. `undefined`: this one's name does not tell. */
export interface KernelHabits {
  /** `sched_setaffinity`'s mask outlives a change of the cpuset (since 6.2: da019032819a; see kernel/sched/core.c). */
  readonly keepsAffinity: boolean | undefined;
  /** v2: tasks that come into a cpuset with the same CPUs and nodes are left alone (since 6.3: 7fd4da9c1584). */
  readonly leavesEqualCpusets: boolean | undefined;
  /** v2: a cpuset with tasks may give up its own CPUs again (since 7.0: 272bd8183376). */
  readonly emptiesCpusets: boolean | undefined;
  /** `cpu.idle` (since 5.15), `cpu.max.burst` (since 5.14). */
  readonly hasIdle: boolean | undefined;
  readonly hasBurst: boolean | undefined;
}

/** Kernels that get newer parts under an older number: RHEL and its kin, Oracle's UEK, SUSE, Amazon, OpenAnolis … */
const VENDORS = /\.el\d|uek|\.amzn|\.fc\d|-default$|-preempt$|-azure$|\.an\d|\.oe\d|\.al8|tlinux|-pve$/;
/** Of these the number can be trusted all the same: they follow the mainline closely. */
const CLOSE = /\.fc\d|-pve$|-azure$/;

/** `uname -r` → what it does. */
export function kernelHabits(release: string): KernelHabits {
  const match = /^(\d+)\.(\d+)/.exec(release);
  const isVendor = VENDORS.test(release) && !CLOSE.test(release);
  const since = (major: number, minor: number): boolean | undefined => {
    if (!match) return undefined;
    const [ownMajor, ownMinor] = [Number(match[1]), Number(match[2])];
    if (ownMajor > major || (ownMajor === major && ownMinor >= minor)) return true; // nobody takes features out
    return isVendor ? undefined : false;
  };
  return {
    keepsAffinity: since(6, 2),
    leavesEqualCpusets: since(6, 3),
    emptiesCpusets: since(7, 0),
    hasIdle: since(5, 15),
    hasBurst: since(5, 14),
  };
}
