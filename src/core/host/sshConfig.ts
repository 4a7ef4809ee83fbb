import { SshError } from '../errors';
import { knownHostsName } from './knownHosts';
import type { SshConfigFiles } from './sshConfigFiles';
import { bad, unsupported, wordOf, type ConfigLine } from './sshConfigLines';
import { PIPES, type SshEnvironment } from './sshEnvironment';
import { expandPath, variable, type Tokens } from './sshExpand';
import { lowerCase } from './sshPatterns';
import { settingsFor, type Asked, type Settings } from './sshSettings';
import type { SshAuthentication, SshTarget } from './sshTarget';

export interface HostEntry {
  readonly alias: string;
  /** `undefined` where the entry is refused, or stands beyond the first `MOST_RESOLVED`. */
  readonly hostName: string | undefined;
  readonly user: string | undefined;
  /** What stands in the way, and where. */
  readonly refused: { readonly directive: string; readonly file: string | undefined; readonly line: number | undefined } | undefined;
}

/** Names beyond these are listed without looking what becomes of them: each one takes a walk through all files. */
const MOST_RESOLVED = 500;
/** Nobody goes through more hosts; a chain that is longer comes of a file that wants to hold us up. */
const MOST_JUMPS = 16;

/** The `Host` names to pick from, in order: those without wildcards and negation. */
export function hostEntries(config: SshConfigFiles, environment: SshEnvironment): readonly HostEntry[] {
  const aliases = [...new Set(config.flatMap(hostNames))].filter(name => isHostName(name));
  return aliases.map((alias, index) => {
    const nothing = { alias, hostName: undefined, user: undefined, refused: undefined };
    if (index >= MOST_RESOLVED) return nothing;
    try {
      const { hostName, user } = resolve(config, { host: alias, user: undefined, port: undefined }, environment);
      return { ...nothing, hostName, user };
    } catch (error) {
      if (!SshError.is(error)) throw error;
      const { said, file, line } = error.details;
      return { ...nothing, refused: { directive: said ?? '', file, line } };
    }
  });
}

/**
 * What is connected for a name: one of ssh_config, `user@host`, `host:port`, `[::1]:22`. Nothing is looked up, and
 * nothing is run.
 *
 * @throws SshError `unsupported-config`, `bad-config`
 */
export function resolveTarget(config: SshConfigFiles, name: string, environment: SshEnvironment): SshTarget {
  try {
    const asked = parseAsked(name);
    if (asked === undefined) throw new SshError('bad-config', { host: '', said: 'it is not the name of a host' });
    return { ...resolve(config, asked, environment), alias: name };
  } catch (error) {
    throw SshError.is(error) ? new SshError(error.reason, { ...error.details, host: name }) : error;
  }
}

function hostNames(lines: readonly ConfigLine[]): string[] {
  return lines.flatMap(({ keyword, words, included }) => (keyword === 'host' ? (words ?? []).filter(word => !/[*?!]/.test(word)) : (included ?? []).flatMap(hostNames)));
}

/** `[USER@]HOST[:PORT]`. More than one colon without brackets is an IPv6 address. */
function parseAsked(name: string): Asked | undefined {
  const at = name.lastIndexOf('@');
  const user = at < 0 ? undefined : name.slice(0, at);
  const [, inBrackets, plain, digits] = /^(?:\[([^[\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(name.slice(at + 1)) ?? [];
  const host = inBrackets ?? plain ?? name.slice(at + 1);
  const port = digits === undefined ? undefined : Number(digits);
  if (!isHostName(host) || (user !== undefined && !isUserName(user)) || (port !== undefined && !isPort(port))) return undefined;
  return { host, user, port };
}

/** Names and addresses of DNS, with the zone of an IPv6 address. Nothing that a shell or known_hosts would take otherwise. */
function isHostName(name: string): boolean {
  return /^[\w.:][\w.:%-]{0,254}$/.test(name);
}

/** As OpenSSH 10 checks what it is called with (misc.c, ssh_valid_ruser). No command line is ever made of it here. */
function isUserName(name: string): boolean {
  return /^(?!-)[^\x00-\x1f\x7f'"`;&<>|(){}]{1,255}$/.test(name) && !/\s-|\\$/.test(name);
}

function isPort(port: number): boolean {
  return port > 0 && port < 65536;
}

/**
 * `through`: the hops that a ProxyJump names before this one. They take the place of this host's own ProxyJump, since
 * ssh starts `ssh -W TARGET -J FIRST,SECOND THIRD` for `ProxyJump FIRST,SECOND,THIRD` (ssh.c). So only the first hop's
 * own ProxyJump counts.
 */
function resolve(config: SshConfigFiles, asked: Asked, environment: SshEnvironment, through: readonly Asked[] = [], onTheWay: readonly string[] = []): SshTarget {
  const settings = settingsFor(config, asked, environment);
  const { hostName } = settings;
  if (!isHostName(hostName)) throw badName(settings.get('hostname'), 'it is not the name of a host');
  const port = asked.port ?? portOf(settings.get('port')) ?? 22;
  const user = asked.user ?? userOf(settings.get('user')) ?? environment.userName;
  if (!isUserName(user)) throw badName(settings.get('user'), 'it is not the name of a user');
  const keyAlias = settings.get('hostkeyalias');
  const hostKeyAlias = keyAlias && lowerCase(wordOf(keyAlias));
  const { home, userName, uid, localHostName } = environment;
  const tokens: Tokens = {
    h: hostName, n: asked.host, p: String(port), r: user, u: userName, d: home, k: hostKeyAlias ?? asked.host,
    l: localHostName, L: localHostName.split('.', 1)[0], i: uid === undefined ? undefined : String(uid),
  };
  return {
    alias: spelled(asked),
    hostName,
    port,
    user,
    identityFiles: identityFiles(settings, tokens, environment),
    identitiesOnly: choice(settings.get('identitiesonly'), YES_OR_NO) ?? false,
    agent: agent(settings.get('identityagent'), tokens, environment),
    hostKeyName: hostKeyAlias ?? knownHostsName(hostName, port),
    knownHostsFiles: knownHostsFiles(settings, tokens, environment),
    unknownHostKeys: choice(settings.get('stricthostkeychecking'), UNKNOWN_HOST_KEYS) ?? 'ask',
    authentications: authentications(settings),
    jumps: jumps(config, environment, settings.get('proxy'), through, [...onTheWay, step(asked, through)]),
  };
}

function jumps(config: SshConfigFiles, environment: SshEnvironment, line: ConfigLine | undefined, through: readonly Asked[], onTheWay: readonly string[]): readonly SshTarget[] {
  const hops = through.length > 0 || line === undefined ? through : hopsOf(line, onTheWay);
  const last = hops.at(-1);
  if (last === undefined) return [];
  try {
    const { jumps: first, ...hop } = resolve(config, last, environment, hops.slice(0, -1), onTheWay);
    return [...first, { ...hop, jumps: [] }];
  } catch (error) {
    throw SshError.is(error) && error.details.hop === undefined ? new SshError(error.reason, { ...error.details, hop: spelled(last) }) : error;
  }
}

/** readconf.c, parse_jump: no quotes, and a `#` anywhere ends it. Tokens and `ssh://` are refused by name. */
function hopsOf(line: ConfigLine, onTheWay: readonly string[]): readonly Asked[] {
  if (line.keyword === 'proxycommand') {
    if (lowerCase(line.rest) === 'none') return [];
    throw unsupported(line);
  }
  const text = line.rest.split('#', 1)[0]!.trimEnd();
  if (lowerCase(text) === 'none') return [];
  if (/[%/]/.test(text)) throw unsupported(line);
  const hops = text.split(',').map(hop => {
    const asked = parseAsked(hop);
    if (asked === undefined) throw bad(line, `"${hop}" is not the name of a host`);
    return asked;
  });
  if (onTheWay.length + hops.length > MOST_JUMPS) throw bad(line, `that makes more than ${MOST_JUMPS} hosts to go through`);
  if (onTheWay.includes(step(hops.at(-1)!, hops.slice(0, -1)))) throw bad(line, `it goes in a circle at ${spelled(hops.at(-1)!)}`);
  return hops;
}

/** The same host, reached through the same hops, is reached in the same way again. */
function step(asked: Asked, through: readonly Asked[]): string {
  return [asked, ...through].map(spelled).join();
}

function spelled({ host, user, port }: Asked): string {
  const withPort = port === undefined ? host : `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return user === undefined ? withPort : `${user}@${withPort}`;
}

function badName(line: ConfigLine | undefined, why: string): SshError {
  return line === undefined ? new SshError('bad-config', { host: '', said: why }) : bad(line, why);
}

function portOf(line: ConfigLine | undefined): number | undefined {
  if (line === undefined) return undefined;
  const word = wordOf(line);
  if (/^\d{1,5}$/.test(word) && isPort(Number(word))) return Number(word);
  throw bad(line, 'it is no port');
}

/** Tokens in it mean nothing to OpenSSH 9, and something to OpenSSH 10. */
function userOf(line: ConfigLine | undefined): string | undefined {
  const user = line && wordOf(line);
  if (user !== undefined && /%|\$\{/.test(user)) throw unsupported(line!);
  return user;
}

/** readconf.c, fill_default_options: without those of FIDO keys and of types that ssh has no more. */
const DEFAULT_IDENTITY_FILES = ['id_rsa', 'id_ecdsa', 'id_ed25519'];

function identityFiles({ identityFiles: lines }: Settings, tokens: Tokens, environment: SshEnvironment): readonly string[] {
  if (lines.length === 0) return DEFAULT_IDENTITY_FILES.map(name => `${environment.home}/.ssh/${name}`);
  const named = lines.filter(line => lowerCase(wordOf(line)) !== 'none');
  return [...new Set(named.map(line => expandPath(line, wordOf(line), tokens, environment)))];
}

/**
 * On Windows, ssh has a pipe of its own for its agent. Where nobody listens there, PuTTY's Pageant may: its pipe is named
 * for the user, with a hash behind (PuTTY, windows/utils/agent_named_pipe_name.c).
 */
function windowsAgent({ pipes, userName }: SshEnvironment): string {
  const own = 'openssh-ssh-agent';
  return PIPES + (pipes.includes(own) ? own : (pipes.find(name => name.startsWith(`pageant.${userName}.`)) ?? own));
}

function agent(line: ConfigLine | undefined, tokens: Tokens, environment: SshEnvironment): string | undefined {
  const { env, platform } = environment;
  const word = line === undefined ? 'SSH_AUTH_SOCK' : wordOf(line);
  if (word === 'none') return undefined;
  if (word === 'SSH_AUTH_SOCK') return env['SSH_AUTH_SOCK'] || (platform === 'win32' ? windowsAgent(environment) : undefined);
  const name = /^\$(?!\{)(.*)$/s.exec(word)?.[1];
  if (name === undefined) return expandPath(line!, word, tokens, environment);
  if (!/^\w+$/.test(name)) throw bad(line!, 'it is not the name of a variable');
  return variable(env, name) || undefined;
}

/** readconf.c, SSH_MAX_HOSTS_FILES. */
const MOST_KNOWN_HOSTS_FILES = 32;

function knownHostsFiles(settings: Settings, tokens: Tokens, environment: SshEnvironment): readonly string[] {
  const { home, systemFolder } = environment;
  const files = (setting: string, tokensToUse: Tokens | undefined, defaults: readonly string[]): readonly string[] => {
    const line = settings.get(setting);
    if (line === undefined) return defaults;
    const words = line.words ?? [];
    if (words.length === 0 || words.length > MOST_KNOWN_HOSTS_FILES || words.includes('')) throw bad(line, 'nothing can be made of it');
    if (words.length === 1 && lowerCase(words[0]!) === 'none') return [];
    if (tokensToUse === undefined && words.some(word => /%|\$\{/.test(word))) throw unsupported(line);
    return words.map(word => expandPath(line, word, tokensToUse ?? {}, environment));
  };
  return [
    ...files('userknownhostsfile', tokens, [`${home}/.ssh/known_hosts`, `${home}/.ssh/known_hosts2`]),
    ...files('globalknownhostsfile', undefined, [`${systemFolder}/ssh_known_hosts`, `${systemFolder}/ssh_known_hosts2`]),
  ];
}

const YES_OR_NO: Readonly<Record<string, boolean>> = { yes: true, true: true, no: false, false: false };
const PUBLIC_KEYS: Readonly<Record<string, boolean>> = { ...YES_OR_NO, unbound: true, 'host-bound': true };
const UNKNOWN_HOST_KEYS: Readonly<Record<string, SshTarget['unknownHostKeys']>> = {
  yes: 'refuse', true: 'refuse', ask: 'ask', no: 'accept-new', false: 'accept-new', off: 'accept-new', 'accept-new': 'accept-new',
};

function choice<T>(line: ConfigLine | undefined, values: Readonly<Record<string, T>>): T | undefined {
  if (line === undefined) return undefined;
  const word = lowerCase(wordOf(line));
  if (!Object.hasOwn(values, word)) throw bad(line, `it is none of ${Object.keys(values).join(', ')}`);
  return values[word];
}

/** In the order in which ssh would try them: PreferredAuthentications, else its own (sshconnect2.c). */
function authentications(settings: Settings): ReadonlySet<SshAuthentication> {
  const allowed: Readonly<Record<SshAuthentication, boolean>> = {
    publickey: choice(settings.get('pubkeyauthentication'), PUBLIC_KEYS) ?? true,
    'keyboard-interactive': choice(settings.get('kbdinteractiveauthentication'), YES_OR_NO) ?? true,
    password: choice(settings.get('passwordauthentication'), YES_OR_NO) ?? true,
  };
  const preferred = settings.get('preferredauthentications');
  const order = preferred ? wordOf(preferred).split(',') : Object.keys(allowed);
  return new Set(order.filter((name): name is SshAuthentication => Object.hasOwn(allowed, name) && allowed[name as SshAuthentication]));
}
