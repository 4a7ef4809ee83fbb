import { withAncestors } from './hierarchies';
import type { Cgroup, HostModel, Membership, Thread } from './hostModel';

/** A share of the time between two refreshes, 0…1; above 1 for a cgroup with several threads throttled at once. */
export type Share = number;

/** Between two refreshes a cgroup ran out of bandwidth so often and for so long. */
export interface Throttling {
  readonly cgroup: Cgroup;
  readonly share: Share;
  readonly times: number;
}

/** The 3 a.m. question, from two models of one host: who waits for a CPU, and who is throttled where? */
export class Rates {
  /** Nanoseconds between the two; 0 where there is nothing to say. */
  readonly elapsed: number;
  private threads: ReadonlyMap<string, Thread> | undefined;
  private readonly worst = new Map<Membership, Throttling | undefined>();

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
    const earlier = this.earlier(thread)?.runDelay;
    if (earlier === undefined || thread.runDelay === undefined) return undefined;
    return Math.max(0, thread.runDelay - earlier) / this.elapsed;
  }

  /** The cgroup at or above the thread that ran out of bandwidth for the longest time. One that sleeps is held back by none. */
  throttled(thread: Thread): Throttling | undefined {
    if (this.elapsed === 0 || !this.wantedToRun(thread)) return undefined;
    const { membership } = thread; // which threads share
    if (!this.worst.has(membership)) this.worst.set(membership, this.worstOf(membership));
    return this.worst.get(membership);
  }

  /** How often and how long this cgroup ran out of bandwidth. */
  throttling(cgroup: Cgroup): Throttling | undefined {
    if (this.elapsed === 0 || !cgroup.throttled) return undefined;
    const earlier = this.before!.hierarchies.find(h => h.key === cgroup.hierarchy)?.cgroups.get(cgroup.path)?.throttled;
    if (!earlier || cgroup.throttled.times <= earlier.times) return undefined;
    return { cgroup, share: (cgroup.throttled.time - earlier.time) / this.elapsed, times: cgroup.throttled.times - earlier.times };
  }

  private earlier(thread: Thread): Thread | undefined {
    this.threads ??= new Map(this.before!.machines.flatMap(machine => machine.threads.map(t => [t.key, t] as const)));
    return this.threads.get(thread.key);
  }

  /** A cgroup's figures tell nothing of each of its threads; whether this one ran, or waited to, is its own. */
  private wantedToRun(thread: Thread): boolean {
    const earlier = this.earlier(thread);
    return earlier !== undefined && (grew(earlier.runTime, thread.runTime) || grew(earlier.runDelay, thread.runDelay));
  }

  private worstOf(membership: Membership): Throttling | undefined {
    let worst: Throttling | undefined;
    for (const place of membership.places.values()) {
      for (const cgroup of withAncestors(place.cgroup)) {
        const found = this.throttling(cgroup);
        if (found && (!worst || found.share > worst.share)) worst = found;
      }
    }
    return worst;
  }
}

function grew(before: number | undefined, now: number | undefined): boolean {
  return before !== undefined && now !== undefined && now > before;
}
