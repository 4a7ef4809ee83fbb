/** Milliseconds of work after which everything else has its turn. */
const SLICE = 12;

/**
 * Keeps long work from holding the event loop: `await pace.breathe()` in a loop costs little until the slice is used
 * up, and then lets everything else have its turn.
 */
export class Pace {
  private sliceEnds = performance.now() + SLICE;

  breathe(): Promise<void> | undefined {
    if (performance.now() < this.sliceEnds) return undefined;
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

export async function paced<T>(steps: Steps<T>): Promise<T> {
  const pace = new Pace();
  for (let i = 1; ; i++) {
    const step = steps.next();
    if (step.done) return step.value;
    if (i % 64 === 0) await pace.breathe();
  }
}
