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
    const { stderr } = await host.run(argv, { prelude, stdin, signal, onStdout: chunk => decoder.push(chunk) });
    return decoder.finish(stderr, host.label, { startedAt, took: performance.now() - began });
  }
}
