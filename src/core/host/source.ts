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
}

/** A Linux machine that runs commands for us: this one, or one that is reached by SSH. */
export interface Host {
  /** As in `Source`: named in every error. */
  readonly label: string;
  /**
   * Whether the end of standard input means that nobody waits for the answer any more. Locally the process group is
   * ended; over a network that end is all that the other side sees, and standard input stays open for it.
   */
  readonly staysOpen: boolean;
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
  readonly signal: AbortSignal;
  onStdout(chunk: Buffer): void;
}

/** What a process left behind when it ended. */
export interface Ran {
  readonly stderr: string;
  /** `null`: ended by a signal. */
  readonly exitCode: number | null;
}
