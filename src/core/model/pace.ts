/** Milliseconds of work after which everything else has its turn. */
const SLICE = 12;

/** Steps between two looks at the clock, which costs as much as a small step itself. */
const STEPS = 32;

/**
 * Keeps long work from holding the event loop: `await pace.breathe()` in a loop costs little until the slice is used
 * up, and then lets everything else have its turn. Where a loop has tens of thousands of steps, only what is not
 * `undefined` is awaited: an `await` of nothing is a step of its own.
 */
export class Pace {
  private sliceEnds = performance.now() + SLICE;
  private steps = 0;

  /** @param every steps between two looks at the clock: 1 where one may take a millisecond */
  constructor(private readonly every = STEPS) {}

  breathe(): Promise<void> | undefined {
    if (++this.steps % this.every !== 0 || performance.now() < this.sliceEnds) return undefined;
    return new Promise(resolve => {
      setImmediate(() => {
        this.sliceEnds = performance.now() + SLICE;
        resolve();
      });
    });
  }
}

/** Work in small steps with a `yield` between: done at once by {@link atOnce}, with breaths by {@link paced}. */
export type Steps<T> = Generator<void, T, void>;

export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

/** @param every as of {@link Pace} */
export async function paced<T>(steps: Steps<T>, every?: number): Promise<T> {
  const pace = new Pace(every);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    const pause = pace.breathe();
    if (pause) await pause;
  }
}
