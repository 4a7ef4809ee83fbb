/**
 * Lets so many work at a time, in the order in which they came. Whoever takes longer than `patience` is no longer
 * counted, and so is not in the way of others: a host that is dead or slow costs nobody else their turn.
 */
export class Turns {
  private free: number;
  private readonly waiting: (() => void)[] = [];

  /** @param patience milliseconds */
  constructor(
    atOnce: number,
    private readonly patience: number,
  ) {
    this.free = atOnce;
  }

  /** Resolves when it is one's turn, to what ends it. Rejects when the signal does not want it any more. */
  async take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.free > 0) this.free--;
    else await this.wait(signal);
    let ended = false;
    const end = (): void => {
      if (ended) return;
      ended = true;
      clearTimeout(timer);
      const next = this.waiting.shift();
      if (next) next();
      else this.free++;
    };
    const timer = setTimeout(end, this.patience);
    return end;
  }

  private wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const mine = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.waiting.splice(this.waiting.indexOf(mine), 1);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', leave, { once: true });
      this.waiting.push(mine);
    });
  }
}
