import type { LiveSource } from '../core/collect/collect';
import type { HostId, Question } from '../core/host/source';
import type { SshHost } from '../core/host/sshHost';
import type { SshMeans } from '../core/host/sshConnection';
import type { SshTarget } from '../core/host/sshTarget';
import type { RawSnapshot } from '../core/rawSnapshot';
import { BackOff } from './backOff';
import { qemuExecutables, readAsRoot } from './config';
import { core } from './lazyCore';
import { ssh } from './lazySsh';
import { OneAtATime, type Reading } from './reading';
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
  /** The one that runs decides whether a person may be asked, and its time stands still meanwhile. */
  private readonly readings = new OneAtATime();

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
    return this.run(reading, live => live.collect(reading.signal));
  }

  ask<T>(question: Question<T>, reading: Reading): Promise<T> {
    return this.run(reading, live => live.ask(question, reading.signal));
  }

  /** Ends the connection, and what waits for it. */
  disconnect(): void {
    this.made?.host.disconnect();
  }

  private async run<T>(reading: Reading, work: (live: LiveSource) => Promise<T>): Promise<T> {
    try {
      return await this.readings.run(reading, () => work((this.made ??= this.make()).live));
    } catch (error) {
      throw reading.signal.aborted ? new (core().CollectError)('cancelled', { host: this.label }, error) : error;
    }
  }

  private make(): NonNullable<SshSource['made']> {
    const { name, label, shared } = this;
    const host = new (ssh().SshHost)({ label, target: () => this.target(), questions: shared.prompts.of(label, () => this.readings.now), means: this.means() });
    return { host, live: new (core().LiveSource)(this.id, host, () => ({ qemuExecutables: qemuExecutables(), asRoot: readAsRoot().includes(name), allCgroups: this.allCgroups() })) };
  }

  /** Its time stands still too while it waits for its turn, or for the passphrase that another host was asked for. */
  private means(): SshMeans {
    const { acceptedKeys, keyring, turns } = this.shared.means();
    const untimed = <T>(work: () => Promise<T>): Promise<T> => this.readings.now?.untimed(work) ?? work();
    return {
      acceptedKeys,
      keyring: { unlock: (...key) => untimed(() => keyring.unlock(...key)) },
      turns: { take: signal => untimed(() => turns.take(signal)) },
    };
  }

  private async target(): Promise<SshTarget> {
    const environment = ssh().thisSshEnvironment();
    const target = ssh().resolveTarget(await ssh().readSshConfig(environment), this.name, environment);
    this.address = addressOf(target);
    return target;
  }
}

function addressOf({ user, hostName, port }: SshTarget): string {
  const host = hostName.includes(':') ? `[${hostName}]` : hostName;
  return `${user}@${host}${port === 22 ? '' : `:${port}`}`;
}
