import { unlessAborted } from '../core/host/abort';

/**
 * One refresh of one host, or one question to it: who wants it, and how long it may still take. Its time stands still
 * while a person is asked something: nobody is to type a passphrase against a clock.
 */
export class Reading {
  private readonly abort = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private since = 0;
  private pauses = 0;
  private ended = false;
  /** Whether its time ran out; otherwise it was a person who ended it. */
  timedOut = false;

  /**
   * @param left milliseconds; Infinity for no end
   * @param mayAsk a person wants it, and can be asked what only they can answer; what runs by itself asks nothing
   */
  constructor(
    private left: number,
    public mayAsk: boolean,
  ) {
    this.goOn();
  }

  get signal(): AbortSignal {
    return this.abort.signal;
  }

  cancel(): void {
    this.abort.abort();
  }

  /** Does what takes a person's time, and not the host's. */
  async untimed<T>(work: () => Promise<T>): Promise<T> {
    if (this.pauses++ === 0) this.standStill();
    try {
      return await work();
    } finally {
      if (--this.pauses === 0) this.goOn();
    }
  }

  /** There is an answer: its time does not matter any more. */
  end(): void {
    this.ended = true;
    clearTimeout(this.timer);
  }

  private standStill(): void {
    clearTimeout(this.timer);
    this.left -= performance.now() - this.since;
  }

  private goOn(): void {
    if (this.ended || !Number.isFinite(this.left)) return;
    this.since = performance.now();
    this.timer = setTimeout(() => {
      this.timedOut = true;
      this.cancel();
    }, this.left);
  }
}

/** Lets the readings of a host run one after the other, in the order in which they came: it is always known which one runs. */
export class OneAtATime {
  /** The one that runs; outside of any nobody may be asked anything. */
  now: Reading | undefined;
  /** Ends with the one that came last, well or not. */
  private last: Promise<unknown> = Promise.resolve();

  /** To wait for others is none of its time, and ends when nobody wants it any more. @throws what its signal was aborted with, and what `work` throws */
  async run<T>(reading: Reading, work: () => Promise<T>): Promise<T> {
    const { signal } = reading;
    const before = this.last;
    const mine = before.then(async () => {
      signal.throwIfAborted();
      this.now = reading;
      try {
        return await work();
      } finally {
        this.now = undefined;
      }
    });
    this.last = mine.catch(() => undefined);
    await reading.untimed(() => unlessAborted(signal, before));
    return mine;
  }
}
