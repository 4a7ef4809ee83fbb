/**
 * Every error class of the core. A caller decides by `reason`, never by the text; the text is made for people in one
 * place (`messages.ts`) out of `reason` and `details`.
 */
abstract class LensError<Reason extends string, Details extends object> extends Error {
  constructor(
    readonly reason: Reason,
    readonly details: Details,
    readonly original?: unknown,
  ) {
    super(`${reason} ${JSON.stringify(details)}`);
  }
}

/** By its name: each bundle has these classes once, so that `instanceof` would not know an error of another bundle. */
function isNamed(error: unknown, name: string, reason: string | undefined): boolean {
  return error instanceof Error && error.name === name && (reason === undefined || (error as LensError<string, object>).reason === reason);
}

export type CollectReason =
  /** The shell could not be started. */
  | 'cannot-start'
  /** What came back does not begin as the collector's answer does. */
  | 'not-an-answer'
  /** No /proc as Linux has it. */
  | 'not-linux'
  | 'timeout'
  | 'cancelled';

export interface CollectDetails {
  readonly host: string;
  /** The beginning of what was said instead, or the program that could not be started. */
  readonly said?: string;
  readonly milliseconds?: number;
}

/** A collection that brought nothing. One that brought a part is a snapshot with `complete: false`. */
export class CollectError extends LensError<CollectReason, CollectDetails> {
  override readonly name = 'CollectError';

  static is(error: unknown, reason?: CollectReason): error is CollectError {
    return isNamed(error, 'CollectError', reason);
  }
}

export type CaptureReason =
  /** The first line is not a capture's. */
  | 'not-a-capture'
  | 'newer-version'
  /** Not one line of it could be understood. */
  | 'empty'
  /** Larger than any host's capture: not opened. */
  | 'too-large'
  /** The file itself could not be read. */
  | 'unreadable';

export interface CaptureDetails {
  /** The file's name, where it is known. */
  readonly file?: string;
  /** Counted from 1. */
  readonly line: number;
  readonly expected: string;
  readonly found: string;
}

/** A text that cannot be opened as a capture at all. Damage inside one is a `CaptureProblem`, and the rest is shown. */
export class CaptureError extends LensError<CaptureReason, CaptureDetails> {
  override readonly name = 'CaptureError';

  static is(error: unknown, reason?: CaptureReason): error is CaptureError {
    return isNamed(error, 'CaptureError', reason);
  }
}

export type SshReason =
  /** ssh_config says something that changes where or how one connects, and that we do not do: never dialled without it. `said`: the directive. */
  | 'unsupported-config'
  /** ssh_config cannot be read or understood. `said`: why. */
  | 'bad-config'
  /** No connection: refused, no route, no such name, the jump host could not reach it. */
  | 'unreachable'
  /** The host's key is another than known_hosts has. `fingerprint` and `known`. */
  | 'host-key-changed'
  | 'host-key-revoked'
  /** A key that nobody knows, and the person (or StrictHostKeyChecking) would not have it. */
  | 'host-key-refused'
  /** The host accepted none of what was offered. `said`: what was tried. */
  | 'authentication'
  /** The person closed a question. `said`: what was asked for. */
  | 'given-up'
  /** A question that only a person can answer came up in a refresh that nobody asked for. `said`: what it is about. */
  | 'not-asked'
  /** A question that only a person can answer, and the command line has no terminal to ask it at. `said`: what it is about. */
  | 'no-terminal'
  /** The connection ended while a command ran, or before it could. */
  | 'connection-lost'
  /** The host opens no further channel. */
  | 'no-channel'
  /** Both sides speak SSH, and have no algorithm in common, or one of them broke the protocol. */
  | 'protocol';

export interface SshDetails {
  /** The label of the host that was wanted. */
  readonly host: string;
  /** The hop at which it failed, where that is another one: `user@name:port`. */
  readonly hop?: string;
  readonly said?: string;
  readonly fingerprint?: string;
  /** What known_hosts has instead: `ssh-ed25519 SHA256:… (FILE:LINE)`. */
  readonly known?: readonly string[];
  /** Where something stands that a person has to change. */
  readonly file?: string;
  readonly line?: number;
}

/** Where an error happened: the host that is wanted, and the hop where that is another. */
export type SshWhere = Pick<SshDetails, 'host' | 'hop'>;

/** A host that is not reached by SSH. */
export class SshError extends LensError<SshReason, SshDetails> {
  override readonly name = 'SshError';

  static is(error: unknown, reason?: SshReason): error is SshError {
    return isNamed(error, 'SshError', reason);
  }
}

export interface ApplyDetails {
  readonly host: string;
  /** The beginning of what was said instead. */
  readonly said: string;
}

/** A plan of which nothing was done: its script was never read. One that was done in part is an `Applied`. */
export class ApplyError extends LensError<'not-an-answer', ApplyDetails> {
  override readonly name = 'ApplyError';

  static is(error: unknown): error is ApplyError {
    return isNamed(error, 'ApplyError', undefined);
  }
}
