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
  readonly isRemote = true;
  private connection: SshConnection | undefined;
  private waiting: Waiting | undefined;
  /** The latest kind of command that can wait. */
  private usual: Kind | undefined;
  private latest: Promise<unknown> = Promise.resolve();
  /** Another one since the person last had it disconnected: what was wanted before is not wanted any more. */
  private wish = Symbol();

  constructor(private readonly options: SshHostOptions) {}

  get label(): string {
    return this.options.label;
  }

  /** @throws SshError; CollectError `cancelled` */
  async run(argv: readonly string[], options: RunOptions): Promise<Ran> {
    const { signal } = options;
    const { wish } = this;
    const mine = this.latest.then(() => this.runNow(argv, options, wish));
    this.latest = mine.catch(() => undefined);
    try {
      return await unlessAborted(signal, mine);
    } catch (error) {
      throw signal.aborted ? new CollectError('cancelled', { host: this.label }, error) : error;
    }
  }

  /** Ends the connection, all that waits on the host, and what waits here to be run. A later command connects anew. */
  disconnect(): void {
    this.wish = Symbol();
    this.connection?.end();
    this.connection = undefined;
    this.waiting = undefined;
  }

  private async runNow(argv: readonly string[], options: RunOptions, wish: symbol): Promise<Ran> {
    const kind: Kind = { command: argv.map(loginShellWord).join(' '), prelude: options.prelude ?? '' };
    if (options.prelude !== undefined) this.usual = kind;
    let isTooLate = false;
    const onStdout = (chunk: Buffer): void => {
      isTooLate = true;
      options.onStdout(chunk);
    };
    const onBegin = (): void => {
      if (options.onBegin) isTooLate = true; // it writes, and may have done so unheard
      options.onBegin?.();
    };
    const known = this.connection !== undefined && this.connection.ended === undefined;
    try {
      return await this.runOnce(kind, { ...options, onStdout, onBegin }, wish);
    } catch (error) {
      // One that was lost while nobody used it (the laptop slept, the host was restarted) is made anew, unasked and once.
      if (!known || isTooLate || options.signal.aborted || !SshError.is(error, 'connection-lost')) throw error;
      this.connection?.over('it was lost');
      return this.runOnce(kind, { ...options, onStdout, onBegin }, wish);
    }
  }

  private async runOnce(kind: Kind, options: RunOptions, wish: symbol): Promise<Ran> {
    const { signal } = options;
    const connection = await this.connect(signal, wish);
    const endTurn = await this.options.means.turns.take(signal);
    try {
      const shell = this.shell(kind, connection);
      try {
        const ran = await (await unlessAborted(signal, shell)).run(options);
        this.prepare();
        return ran;
      } catch (error) {
        if (signal.aborted) abandon(shell, connection);
        throw error;
      }
    } finally {
      endTurn();
    }
  }

  private async connect(signal: AbortSignal, wish: symbol): Promise<SshConnection> {
    const { label, means, questions, target } = this.options;
    const asWished = (): void => {
      if (this.wish !== wish) throw new CollectError('cancelled', { host: label });
    };
    asWished();
    if (this.connection && this.connection.ended === undefined) return this.connection;
    this.waiting = undefined;
    const connection = await SshConnection.open(label, await target(), means, questions, signal);
    try {
      asWished();
    } catch (error) {
      connection.end();
      throw error;
    }
    return (this.connection = connection);
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
    if (!connection || connection.ended || !usual) return;
    // Where none can wait the next refresh opens its own, and tells if it cannot.
    this.waiting = { kind: usual, shell: SshShell.open(connection, usual.command, usual.prelude).catch(() => undefined) };
  }
}

/** Milliseconds that the other side has to do what nobody waits for any more. Then the connection is taken for dead. */
const PATIENCE = 5000;

function abandon(shell: Promise<SshShell>, connection: SshConnection): void {
  const timer = setTimeout(() => connection.over('it did not answer any more'), PATIENCE);
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
