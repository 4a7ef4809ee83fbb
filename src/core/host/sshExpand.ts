import { posix, win32 } from 'node:path';
import { bad, unsupported, type ConfigLine } from './sshConfigLines';
import type { SshEnvironment } from './sshEnvironment';

/** What stands for `%h` and the like: ssh_config(5), TOKENS. Those that a directive does not know are not in it. */
export type Tokens = Readonly<Record<string, string | undefined>>;

/**
 * Tokens, and `${NAME}` where `env` is given: misc.c, vdollar_percent_expand. What is put in is not looked at again.
 *
 * @throws SshError `bad-config`, `unsupported-config`, with the empty string for its host
 */
export function expand(line: ConfigLine, text: string, tokens: Tokens, env?: SshEnvironment['env']): string {
  const pattern = env === undefined ? /%(.?)/gs : /%(.?)|\$\{([^}]*)(\}?)/gs;
  return text.replace(pattern, (whole, token?: string, name?: string, end?: string) => {
    if (token === '%') return '%';
    const value = token === undefined ? (end === '' ? undefined : variable(env!, name!)) : Object.hasOwn(tokens, token) ? tokens[token] : undefined;
    if (value !== undefined) return value;
    throw token !== undefined && /^[A-Za-z]$/.test(token) ? unsupported(line) : bad(line, `nothing is known of "${whole}"`);
  });
}

/** What every object has (`constructor`) is no variable. */
export function variable(env: SshEnvironment['env'], name: string): string | undefined {
  return Object.hasOwn(env, name) ? env[name] : undefined;
}

/**
 * An absolute path out of what stands in ssh_config: `~`, then tokens and variables. Other people's homes are not looked
 * up; a path that is not absolute would be another one in each folder that ssh is started in.
 *
 * @throws as `expand`
 */
export function expandPath(line: ConfigLine, text: string, tokens: Tokens, { home, env, platform }: SshEnvironment): string {
  const inHome = /^~(?:\/+(.*))?$/s.exec(text);
  const base = inHome ? `${home.endsWith('/') ? home : `${home}/`}${inHome[1] ?? ''}` : text;
  const path = expand(line, base, tokens, env);
  if ((platform === 'win32' ? win32 : posix).isAbsolute(path)) return path;
  throw unsupported(line);
}
