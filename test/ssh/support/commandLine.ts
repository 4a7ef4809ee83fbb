import { type ChildProcess, execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { shellWord } from '../../../src/core/shellWord';
import { newFolder, required, start } from '../../kernel/support/cleanUp';
import { type Sshd, type User, makeKey } from './sshd';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a person types when this is asked. */
export type Answer = readonly [asked: RegExp, typed: string];

interface Entry {
  readonly user?: User;
  readonly key?: string;
  readonly known?: string;
  readonly lines?: readonly string[];
}

/** A person with a home, keys and an ssh_config of their own, at the command line. Never the one of who runs the tests. */
export class Client {
  readonly home = newFolder('home');
  readonly key = makeKey(join(this.home, 'id'));
  readonly state = join(this.home, 'state');
  /** The file of the keys that were accepted. */
  readonly accepted = join(this.state, 'cgroup-lens', 'known_hosts');
  /** All that a run may start with: another test's, say. */
  readonly env: Record<string, string | undefined> = { ...process.env, HOME: this.home, XDG_STATE_HOME: this.state, SSH_AUTH_SOCK: undefined };

  /** @param program `out/src/cli/main.js`, `dist/cli.js` */
  constructor(private readonly program: string) {}

  /** An ssh_config in which `web1` is this sshd, known by its key unless told otherwise. */
  config(sshd: Pick<Sshd, 'port' | 'known'>, { user = 'op', key = this.key, known = sshd.known(), lines = [] }: Entry = {}): string {
    const file = join(newFolder('config'), 'config');
    const about = ['HostName 127.0.0.1', `Port ${sshd.port}`, `User ${user}`, `IdentityFile ${key}`, 'IdentitiesOnly yes', `UserKnownHostsFile ${known}`, 'GlobalKnownHostsFile /dev/null', ...lines];
    writeFileSync(file, `Host web1\n${about.map(line => `  ${line}\n`).join('')}`, { mode: 0o600 });
    return file;
  }

  /** In a script: no terminal, to ask or to be asked at. */
  run(...args: string[]): Promise<Ran> {
    return this.begin(...args).ended;
  }

  begin(...args: string[]): { readonly child: ChildProcess; readonly ended: Promise<Ran> } {
    let child!: ChildProcess;
    const ended = new Promise<Ran>(resolve => {
      child = execFile(process.execPath, [this.program, ...args], { env: this.env, timeout: 60_000, killSignal: 'SIGKILL' }, (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }));
      child.stdin!.end();
    });
    return { child, ended };
  }

  /** At a terminal: what stands on it in the end. */
  async atTerminal(args: readonly string[], answers: readonly Answer[]): Promise<{ readonly code: number; readonly screen: string }> {
    const command = [process.execPath, this.program, ...args].map(shellWord).join(' ');
    const child = start(required('script'), ['-qec', command, '/dev/null'], { env: { ...this.env, SHELL: '/bin/sh', TERM: 'dumb' }, stdio: ['pipe', 'pipe', 'inherit'] });
    let screen = '';
    let read = 0;
    const left = [...answers];
    child.stdout!.on('data', (chunk: Buffer) => {
      screen += chunk.toString();
      const [asked, typed] = left[0] ?? [];
      const found = asked?.exec(screen.slice(read));
      if (!found || typed === undefined) return;
      left.shift();
      read = screen.length;
      child.stdin!.write(typed);
    });
    const code = await new Promise<number>(resolve => child.once('close', ended => resolve(ended ?? -1)));
    if (left.length > 0) throw new Error(`never asked: ${String(left[0]![0])}\n${screen}`);
    return { code, screen };
  }

  acceptedKeys(): string {
    return readFileSync(this.accepted, 'utf8');
  }
}
