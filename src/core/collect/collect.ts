import type { Host, HostId, Question, Source } from '../host/source';
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
  collect(signal: AbortSignal): Promise<RawSnapshot> {
    return this.ask({ command: watched => collectCommand(this.options(), watched), decoder: () => new WireDecoder() }, signal);
  }

  /** @throws CollectError, and what the host throws */
  async ask<T>(question: Question<T>, signal: AbortSignal): Promise<T> {
    const { host } = this;
    const { argv, stdin } = question.command(host.staysOpen);
    const decoder = question.decoder();
    const startedAt = Date.now();
    const began = performance.now();
    const { stderr } = await host.run(argv, { stdin, signal, onStdout: chunk => decoder.push(chunk) });
    return decoder.finish(stderr, host.label, { startedAt, took: performance.now() - began });
  }
}
