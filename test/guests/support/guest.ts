import { execFile, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LiveSource } from '../../../src/core/collect/collect';
import { DEFAULT_QEMU_EXECUTABLES, HELPERS, MANAGERS } from '../../../src/core/collect/script';
import type { SshHost } from '../../../src/core/host/sshHost';
import { buildModel } from '../../../src/core/model/buildModel';
import type { HostModel, Problem } from '../../../src/core/model/hostModel';
import type { RawSnapshot } from '../../../src/core/rawSnapshot';
import { end, newFolder, required, start } from '../../kernel/support/cleanUp';
import { hostOf } from '../../ssh/support/client';
import { freePort } from '../../ssh/support/sshd';

/** How the guest's systemd mounts the cgroup hierarchies. */
export type Mode = 'v2' | 'hybrid' | 'legacy';
/** root; `op`, who may use sudo and libvirt; `ro`, who may do neither. */
export type User = 'root' | 'op' | 'ro';

/** systemd 252, src/basic/cgroup-util.c and man kernel-command-line(7). */
const KERNEL_ARGUMENTS: Readonly<Record<Mode, readonly string[]>> = {
  v2: [],
  hybrid: ['systemd.unified_cgroup_hierarchy=0'],
  legacy: ['systemd.unified_cgroup_hierarchy=0', 'systemd.legacy_systemd_cgroup_controller=1'],
};

export interface GuestOptions {
  /** QEMU's arguments for its CPUs and NUMA nodes; two CPUs without. */
  readonly topology?: readonly string[];
  readonly kernelArguments?: readonly string[];
}

/** Eight CPUs: two nodes of two cores of two threads each. An emulated AMD processor tells nobody which threads share a core. */
export const TWO_NODES: readonly string[] = [
  ...['-cpu', 'max,vendor=GenuineIntel'],
  ...['-smp', '8,sockets=2,cores=2,threads=2'],
  ...['-object', 'memory-backend-ram,id=node0,size=1G', '-numa', 'node,nodeid=0,cpus=0-3,memdev=node0'],
  ...['-object', 'memory-backend-ram,id=node1,size=1G', '-numa', 'node,nodeid=1,cpus=4-7,memdev=node1'],
];

/** Emulation under load is slow: a guest is given up only after this. */
const BOOT_MS = 300_000;

/** A Debian guest with systemd, machined and libvirt on 127.0.0.1, emulated: its kernel and all in it are real. */
export class Guest {
  private constructor(
    readonly mode: Mode,
    readonly port: number,
    private readonly folder: string,
    private readonly image: string,
    private readonly processes: ReturnType<typeof start>[],
  ) {}

  /** Boots one and waits until its sshd lets us in. Nothing that it writes outlives it. */
  static async boot(mode: Mode, options: GuestOptions = {}): Promise<Guest> {
    const image = execFileSync(process.execPath, [join(__dirname, '../../../../test/guests/image.mjs')], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
    const kept = options.topology || options.kernelArguments ? undefined : process.env['CGROUP_LENS_KEEP_GUEST']; // one like no other is not kept
    const folder = kept === undefined ? newFolder(`guest-${mode}`) : join(kept, mode);
    if (kept !== undefined && isKept(folder)) return new Guest(mode, Number(readFileSync(join(folder, 'port'), 'utf8')), folder, image, []);
    mkdirSync(folder, { recursive: true });
    const port = await freePort();
    const command = [required('qemu-system-x86_64'), ...qemuArguments(mode, image, port, join(folder, 'console'), options)] as const;
    const guest = new Guest(mode, port, folder, image, []);
    writeFileSync(join(folder, 'known_hosts'), `[127.0.0.1]:${port} ${readFileSync(join(image, 'hostkey.pub'), 'utf8')}`);
    writeFileSync(guest.sshConfig, guest.configuration());
    const qemu = kept === undefined ? start(required('setpriv'), ['--pdeathsig', 'KILL', ...command], { stdio: ['ignore', 'ignore', 'inherit'] }) : keep(command, folder);
    for (const until = Date.now() + BOOT_MS; ; await sleep(250)) {
      if (qemu.exitCode !== null || Date.now() > until) throw new Error(`The ${mode} guest does not come up; its console ends:\n${readFileSync(join(folder, 'console'), 'latin1').slice(-2000)}`);
      if (await guest.run('true').then(() => true, () => false)) break;
    }
    if (kept !== undefined) {
      writeFileSync(join(folder, 'port'), String(port));
      return guest;
    }
    const master = start('ssh', ['-F', guest.sshConfig, '-S', guest.master, '-N', '-M', guest.name()], { stdio: ['ignore', 'ignore', 'inherit'] });
    guest.processes.push(qemu, master);
    for (; !existsSync(guest.master); await sleep(50)) if (master.exitCode !== null) throw new Error(`The connection to the ${mode} guest ended with ${master.exitCode}`);
    return guest;
  }

  /** Of an OpenSSH configuration that knows it as `guest-MODE`, `guest-MODE-op` and `guest-MODE-ro`. */
  get sshConfig(): string {
    return join(this.folder, 'ssh_config');
  }

  /** As that configuration calls it. */
  name(user: User = 'root'): string {
    return user === 'root' ? `guest-${this.mode}` : `guest-${this.mode}-${user}`;
  }

  /**
   * What a shell of this user prints, by OpenSSH: nothing of the product is used. Rejects when it fails.
   *
   * @param session root's commands share one connection, and so one login session, unless they are to have their own
   */
  run(script: string, user: User = 'root', session: 'shared' | 'own' = 'shared'): Promise<string> {
    return new Promise((resolve, reject) => {
      const args = ['-F', this.sshConfig, ...(user === 'root' && session === 'shared' ? ['-S', this.master] : []), '-T', '--', this.name(user), 'exec sh -s'];
      const child = execFile('ssh', args, { encoding: 'utf8', maxBuffer: 1 << 28 }, (error, stdout, stderr) => {
        if (error) reject(new Error(`${this.name(user)}: ${script}\nended with ${error.code ?? error.signal}: ${stderr}${stdout}`));
        else resolve(stdout);
      });
      child.stdin!.on('error', () => undefined); // it ended before it read all: its exit code tells
      child.stdin!.end(`${script}\n`);
    });
  }

  /** The product's own connection, ended by `disconnectAll`. */
  host(user: User = 'root'): SshHost {
    return (this.hosts[user] ??= hostOf(this, {
      ...{ alias: this.name(user), label: this.name(user), user, identityFiles: [join(this.image, 'id')], identitiesOnly: true },
      ...{ knownHostsFiles: [join(this.folder, 'known_hosts')], unknownHostKeys: 'refuse' },
    }));
  }

  /** The product's own look at it. */
  async look(user: User = 'root', asRoot = false): Promise<{ readonly raw: RawSnapshot; readonly model: HostModel; readonly problems: readonly Problem[] }> {
    const source = this.source(user, asRoot);
    const raw = await source.collect(new AbortController().signal);
    return { raw, ...(await buildModel(raw, source, { qemu: DEFAULT_QEMU_EXECUTABLES, managers: MANAGERS, helpers: HELPERS })) };
  }

  source(user: User = 'root', asRoot = false): LiveSource {
    return new LiveSource(this.name(user), this.host(user), () => ({ qemuExecutables: DEFAULT_QEMU_EXECUTABLES, asRoot }));
  }

  async end(): Promise<void> {
    for (const host of Object.values(this.hosts)) host.disconnect();
    await Promise.all(this.processes.map(end));
  }

  private readonly hosts: Partial<Record<User, SshHost>> = {};

  private get master(): string {
    return join(this.folder, 'master');
  }

  private configuration(): string {
    const common = ['HostName 127.0.0.1', `Port ${this.port}`, `IdentityFile ${join(this.image, 'id')}`, 'IdentitiesOnly yes', `UserKnownHostsFile ${join(this.folder, 'known_hosts')}`, 'StrictHostKeyChecking yes', 'BatchMode yes', 'ConnectTimeout 15', 'LogLevel ERROR'];
    return (['root', 'op', 'ro'] as const).map(user => [`Host ${this.name(user)}`, `User ${user}`, ...common, ''].join('\n  ')).join('\n');
  }
}

function qemuArguments(mode: Mode, image: string, port: number, console: string, { topology = ['-smp', '2'], kernelArguments = [] }: GuestOptions): string[] {
  return [
    ...['-name', `cgroup-lens-guest-${mode},debug-threads=on`, '-accel', 'tcg,thread=multi', '-cpu', 'max', '-m', '2048', ...topology],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-serial', `file:${console}`, '-device', 'virtio-rng-pci'],
    ...['-kernel', join(image, 'vmlinuz'), '-initrd', join(image, 'initrd')],
    ...['-append', ['root=/dev/vda', 'rw', 'console=ttyS0', 'net.ifnames=0', 'quiet', 'systemd.show_status=0', ...KERNEL_ARGUMENTS[mode], ...kernelArguments].join(' ')],
    ...['-drive', `file=${join(image, 'disk.img')},if=virtio,format=raw,cache=unsafe,snapshot=on`],
    ...['-netdev', `user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:${port}-:22`, '-device', 'virtio-net-pci,netdev=net'],
  ];
}

function isKept(folder: string): boolean {
  return existsSync(join(folder, 'port')) && existsSync(`/proc/${readFileSync(join(folder, 'pid'), 'utf8')}`);
}

/** For whoever writes these tests: `CGROUP_LENS_KEEP_GUEST=FOLDER` has the guest stay up for the next run; `FOLDER/MODE/pid` ends it. */
function keep([command, ...args]: readonly [string, ...string[]], folder: string): ReturnType<typeof start> {
  const child = spawn(command, args, { detached: true, stdio: 'ignore', env: { PATH: process.env['PATH'] } });
  writeFileSync(join(folder, 'pid'), String(child.pid));
  child.unref();
  return child as ReturnType<typeof start>;
}
