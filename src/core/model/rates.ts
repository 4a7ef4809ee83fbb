import { withAncestors } from './hierarchies';
import type { Cgroup, HostModel, Thread } from './hostModel';

/** A share of the time between two refreshes, 0…1; above 1 for a cgroup with several threads throttled at once. */
export type Share = number;

/** The 3 a.m. question, from two models of one host: who waits for a CPU, and who is throttled where? */
export class Rates {
  private readonly elapsed: number;
  private threads: ReadonlyMap<string, Thread> | undefined;

  /** Without an earlier model, or across a reboot, there is nothing to say. */
  constructor(
    private readonly before: HostModel | undefined,
    now: HostModel,
  ) {
    const seconds = (now.uptime ?? 0) - (before?.uptime ?? Number.POSITIVE_INFINITY);
    this.elapsed = seconds > 0 ? seconds * 1e9 : 0;
  }

  /** How much of the time the thread was ready to run and had no CPU. */
  waiting(thread: Thread): Share | undefined {
    if (this.elapsed === 0) return undefined;
    this.threads ??= new Map(this.before!.machines.flatMap(machine => machine.threads.map(t => [t.key, t] as const)));
    const earlier = this.threads.get(thread.key)?.runDelay;
    if (earlier === undefined || thread.runDelay === undefined) return undefined;
    return Math.max(0, thread.runDelay - earlier) / this.elapsed;
  }

  /** The cgroup at or above the thread that ran out of bandwidth for the longest time. */
  throttled(thread: Thread): { readonly cgroup: Cgroup; readonly share: Share; readonly times: number } | undefined {
    if (this.elapsed === 0) return undefined;
    let worst: { cgroup: Cgroup; share: Share; times: number } | undefined;
    for (const place of thread.membership.places.values()) {
      for (const cgroup of withAncestors(place.cgroup)) {
        const earlier = this.before!.hierarchies.find(h => h.key === cgroup.hierarchy)?.cgroups.get(cgroup.path)?.throttled;
        if (!earlier || !cgroup.throttled || cgroup.throttled.times <= earlier.times) continue;
        const share = (cgroup.throttled.time - earlier.time) / this.elapsed;
        if (!worst || share > worst.share) worst = { cgroup, share, times: cgroup.throttled.times - earlier.times };
      }
    }
    return worst;
  }
}
