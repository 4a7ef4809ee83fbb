// TEMPORARY: replaced by the real one when main has it.
import { readFile } from 'node:fs/promises';
import { SshError } from '../errors';
import type { SshTarget } from './sshTarget';

export interface SshEnvironment {
  readonly home: string;
  readonly userName: string;
  readonly env: NodeJS.ProcessEnv;
  readonly platform: NodeJS.Platform;
}

export interface SshConfigFiles {
  readonly entries: readonly { readonly alias: string; readonly values: ReadonlyMap<string, { text: string; line: number }> }[];
  readonly file: string;
}

export interface HostEntry {
  readonly alias: string;
  readonly hostName?: string;
  readonly user?: string;
  readonly refused?: { readonly directive: string; readonly file: string; readonly line: number };
}

export async function readSshConfig({ home }: SshEnvironment): Promise<SshConfigFiles> {
  const file = `${home}/.ssh/config`;
  const text = await readFile(file, 'utf8').catch(() => '');
  const entries: { alias: string; values: Map<string, { text: string; line: number }> }[] = [];
  text.split('\n').forEach((line, i) => {
    const [, key, value] = /^\s*(\w+)\s+(.*)$/.exec(line) ?? [];
    if (key === undefined || value === undefined) return;
    if (key === 'Host') entries.push({ alias: value, values: new Map() });
    else entries.at(-1)?.values.set(key, { text: value, line: i + 1 });
  });
  return { entries, file };
}

export function hostEntries({ entries, file }: SshConfigFiles): readonly HostEntry[] {
  return entries.map(({ alias, values }) => {
    const [hostName, user, proxy] = [values.get('HostName'), values.get('User'), values.get('ProxyCommand')];
    return { alias, ...(hostName ? { hostName: hostName.text } : {}), ...(user ? { user: user.text } : {}), ...(proxy ? { refused: { directive: 'ProxyCommand', file, line: proxy.line } } : {}) };
  });
}

/** @throws SshError */
export function resolveTarget({ entries, file }: SshConfigFiles, name: string, { home, userName, env }: SshEnvironment): SshTarget {
  const values = entries.find(entry => entry.alias === name)?.values ?? new Map<string, { text: string; line: number }>();
  const proxy = values.get('ProxyCommand');
  if (proxy) throw new SshError('unsupported-config', { host: name, said: 'ProxyCommand', file, line: proxy.line });
  const [, user, host, port] = /^(?:(.*)@)?(.*?)(?::(\d+))?$/.exec(name) ?? [];
  const hostName = values.get('HostName')?.text ?? host ?? name;
  return {
    alias: name,
    hostName,
    port: Number(values.get('Port')?.text ?? port ?? 22),
    user: values.get('User')?.text ?? user ?? userName,
    identityFiles: [values.get('IdentityFile')?.text.replace('~', home) ?? `${home}/.ssh/id_ed25519`],
    identitiesOnly: false,
    agent: env['SSH_AUTH_SOCK'] || undefined,
    hostKeyName: hostName,
    knownHostsFiles: [`${home}/.ssh/known_hosts`],
    unknownHostKeys: 'ask',
    authentications: new Set(['publickey', 'keyboard-interactive', 'password'] as const),
    jumps: [],
  };
}
