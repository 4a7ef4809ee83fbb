import * as os from 'node:os';
import type { LiveSource } from '../core/collect/collect';
import type { HostId, Question } from '../core/host/source';
import type { SshEnvironment } from '../core/host/sshConfig';
import type { SshHost } from '../core/host/sshHost';
import type { SshMeans } from '../core/host/sshConnection';
import type { SshTarget } from '../core/host/sshTarget';
import type { RawSnapshot } from '../core/rawSnapshot';
import { BackOff } from './backOff';
import { qemuExecutables, readAsRoot } from './config';
import { core } from './lazyCore';
import { ssh } from './lazySsh';
import type { Reading } from './reading';
import type { HostSource } from './sources';
import type { SshPrompts } from './sshQuestions';

/** What all SSH hosts of a window share. */
export interface SshShared {
  readonly prompts: SshPrompts;
  means(): SshMeans;
}

export function sshId(name: string): HostId {
  return `ssh:${name}`;
}

/** A host that is reached by SSH. It connects when it is read, and keeps the connection until it is told to end it. */
export class SshSource implements HostSource {
  readonly kind = 'live';
  readonly damage = [];
  readonly id: HostId;
  readonly backOff = new BackOff();
  /** `op@10.0.0.5`, once ssh_config was read for it. */
  address: string | undefined;
  private made: { readonly host: SshHost; readonly live: LiveSource } | undefined;
  /** Whose time stands still while something is asked, and who decides whether it may be. */
  private reading: Reading | undefined;

  /** @param name as in the setting: a `Host` of ssh_config, or `user@host:port` */
  constructor(
    readonly name: string,
    readonly label: string,
    private readonly shared: SshShared,
    private readonly allCgroups: () => boolean,
  ) {
    this.id = sshId(name);
  }

  collect(reading: Reading): Promise<RawSnapshot> {
    return this.live(reading).collect(reading.signal);
  }

  ask<T>(question: Question<T>, reading: Reading): Promise<T> {
    return this.live(reading).ask(question, reading.signal);
  }

  /** Ends the connection, and what waits for it. */
  disconnect(): void {
    this.made?.host.disconnect();
  }

  private live(reading: Reading): LiveSource {
    this.reading = reading;
    return (this.made ??= this.make()).live;
  }

  private make(): NonNullable<SshSource['made']> {
    const { name, label, shared } = this;
    const host = new (ssh().SshHost)({ label, target: () => this.target(), questions: shared.prompts.of(label, () => this.reading), means: this.means() });
    return { host, live: new (core().LiveSource)(this.id, host, () => ({ qemuExecutables: qemuExecutables(), asRoot: readAsRoot().includes(name), allCgroups: this.allCgroups() })) };
  }

  /** Its time stands still too while it waits for its turn, or for the passphrase that another host was asked for. */
  private means(): SshMeans {
    const { acceptedKeys, keyring, turns } = this.shared.means();
    const untimed = <T>(work: () => Promise<T>): Promise<T> => this.reading?.untimed(work) ?? work();
    return {
      acceptedKeys,
      keyring: { unlock: (...key) => untimed(() => keyring.unlock(...key)) },
      turns: { take: signal => untimed(() => turns.take(signal)) },
    };
  }

  private async target(): Promise<SshTarget> {
    const environment = sshEnvironment();
    const target = ssh().resolveTarget(await ssh().readSshConfig(environment), this.name, environment);
    this.address = addressOf(target);
    return target;
  }
}

/** Whose keys, agent and known_hosts are used: of whoever runs this window's extensions, in a remote window on the remote machine. */
export function sshEnvironment(): SshEnvironment {
  return { home: os.homedir(), userName: os.userInfo().username, env: process.env, platform: process.platform };
}

function addressOf({ user, hostName, port }: SshTarget): string {
  const host = hostName.includes(':') ? `[${hostName}]` : hostName;
  return `${user}@${host}${port === 22 ? '' : `:${port}`}`;
}
