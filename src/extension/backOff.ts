const FIRST = 10_000;
const MOST = 300_000;

/** How long a host that fails is left alone by what runs by itself: 10 s, 20, 40 … 300. A person never waits for it. */
export class BackOff {
  private failures = 0;
  private until = 0;

  constructor(private readonly now: () => number = () => performance.now()) {}

  get isOver(): boolean {
    return this.now() >= this.until;
  }

  failed(): void {
    this.until = this.now() + Math.min(MOST, FIRST * 2 ** this.failures++);
  }

  reset(): void {
    this.failures = 0;
    this.until = 0;
  }
}
