import { CollectError, SshError } from '../errors';
import { unlessAborted } from './abort';
import type { Host, Ran, RunOptions } from './source';
import { SshConnection, type SshMeans } from './sshConnection';
import { SshShell } from './sshShell';
import type { SshQuestions, SshTarget } from './sshTarget';

export interface SshHostOptions {
  readonly label: string;
  /** Reads ssh_config: anew for each connection, so that a file that was mended counts. @throws SshError */
  target(): Promise<SshTarget>;
  readonly questions: SshQuestions;
  readonly means: SshMeans;
}

/**
 * A Linux machine that is reached by SSH: one connection, made at the first command and again when it was lost, and one
 * command at a time. The next one of the usual kind waits on the host already: to open a channel and to start a shell
 * takes two round trips and whatever the login shell does, and so a refresh takes one. What waits ends with the connection.
 */
export class SshHost implements Host {
  readonly staysOpen = true;
  private connection: SshConnection | undefined;
  private waiting: Waiting | undefined;
  /** The latest kind of command that can wait. */
  private usual: Kind | undefined;
  private latest: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: SshHostOptions) {}

  get label(): string {
    return this.options.label;
  }

  /** @throws SshError; CollectError `cancelled` */
  async run(argv: readonly string[], options: RunOptions): Promise<Ran> {
    const { signal } = options;
    const mine = this.latest.then(() => this.runNow(argv, options));
    this.latest = mine.catch(() => undefined);
    try {
      return await unlessAborted(signal, mine);
    } catch (error) {
      throw signal.aborted ? new CollectError('cancelled', { host: this.label }, error) : error;
    }
  }

  /** Ends the connection and all that waits on the host. A later command connects anew. */
  disconnect(): void {
    this.connection?.end();
    this.connection = undefined;
    this.waiting = undefined;
  }

  private async runNow(argv: readonly string[], options: RunOptions): Promise<Ran> {
    const { signal } = options;
    const kind: Kind = { command: argv.map(loginShellWord).join(' '), prelude: options.prelude ?? '' };
    if (options.prelude !== undefined) this.usual = kind;
    let heard = false;
    const onStdout = (chunk: Buffer): void => {
      heard = true;
      options.onStdout(chunk);
    };
    for (;;) {
      const known = this.connection?.isOpen === true;
      try {
        const ran = await this.runOnce(kind, { ...options, onStdout });
        this.prepare();
        return ran;
      } catch (error) {
        // One that was lost while nobody used it (the laptop slept, the host was restarted) is made anew, unasked.
        if (!known || heard || signal.aborted || !SshError.is(error, 'connection-lost')) throw error;
      }
    }
  }

  private async runOnce(kind: Kind, options: RunOptions): Promise<Ran> {
    const { signal } = options;
    const connection = await this.connect(signal);
    const endTurn = await this.options.means.turns.take(signal);
    try {
      const shell = this.shell(kind, connection);
      try {
        return await (await unlessAborted(signal, shell)).run(options);
      } catch (error) {
        if (signal.aborted) abandon(shell, connection);
        throw error;
      }
    } finally {
      endTurn();
    }
  }

  private async connect(signal: AbortSignal): Promise<SshConnection> {
    if (this.connection?.isOpen) return this.connection;
    this.waiting = undefined;
    const { label, means, questions } = this.options;
    return (this.connection = await SshConnection.open(label, await this.options.target(), means, questions, signal));
  }

  /** The one that waits, or a new one. */
  private async shell(kind: Kind, connection: SshConnection): Promise<SshShell> {
    const waiting = this.waiting;
    this.waiting = undefined;
    const shell = await waiting?.shell;
    if (shell?.isWaiting && waiting?.kind.command === kind.command && waiting.kind.prelude === kind.prelude) return shell;
    if (shell?.isWaiting) await shell.close(); // a host may allow no second one
    return SshShell.open(connection, kind.command, kind.prelude);
  }

  private prepare(): void {
    const { connection, usual } = this;
    if (!connection?.isOpen || !usual) return;
    // Where none can wait the next refresh opens its own, and tells if it cannot.
    this.waiting = { kind: usual, shell: SshShell.open(connection, usual.command, usual.prelude).catch(() => undefined) };
  }
}

/** Milliseconds that the other side has to do what nobody waits for any more. Then the connection is taken for dead. */
const PATIENCE = 5000;

function abandon(shell: Promise<SshShell>, connection: SshConnection): void {
  const timer = setTimeout(() => connection.cut(), PATIENCE);
  void shell.then(opened => opened.close()).catch(() => undefined).finally(() => clearTimeout(timer));
}

interface Kind {
  readonly command: string;
  readonly prelude: string;
}

interface Waiting {
  readonly kind: Kind;
  readonly shell: Promise<SshShell | undefined>;
}

/**
 * A word for the login shell of the other side, whichever that is: sshd gives it the whole command. Single quotes mean
 * the same to sh, csh and fish where no quote, no backslash and no `!` is inside.
 */
function loginShellWord(word: string): string {
  if (/^[\w./-]+$/.test(word)) return word;
  if (/['\\!]/.test(word)) throw new RangeError(`a word that not every shell understands: ${word}`);
  return `'${word}'`;
}
