import type { RawSnapshot } from '../rawSnapshot';

/** Names a host for as long as the window lives; part of every tree item's id. */
export type HostId = string;

/** Something that can be collected from: a running host, or a capture of one. */
export interface Source {
  readonly id: HostId;
  /** Shown to people and the first part of every document's path. */
  readonly label: string;
  readonly kind: 'live' | 'capture';
  collect(signal: AbortSignal): Promise<RawSnapshot>;
  /** Runs one more command, whatever it is about. Not of a capture: it has nobody to ask. */
  ask?<T>(question: Question<T>, signal: AbortSignal): Promise<T>;
}

/** A command as data: what to run, and what becomes of its answer. */
export interface Question<T> {
  command(how: HowToRun): { readonly argv: readonly string[]; readonly prelude: string; readonly stdin: string };
  /** Decodes one answer while it arrives. */
  decoder(): Decoder<T>;
}

export interface Decoder<T> {
  /** False when no more is wanted: it is no answer. */
  push(chunk: Buffer): boolean;
  finish(stderr: string, host: string, timing: Timing): T;
  /**
   * Of a question that writes: what is known when the answer broke off after it had begun. Such a question is never
   * asked twice by itself.
   */
  broken?(error: unknown): T;
}

export interface HowToRun {
  /** See `RunOptions`. */
  readonly watched: boolean;
  /** Become root by `sudo -n` where /proc hides other users' processes: all else every user can read. */
  readonly asRoot: boolean;
}

export interface Timing {
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly took: number;
}

/** A Linux machine that runs commands for us: this one, or one that is reached by SSH. */
export interface Host {
  /** As in `Source`: named in every error. */
  readonly label: string;
  /**
   * Over a network the end of standard input is all that the other side sees: every command is watched. Locally the
   * process group is ended, but for what has become root: only root can end that.
   */
  readonly isRemote: boolean;
  /**
   * Runs a command to its end; its output is handed on as it arrives.
   *
   * @throws CollectError `cannot-start`, `cancelled`; SshError
   */
  run(argv: readonly string[], options: RunOptions): Promise<Ran>;
}

export interface RunOptions {
  /** What the command can be given before it is wanted: definitions, that do nothing by themselves. A host may keep one that waits with it. */
  readonly prelude?: string;
  /** What sets it going. */
  readonly stdin: string;
  /** It ends with all that it started when standard input ends, which stays open until then. */
  readonly watched?: boolean;
  readonly signal: AbortSignal;
  onStdout(chunk: Buffer): void;
  /** Called just before it is set going. A command that has this writes: it is set going once, whatever happens to the connection. */
  onBegin?(): void;
}

/** What a process left behind when it ended. */
export interface Ran {
  readonly stderr: string;
  /** `null`: ended by a signal. */
  readonly exitCode: number | null;
}
