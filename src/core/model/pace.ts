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
