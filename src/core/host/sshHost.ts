import type { Host, Ran, RunOptions } from './source';
import type { SshQuestions, SshTarget } from './sshTarget';
import type { Turns } from './turns';

export interface SshHostOptions {
  readonly label: string;
  /** Reads ssh_config: anew for each connection, so that a file that was mended counts. @throws SshError */
  target(): Promise<SshTarget>;
  readonly questions: SshQuestions;
  /** Our own file of accepted host keys, in the form of known_hosts. */
  readonly acceptedKeys: string;
  /** Shared by all hosts of a window. */
  readonly turns: Turns;
}

/** A Linux machine that is reached by SSH: one connection, made at the first command and again when it was lost. */
export class SshHost implements Host {
  readonly staysOpen = true;

  constructor(private readonly options: SshHostOptions) {}

  get label(): string {
    return this.options.label;
  }

  /** @throws SshError; CollectError `cancelled` */
  run(_argv: readonly string[], _options: RunOptions): Promise<Ran> {
    return Promise.reject(new Error('not built yet'));
  }

  /** Ends the connection and all that waits on the host. A later command connects anew. */
  disconnect(): void {}
}
