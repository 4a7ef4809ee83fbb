/** A small generator of random numbers that gives the same for the same seed (mulberry32). */
export class Random {
  constructor(private state: number) {}

  /** 0 ≤ … < 1 */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  chance(of: number): boolean {
    return this.next() < of;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }

  /** By weights. */
  choose<T>(from: readonly (readonly [weight: number, what: T])[]): T {
    let at = this.next() * from.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, what] of from) if ((at -= weight) < 0) return what;
    return from.at(-1)![1];
  }
}
