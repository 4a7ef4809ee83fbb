import type { ClientChannel } from 'ssh2';
import { decodeBytes } from '../parse/bytes';
import type { Ran, RunOptions } from './source';
import type { SshConnection } from './sshConnection';

/** Enough for any honest message; a host that says more is not listened to further. */
const MOST_STDERR = 1 << 20;

/** A command on the host that has been given all but what sets it going. */
export class SshShell {
  /** It ended before it was set going, or its connection did. */
  private hasEnded = false;

  private constructor(
    private readonly connection: SshConnection,
    private readonly channel: ClientChannel,
  ) {
    for (const event of ['exit', 'close']) channel.once(event, () => (this.hasEnded = true));
    channel.on('error', () => undefined); // EPIPE and the like: it ends, and says so by 'close'
  }

  /** @throws SshError `no-channel`, `connection-lost` */
  static async open(connection: SshConnection, command: string, prelude: string): Promise<SshShell> {
    const channel = await connection.exec(command);
    channel.write(prelude);
    return new SshShell(connection, channel);
  }

  get isWaiting(): boolean {
    return !this.hasEnded && this.connection.ended === undefined;
  }

  /** Sets it going, once; ending one that is not wanted any more is the caller's. @throws SshError `connection-lost`, or the signal's reason */
  run({ stdin, signal, onStdout, onBegin }: RunOptions): Promise<Ran> {
    const { channel, connection } = this;
    return new Promise((resolve, reject) => {
      const stderr: Buffer[] = [];
      let stderrBytes = 0;
      channel.on('data', onStdout);
      channel.stderr.on('data', (chunk: Buffer) => {
        stderrBytes += chunk.length;
        if (stderrBytes <= MOST_STDERR) stderr.push(chunk);
      });
      const stop = (): void => {
        reject(signal.reason as Error);
        channel.removeListener('data', onStdout);
      };
      signal.addEventListener('abort', stop, { once: true });
      channel.once('close', (exitCode: number | null | undefined) => {
        signal.removeEventListener('abort', stop);
        if (connection.ended) reject(connection.ended);
        else resolve({ stderr: decodeBytes(Buffer.concat(stderr)), exitCode: exitCode ?? null });
      });
      if (signal.aborted) return stop();
      onBegin?.();
      channel.write(stdin);
    });
  }

  /** Resolves when the host has ended it, or the connection is over. */
  close(): Promise<void> {
    return new Promise(resolve => {
      const { channel } = this;
      channel.once('close', () => resolve());
      channel.resume();
      channel.stderr.resume();
      channel.close();
    });
  }
}
