import { runLocally } from '../host/localHost';
import type { HostId, Source } from '../host/source';
import type { RawSnapshot } from '../rawSnapshot';
import { type CollectScriptOptions, collectCommand } from './script';
import { WireDecoder } from './wire';

/** The Linux machine that this process runs on. */
export class LocalSource implements Source {
  readonly kind = 'live';

  constructor(
    readonly id: HostId,
    readonly label: string,
    private readonly options: () => CollectScriptOptions,
  ) {}

  /** @throws CollectError */
  async collect(signal: AbortSignal): Promise<RawSnapshot> {
    const { argv, stdin } = collectCommand(this.options());
    const decoder = new WireDecoder();
    const startedAt = Date.now();
    const began = performance.now();
    const { stderr } = await runLocally(this.label, argv, { stdin, signal, onStdout: chunk => decoder.push(chunk) });
    return decoder.finish(stderr, this.label, { startedAt, took: performance.now() - began });
  }
}
