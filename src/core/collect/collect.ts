import type { Host, HostId, Source } from '../host/source';
import type { RawSnapshot } from '../rawSnapshot';
import { type CollectScriptOptions, collectCommand } from './script';
import { WireDecoder } from './wire';

/** A running host, read by one command in one round trip. */
export class LiveSource implements Source {
  readonly kind = 'live';

  constructor(
    readonly id: HostId,
    private readonly host: Host,
    private readonly options: () => CollectScriptOptions,
  ) {}

  get label(): string {
    return this.host.label;
  }

  /** @throws CollectError, and what the host throws */
  async collect(signal: AbortSignal): Promise<RawSnapshot> {
    const { host } = this;
    const { argv, prelude, stdin } = collectCommand(this.options(), host.staysOpen);
    const decoder = new WireDecoder();
    const startedAt = Date.now();
    const began = performance.now();
    const enough = new AbortController();
    const stop = (): void => enough.abort(signal.reason);
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    let stderr = '';
    try {
      ({ stderr } = await host.run(argv, { prelude, stdin, signal: enough.signal, onStdout: chunk => void (decoder.push(chunk) || enough.abort()) }));
    } catch (error) {
      if (signal.aborted || !enough.signal.aborted) throw error; // else the decoder has seen enough, and says of what
    } finally {
      signal.removeEventListener('abort', stop);
    }
    return decoder.finish(stderr, host.label, { startedAt, took: performance.now() - began });
  }
}
