import type { CaptureSource } from '../core/capture/captureSource';
import type { Source } from '../core/host/source';
import type { HostModel, Problem } from '../core/model/hostModel';
import { buildModel } from '../core/model/buildModel';
import type { ProgramNames } from '../core/model/machines';

/** A source, and what ends the connection to it. */
export interface Opened {
  readonly source: Source;
  disconnect(): void;
}

/** What a command works with that reads a host more than once, or beside another one. */
export interface Reading {
  /** @param host by SSH; of none, the one that is named, the capture, or this one. @throws SshError */
  open(host?: string): Promise<Opened>;
  captureOf(file: string): CaptureSource;
  readonly names: ProgramNames;
  /** Aborted when the person gives up. */
  readonly signal: AbortSignal;
  /** One look at a host. */
  limited(): AbortSignal;
  /** In words; time that ran out is told as that. */
  describe(error: unknown): string;
}

export interface Read {
  readonly model: HostModel;
  readonly problems: readonly Problem[];
}

export async function read({ names, limited }: Reading, source: Source): Promise<Read> {
  return buildModel(await source.collect(limited()), source, names);
}
