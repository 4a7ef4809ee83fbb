/** How long one look at a host may take. A person who is asked something meanwhile has all the time they want. */
export class Limit {
  /** Whether it was time that ended the latest look, and not the person. */
  isOver = false;
  private timer: NodeJS.Timeout | undefined;
  private end = new AbortController();

  /** @param givenUp aborted when the person gives up */
  constructor(
    private readonly givenUp: AbortSignal,
    readonly seconds: number,
  ) {}

  /** For one look: it begins now. */
  start(): AbortSignal {
    this.end = new AbortController();
    this.goOn();
    return AbortSignal.any([this.givenUp, this.end.signal]);
  }

  /** Does what takes a person's time. The host has all of its own again afterwards. */
  async untimed<T>(work: () => Promise<T>): Promise<T> {
    clearTimeout(this.timer);
    try {
      return await work();
    } finally {
      this.goOn();
    }
  }

  private goOn(): void {
    const { end } = this;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.isOver = true;
      end.abort();
    }, this.seconds * 1000);
    this.timer.unref(); // what is under way keeps the process up, and nothing else
  }
}
