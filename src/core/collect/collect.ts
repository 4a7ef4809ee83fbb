import type { Decoder, Host, HostId, Question, Source } from '../host/source';
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
    const options = this.options();
    const watched = this.host.isRemote || options.asRoot;
    return this.run({ ...collectCommand(options, watched), watched }, new WireDecoder(), signal);
  }

  /** @throws CollectError, and what the host throws */
  ask<T>(question: Question<T>, signal: AbortSignal): Promise<T> {
    const { asRoot } = this.options();
    const decoder = question.decoder();
    const watched = this.host.isRemote || asRoot || decoder.broken !== undefined; // a plan may be done as root
    const { argv, prelude, stdin } = question.command({ watched, asRoot });
    return this.run({ argv, stdin: prelude + stdin, watched }, decoder, signal); // none waits on the host for that
  }

  private async run<T>(command: { readonly argv: readonly string[]; readonly prelude?: string; readonly stdin: string; readonly watched: boolean }, decoder: Decoder<T>, signal: AbortSignal): Promise<T> {
    const { host } = this;
    const { argv, ...input } = command;
    const startedAt = Date.now();
    const start = performance.now();
    const enough = new AbortController();
    const stop = (): void => enough.abort(signal.reason);
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    let stderr = '';
    let began = false;
    const writes = decoder.broken && { onBegin: () => void (began = true) };
    try {
      ({ stderr } = await host.run(argv, { ...input, ...writes, signal: enough.signal, onStdout: chunk => void (decoder.push(chunk) || enough.abort()) }));
    } catch (error) {
      if (began && decoder.broken) return decoder.broken(error);
      if (signal.aborted || !enough.signal.aborted) throw error; // else the decoder has seen enough, and says of what
    } finally {
      signal.removeEventListener('abort', stop);
    }
    return decoder.finish(stderr, host.label, { startedAt, took: performance.now() - start });
  }
}
