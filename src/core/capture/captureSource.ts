import { CaptureError, CollectError } from '../errors';
import type { Source } from '../host/source';
import type { RawSnapshot } from '../rawSnapshot';
import { type Steps, paced } from '../model/pace';
import { type CaptureProblem, parsingBytes } from './format';

/** A capture as a host that never changes and cannot be written to. */
export class CaptureSource implements Source {
  readonly kind = 'capture';
  /** Of the latest reading. */
  problems: readonly CaptureProblem[] = [];

  constructor(
    readonly id: string,
    readonly label: string,
    private readonly read: () => Promise<Uint8Array>,
  ) {}

  /** @throws CaptureError that names the file, or CollectError 'cancelled' as soon as `signal` is aborted */
  async collect(signal?: AbortSignal): Promise<RawSnapshot> {
    const file = this.label;
    const cancelled = (): CollectError => new CollectError('cancelled', { host: file });
    let bytes: Uint8Array;
    try {
      bytes = await unlessAborted(this.read, signal, cancelled);
    } catch (error) {
      if (CollectError.is(error)) throw error;
      throw new CaptureError('unreadable', { file, line: 0, expected: '', found: error instanceof Error ? error.message : String(error) }, error);
    }
    try {
      const { snapshot, problems } = await paced(stopping(parsingBytes(bytes), signal, cancelled));
      this.problems = problems;
      return snapshot;
    } catch (error) {
      throw CaptureError.is(error) ? new CaptureError(error.reason, { ...error.details, file }, error) : error;
    }
  }
}

/** What `start` brings. A read from a network that hangs cannot be ended, but need not be waited for. */
async function unlessAborted<T>(start: () => Promise<T>, signal: AbortSignal | undefined, error: () => Error): Promise<T> {
  if (signal === undefined) return start();
  if (signal.aborted) throw error();
  let abort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(error());
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([start(), aborted]);
  } finally {
    if (abort) signal.removeEventListener('abort', abort);
  }
}

function* stopping<T>(steps: Steps<T>, signal: AbortSignal | undefined, error: () => Error): Steps<T> {
  for (;;) {
    if (signal?.aborted) throw error();
    const step = steps.next();
    if (step.done) return step.value;
    yield;
  }
}
