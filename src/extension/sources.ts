import * as os from 'node:os';
import * as vscode from 'vscode';
import type { CaptureProblem } from '../core/capture/format';
import type { HostId, Question, Source } from '../core/host/source';
import type { RawSnapshot } from '../core/rawSnapshot';
import { qemuExecutables } from './config';
import { core } from './lazyCore';
import type { Reading } from './reading';

export const LOCAL: HostId = 'local';

/** A source as a window has it: there from the beginning with its name, while the core is loaded when it is first read. */
export interface HostSource {
  readonly id: HostId;
  readonly label: string;
  readonly kind: Source['kind'];
  /** What was read wrong in the latest reading, of a capture. */
  readonly damage: readonly CaptureProblem[];
  collect(reading: Reading): Promise<RawSnapshot>;
  /** As `Source.ask`: not of a capture. */
  ask?<T>(question: Question<T>, reading: Reading): Promise<T>;
}

/** A source that needs nobody's answers: this machine, and captures. */
class PlainSource implements HostSource {
  damage: readonly CaptureProblem[] = [];
  readonly ask?: NonNullable<HostSource['ask']>;
  private made: Source | undefined;

  constructor(
    readonly id: HostId,
    readonly label: string,
    readonly kind: Source['kind'],
    private readonly make: () => Source,
  ) {
    if (kind === 'live') this.ask = (question, { signal }) => this.source().ask!(question, signal);
  }

  async collect({ signal }: Reading): Promise<RawSnapshot> {
    const made = this.source();
    const raw = await made.collect(signal);
    if (made instanceof core().CaptureSource) this.damage = made.problems;
    return raw;
  }

  private source(): Source {
    return (this.made ??= this.make());
  }
}

/** `free`: as in `HostService.freeLabel`. */
export function localSource(free: (wanted: string) => string, allCgroups: () => boolean): HostSource {
  const label = free(os.hostname());
  return new PlainSource(LOCAL, label, 'live', () => new (core().LiveSource)(LOCAL, new (core().LocalHost)(label), () => ({ qemuExecutables: qemuExecutables(), asRoot: false, allCgroups: allCgroups() })));
}

export function captureSource(uri: vscode.Uri, free: (wanted: string) => string): HostSource {
  const label = free(uri.path.replace(/^.*\//, '').replace(/\.capture$/, ''));
  const id = uri.toString();
  return new PlainSource(id, label, 'capture', () => new (core().CaptureSource)(id, label, async () => vscode.workspace.fs.readFile(uri)));
}
