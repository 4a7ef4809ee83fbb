import { join } from 'node:path';
import { LiveSource } from '../core/collect/collect';
import type { HostId } from '../core/host/source';
import type { SshQuestions, SshTarget } from '../core/host/sshTarget';
import type * as Ssh from '../core/ssh';
import { stateFolder } from './history';

export interface SshOptions {
  /** Read instead of the person's and the system's ssh_config, as `ssh -F`. */
  readonly configFile: string | undefined;
  readonly asRoot: boolean;
  readonly qemuExecutables: readonly string[];
  readonly questions: SshQuestions;
}

export interface SshSource {
  readonly source: LiveSource;
  /** Ends the connection; the process would not end before it. */
  disconnect(): void;
}

/** Milliseconds: one host alone is in nobody's way. */
const PATIENCE = 5000;

/**
 * A host that is reached by SSH: nothing is connected before it is read. ssh_config is read once, so that what is
 * connected is the host whose history it is.
 *
 * @param name a `Host` of ssh_config, or `user@host:port`
 * @throws SshError `bad-config`, `unsupported-config`
 */
export async function sshSource(name: string, { configFile, asRoot, qemuExecutables, questions }: SshOptions): Promise<SshSource> {
  const { Keyring, SshHost, Turns, readSshConfig, resolveTarget, thisSshEnvironment } = require('../core/ssh') as typeof Ssh; // who asks for no such host loads none of it
  const environment = thisSshEnvironment();
  const target = resolveTarget(await readSshConfig(environment, configFile), name, environment);
  const means = { acceptedKeys: join(stateFolder(), 'known_hosts'), keyring: new Keyring(), turns: new Turns(1, PATIENCE) };
  const host = new SshHost({ label: name, target: () => Promise.resolve(target), questions, means });
  return { source: new LiveSource(idOf(target), host, () => ({ qemuExecutables, asRoot })), disconnect: () => host.disconnect() };
}

/**
 * Where it leads, whatever it is called: names of two ssh_config files may be the same and mean two hosts. That the host
 * there still is the one it was, its key tells.
 */
function idOf(target: SshTarget): HostId {
  return `ssh:${[...target.jumps, target].map(({ hostName, port, hostKeyName }) => `${hostName}:${port}/${hostKeyName}`).join(' ')}`;
}
