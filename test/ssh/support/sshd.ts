import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, readFileSync, readdirSync, readlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandOf, end, newFolder, required, start } from '../../kernel/support/cleanUp';

/** Users that only our sshd knows: each has a login shell of its own. */
const SHELLS = { op: 'bash', fisher: 'fish', seashell: 'tcsh', banner: 'bash', second: 'bash' } as const;
export type User = keyof typeof SHELLS;
export const PASSWORD = 'correct horse';
const FIRST_UID = 61_700;

export interface SshdOptions {
  /** Lines of sshd_config. They stand first: of a keyword the first value counts. */
  readonly config?: readonly string[];
  readonly hostKeys?: readonly string[];
  /** Commands of a shell, in the mount namespace that sshd will have. */
  readonly setUp?: readonly string[];
  readonly port?: number;
}

/** A real sshd on 127.0.0.1, in a mount namespace of its own, with users and a sudoers file that nobody else sees. */
export class Sshd {
  private constructor(
    readonly folder: string,
    readonly port: number,
    private readonly process: ReturnType<typeof start>,
  ) {}

  /** One that lets the owner of this key in. */
  static async startFor(key: string, options: SshdOptions = {}): Promise<Sshd> {
    const sshd = await Sshd.start(options);
    sshd.authorize(`${key}.pub`);
    return sshd;
  }

  static async start(options: SshdOptions = {}): Promise<Sshd> {
    const folder = newFolder('sshd');
    const port = options.port ?? (await freePort());
    for (const type of options.hostKeys ?? ['ed25519']) makeKey(join(folder, `host_${type}`), type);
    const keys = (options.hostKeys ?? ['ed25519']).map(type => `HostKey ${folder}/host_${type}`);
    writeFileSync(
      join(folder, 'sshd_config'),
      [...(options.config ?? []), ...keys, `Port ${port}`, 'ListenAddress 127.0.0.1', `PidFile ${folder}/pid`, `AuthorizedKeysFile ${folder}/authorized_keys/%u`, 'StrictModes no', 'UsePAM no', 'LogLevel VERBOSE', ''].join('\n'),
    );
    accounts(folder);
    mkdirSync('/run/sshd', { recursive: true });
    const script = [
      'set -e',
      ...['passwd', 'shadow', 'sudoers', 'pam.d/sshd'].map(file => `[ -e /etc/${file} ] || { mkdir -p /etc/pam.d; : >/etc/${file}; }; mount --bind ${folder}/${file.replace('/', '_')} /etc/${file}`),
      ...(options.setUp ?? []),
      `exec ${required('sshd')} -D -f ${folder}/sshd_config -E ${folder}/log`,
    ].join('\n');
    const process = start(required('unshare'), ['-m', '--propagation', 'private', 'sh', '-c', script], { stdio: ['ignore', 'ignore', 'inherit'] });
    const sshd = new Sshd(folder, port, process);
    await sshd.listening();
    return sshd;
  }

  /** Lets this public key in, for all users. */
  authorize(publicKeyFile: string): void {
    const line = readFileSync(publicKeyFile, 'utf8');
    for (const user of Object.keys(SHELLS)) writeFileSync(join(this.folder, 'authorized_keys', user), line, { flag: 'a' });
  }

  home(user: User): string {
    return join(this.folder, 'home', user);
  }

  hostKey(type = 'ed25519'): string {
    return join(this.folder, `host_${type}`);
  }

  /** A known_hosts file that has this host. */
  known(): string {
    const file = join(this.folder, `known_hosts-${Math.random().toString(36).slice(2)}`);
    const keys = readdirSync(this.folder).filter(name => /^host_\w+\.pub$/.test(name));
    writeFileSync(file, keys.map(name => `[127.0.0.1]:${this.port} ${readFileSync(join(this.folder, name), 'utf8').split(' ').slice(0, 2).join(' ')}\n`).join(''));
    return file;
  }

  log(): string {
    return readFileSync(join(this.folder, 'log'), 'utf8');
  }

  /** Everything that runs on this "host": by its mount namespace, which no process of it can leave. Its listener is left out. */
  processes(): { pid: number; command: string }[] {
    const own = namespaceOf(this.process.pid);
    return readdirSync('/proc')
      .filter(name => /^\d+$/.test(name) && Number(name) !== this.process.pid && namespaceOf(Number(name)) === own)
      .map(name => ({ pid: Number(name), command: commandOf(Number(name)) }))
      .filter(({ command }) => command !== ''); // a zombie
  }

  /** Waits until nothing is left but the listener; fails with what is. */
  async nothingLeft(): Promise<void> {
    for (const until = Date.now() + 8000; this.processes().length > 0; await sleep(20)) {
      if (Date.now() > until) throw new Error(`left on the host: ${JSON.stringify(this.processes())}`);
    }
  }

  /** Ends connections, and the listener with them, as a host that goes down does. */
  async stop(): Promise<void> {
    const all = this.processes();
    await end(this.process);
    for (const { pid } of all) kill(pid);
  }

  /** Ends the processes of all connections; the listener stays. */
  cut(): void {
    for (const { pid, command } of this.processes()) if (command.startsWith('sshd:')) kill(pid);
  }

  private async listening(): Promise<void> {
    for (const until = Date.now() + 60_000; ; await sleep(20)) {
      const up = await new Promise<boolean>(resolve => {
        const socket = connect(this.port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
        socket.once('connect', () => socket.destroy());
      });
      if (up) return;
      if (this.process.exitCode !== null || Date.now() > until) throw new Error(`sshd does not listen on ${this.port}`);
    }
  }
}

/** A key pair: FILE and FILE.pub. */
export function makeKey(file: string, type = 'ed25519', passphrase = ''): string {
  execFileSync(required('ssh-keygen'), ['-q', '-t', type, '-N', passphrase, '-C', `test-${type}`, '-f', file]);
  return file;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise(resolve => server.close(resolve));
  return port;
}

function accounts(folder: string): void {
  const shadow = execFileSync(required('openssl'), ['passwd', '-6', PASSWORD], { encoding: 'utf8' }).trim();
  const users = Object.entries(SHELLS).map(([name, shell], i) => ({ name, uid: FIRST_UID + i, shell: required(shell), home: join(folder, 'home', name) }));
  const write = (name: string, text: string, mode = 0o644): void => writeFileSync(join(folder, name), text, { mode });
  write('passwd', `${readFileSync('/etc/passwd', 'utf8')}${users.map(u => `${u.name}:x:${u.uid}:${u.uid}::${u.home}:${u.shell}\n`).join('')}`);
  write('shadow', `${readFileSync('/etc/shadow', 'utf8')}${users.map(u => `${u.name}:${shadow}:19000:0:99999:7:::\n`).join('')}`, 0o640);
  write('sudoers', 'root ALL=(ALL:ALL) ALL\nop ALL=(ALL:ALL) NOPASSWD: ALL\n', 0o440);
  write('pam.d_sshd', 'auth required pam_unix.so\naccount required pam_permit.so\nsession required pam_permit.so\n');
  mkdirSync(join(folder, 'authorized_keys'));
  for (const { uid, home } of users) {
    mkdirSync(home, { recursive: true });
    chownSync(home, uid, uid);
  }
  writeFileSync(join(folder, 'home/banner/.bashrc'), 'echo "Welcome to this host"; printf "no newline at its end"\n');
}

function namespaceOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return ''; // gone, or a kernel thread
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone already
  }
}
