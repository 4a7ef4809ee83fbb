import assert from 'node:assert/strict';
import { SshError } from '../../../src/core/errors';
import { resolveTarget } from '../../../src/core/host/sshConfig';
import type { SshConfigFiles } from '../../../src/core/host/sshConfigFiles';
import { readLines } from '../../../src/core/host/sshConfigLines';
import type { SshEnvironment } from '../../../src/core/host/sshEnvironment';
import type { SshTarget } from '../../../src/core/host/sshTarget';

export const ENVIRONMENT: SshEnvironment = {
  home: '/home/op', userName: 'op', uid: 1000, localHostName: 'desk.example.com', platform: 'linux', systemFolder: '/etc/ssh', pipes: [],
  env: { SSH_AUTH_SOCK: '/run/agent', KEYS: '/keys', EMPTY: '' },
};

/** The user's file, and behind a line `-- system` the system's. */
export function config(text: string): SshConfigFiles {
  const [user, system] = text.split('-- system\n');
  return [readLines(user!, '/home/op/.ssh/config'), readLines(system ?? '', '/etc/ssh/ssh_config')];
}

export function said(error: unknown): string {
  assert.ok(SshError.is(error), String(error));
  const { reason, details } = error;
  return [reason, ...(details.hop === undefined ? [] : [`at ${details.hop}`]), details.file === undefined ? details.said : `${details.line}: ${details.said}`].join(' ');
}

function outcome(of: () => string): string {
  try {
    return of();
  } catch (error) {
    return said(error);
  }
}

const way = ({ user, hostName, port }: SshTarget): string => `${user}@${hostName}:${port}`;

/** `user@name:port`, with all hops that lead there. */
export const route = (name: string) => (text: string): string => outcome(() => {
  const target = resolveTarget(config(text), name, ENVIRONMENT);
  return [...target.jumps, target].map(way).join(' → ');
});

/** One field of the target that `web` becomes. */
export const field = <K extends keyof SshTarget>(key: K, environment: Partial<SshEnvironment> = {}) => (text: string): unknown => {
  try {
    const value = resolveTarget(config(text), 'web', { ...ENVIRONMENT, ...environment })[key];
    return value instanceof Set ? [...value] : value;
  } catch (error) {
    return said(error);
  }
};
