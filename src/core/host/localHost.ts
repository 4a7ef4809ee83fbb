import { spawn } from 'node:child_process';
import { CollectError } from '../errors';
import { decodeBytes } from '../parse/bytes';
import type { Host, Ran, RunOptions } from './source';

/** Enough for any honest message; a host that says more is not listened to further. */
const MOST_STDERR = 1 << 20;

/**
 * This machine. A command runs without a shell of our own around it and has a process group of its own, so that a
 * cancellation ends what it started too.
 */
export class LocalHost implements Host {
  readonly isRemote = false;

  constructor(readonly label: string) {}

  run(argv: readonly string[], options: RunOptions): Promise<Ran> {
    return runLocally(this.label, argv, options);
  }
}

function runLocally(host: string, argv: readonly string[], options: RunOptions): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const { signal } = options;
    if (signal.aborted) return reject(new CollectError('cancelled', { host }));
    // Of the environment only the path: exported functions and shell options of the person would be obeyed.
    const child = spawn(argv[0]!, argv.slice(1), { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' } });
    const stop = (): void => {
      child.stdin.destroy();
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // ESRCH: the group has ended by itself. EPERM: it is root's by now, and ends itself, for it is watched
      }
      reject(new CollectError('cancelled', { host }));
    };
    signal.addEventListener('abort', stop, { once: true });
    const stderr: Buffer[] = [];
    let stderrBytes = 0;
    child.on('error', error => {
      signal.removeEventListener('abort', stop);
      reject(new CollectError('cannot-start', { host, said: argv[0]! }, error));
    });
    child.stdin.on('error', () => undefined); // EPIPE: the shell ended early, which its answer tells
    child.stdout.on('data', options.onStdout);
    child.stderr.on('data', (chunk: Buffer) => {
      stderrBytes += chunk.length;
      if (stderrBytes <= MOST_STDERR) stderr.push(chunk);
    });
    child.on('close', exitCode => {
      signal.removeEventListener('abort', stop);
      resolve({ stderr: decodeBytes(Buffer.concat(stderr)), exitCode });
    });
    if (child.pid !== undefined) options.onBegin?.();
    child.stdin.write(`${options.prelude ?? ''}${options.stdin}`);
    if (!options.watched) child.stdin.end();
  });
}
