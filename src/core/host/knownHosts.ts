import { createHash, createHmac, randomBytes } from 'node:crypto';
import { lowerCase, matchesPatternList } from './sshPatterns';

// The format is that of sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT"; what a line means for a host, that of OpenSSH's
// hostfile.c (hostkeys_foreach_file, check_hostkeys_by_key_or_type) and sshconnect.c (check_host_key).

export interface KnownHostsFile {
  readonly path: string;
  readonly text: string;
}

export type HostKeyVerdict =
  | { readonly kind: 'known' }
  /** `certAuthority`: `FILE:LINE` of a `@cert-authority` for this host. Certificates are not checked here: it is named. */
  | { readonly kind: 'unknown'; readonly certAuthority: string | undefined }
  /** `known`: `ssh-ed25519 SHA256:… (FILE:LINE)` of each key that the host has instead. */
  | { readonly kind: 'changed'; readonly known: readonly string[] }
  | { readonly kind: 'revoked'; readonly file: string; readonly line: number };

/** The name by which known_hosts has a host: `web1`, and with another port than 22 `[web1]:2222`. */
export function knownHostsName(host: string, port: number): string {
  const name = lowerCase(host);
  return port === 22 ? name : `[${name}]:${port}`;
}

/**
 * What the files say of a key that a host presents. A revoked key wins over every other line, in whichever file. A host
 * that is known by any other key, be it of another type, has changed: hostfile.c makes no difference either.
 *
 * A name with a port of which nothing is known is looked up without it. Then only this very key counts, trusted or
 * revoked: another service of the same machine may well have another key.
 */
export function checkHostKey(files: readonly KnownHostsFile[], name: string, key: Buffer): HostKeyVerdict {
  const verdict = judge(entriesFor(files, name), key);
  const bare = withoutPort(name);
  if (verdict.kind !== 'unknown' || bare === undefined) return verdict;
  const fallback = judge(entriesFor(files, bare), key);
  if (fallback.kind === 'known' || fallback.kind === 'revoked') return fallback;
  return verdict.certAuthority === undefined && fallback.kind === 'unknown' ? fallback : verdict;
}

/**
 * Types of the keys by which a host is known, to be asked for first: a host has several keys and presents one of the
 * type that is asked for. Without that, it may present one that nobody knows.
 */
export function knownKeyTypes(files: readonly KnownHostsFile[], name: string): readonly string[] {
  const types = (of: string): string[] => entriesFor(files, of).flatMap(({ marker, key }) => (marker === 'none' ? keyType(key) : []));
  const found = types(name);
  const bare = withoutPort(name);
  return [...new Set(found.length > 0 || bare === undefined ? found : types(bare))];
}

/** `SHA256:…` without padding, as `ssh-keygen -l` prints it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** A public key begins with its type (RFC 4253, 6.6), of at most 64 printable characters (RFC 4251, 6); else it is none: ''. */
export function keyType(key: Buffer): string {
  if (key.length < 4) return '';
  const type = key.subarray(4, 4 + Math.min(key.readUInt32BE(0), 65)).toString('latin1');
  return /^[!-~]{1,64}$/.test(type) && type.length === key.readUInt32BE(0) ? type : '';
}

/** A line to append. A name that would be read as something else (a pattern, a list, two lines) is written hashed. */
export function knownHostsLine(name: string, key: Buffer): string {
  const host = lowerCase(name);
  const isPlain = /^(?:[\w.:%-]+|\[[\w.:%-]+\]:\d+)$/.test(host);
  return `${isPlain ? host : hashed(host, randomBytes(SALT_BYTES))} ${keyType(key)} ${key.toString('base64')}\n`;
}

interface Entry {
  readonly marker: 'none' | '@revoked' | '@cert-authority';
  readonly key: Buffer;
  readonly file: string;
  readonly line: number;
}

function judge(entries: readonly Entry[], key: Buffer): HostKeyVerdict {
  const has = (marker: Entry['marker']) => (entry: Entry): boolean => entry.marker === marker && entry.key.equals(key);
  const revoked = entries.find(has('@revoked'));
  if (revoked) return { kind: 'revoked', file: revoked.file, line: revoked.line };
  if (entries.some(has('none'))) return { kind: 'known' };
  const known = entries.filter(({ marker }) => marker === 'none');
  if (known.length > 0) return { kind: 'changed', known: known.map(entry => `${keyType(entry.key)} ${fingerprint(entry.key)} (${place(entry)})`) };
  const authority = entries.find(({ marker }) => marker === '@cert-authority');
  return { kind: 'unknown', certAuthority: authority && place(authority) };
}

function place({ file, line }: Entry): string {
  return `${file}:${line}`;
}

function withoutPort(name: string): string | undefined {
  return /^\[([^\]]+)\]:\d+$/.exec(name)?.[1];
}

/** The lines for a name that can be understood; all others are passed over, as ssh does. */
function entriesFor(files: readonly KnownHostsFile[], name: string): Entry[] {
  const host = lowerCase(name);
  return files.flatMap(({ path, text }) => text.split('\n').flatMap((line, index) => readLine(line, host, path, index + 1) ?? []));
}

function readLine(text: string, name: string, file: string, line: number): Entry | undefined {
  const words = firstWords(text, 4);
  const marker = words[0]?.startsWith('@') ? words.shift() : 'none';
  if (marker !== 'none' && marker !== '@revoked' && marker !== '@cert-authority') return undefined;
  const [names, type, base64] = words;
  if (names === undefined || type === undefined || base64 === undefined || names.startsWith('#')) return undefined;
  if (!isNameIn(names, name)) return undefined;
  // Buffer.from makes something of any text; ssh passes over what is not base64.
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(base64) || base64.length % 4 !== 0) return undefined;
  const key = Buffer.from(base64, 'base64');
  return keyType(key) === type ? { marker, key, file, line } : undefined;
}

/** Words between spaces, tabs and the end of the line. A NUL ends a line for ssh too, and a CR comes from Windows. */
function firstWords(text: string, count: number): string[] {
  const words: string[] = [];
  for (const [word] of text.matchAll(/[^ \t\r\0]+|\0/g)) {
    if (word === '\0' || words.push(word) === count) break;
  }
  return words;
}

function isNameIn(names: string, name: string): boolean {
  if (!names.startsWith(HASH_MAGIC)) return !names.startsWith('|') && matchesPatternList(name, lowerCase(names).split(','));
  const salt = Buffer.from(names.slice(HASH_MAGIC.length).split('|', 1)[0]!, 'base64');
  return salt.length === SALT_BYTES && hashed(name, salt) === names;
}

const HASH_MAGIC = '|1|';
const SALT_BYTES = 20;

/** A name as `HashKnownHosts` writes it: a random salt, and the HMAC-SHA1 of the name with it. */
function hashed(name: string, salt: Buffer): string {
  return `${HASH_MAGIC}${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
}
