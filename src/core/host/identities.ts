import { type KeyObject, createPrivateKey, sign } from 'node:crypto';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { Worker } from 'node:worker_threads';
import { type BaseAgent, type ParsedKey, createAgent, utils } from 'ssh2';
import { unlessAborted } from './abort';
import { readSmallFile } from './smallFile';
import type { SshQuestions, SshTarget } from './sshTarget';
import type { UnlockRequest } from './unlockKey';

/** A key that may let somebody in: its public part, and who signs with the private one. */
export interface Identity {
  readonly key: ParsedKey;
  /** A file, or the agent's comment. Hostile. */
  readonly name: string;
  /** `undefined`: the person would rather not. `hash` of an RSA signature. */
  sign(data: Buffer, hash: string | undefined): Promise<Buffer | undefined>;
}

/** Passphrases are asked for three times, as ssh does. */
const TRIES = 3;

/**
 * The identities to try, in OpenSSH's order: those of `IdentityFile` that the agent has, the agent's others unless
 * `IdentitiesOnly`, then the files that no agent has. Nothing is asked before the host says that it would take a key.
 */
export async function identitiesOf(target: SshTarget, keyring: Pick<Keyring, 'unlock'>, ask: SshQuestions, signal: AbortSignal, tried: string[]): Promise<Identity[]> {
  const agent = target.agent === undefined ? undefined : createAgent(target.agent);
  const ofAgent = agent ? await agentIdentities(agent, signal, tried) : [];
  const files = await Promise.all(target.identityFiles.map(async file => ({ file, identity: await fileIdentity(file, keyring, ask, signal, tried) })));
  const wanted: Identity[] = [];
  const alone: Identity[] = [];
  for (const { identity } of files) {
    if (!identity) continue;
    const same = ofAgent.find(other => isSame(other.key, identity.key));
    (same ? wanted : alone).push(same ?? identity);
  }
  const others = target.identitiesOnly ? [] : ofAgent.filter(identity => !wanted.includes(identity));
  return [...wanted, ...others, ...alone];
}

function isSame(a: ParsedKey, b: ParsedKey): boolean {
  return a.getPublicSSH().equals(b.getPublicSSH());
}

/** Milliseconds in which an agent lists its keys: nobody is asked for that. */
const PATIENCE = 5000;

/** An agent that is not there or does not answer is no reason to give up: there may be other ways in. */
async function agentIdentities(agent: BaseAgent, signal: AbortSignal, tried: string[]): Promise<Identity[]> {
  let timer: NodeJS.Timeout | undefined;
  let stream: Duplex | undefined;
  const { getStream } = agent;
  agent.getStream = opened => getStream?.call(agent, (error, opens) => opened(error, (stream = opens)));
  const found = new Promise<readonly ParsedKey[]>(resolve => {
    timer = setTimeout(() => {
      tried.push('agent: it does not answer');
      resolve([]);
    }, PATIENCE);
    agent.getIdentities((error, keys) => {
      if (error) tried.push(`agent: ${error.message}`);
      resolve((keys ?? []).map(key => utils.parseKey(key as Parameters<typeof utils.parseKey>[0])).filter((key): key is ParsedKey => !(key instanceof Error)));
    });
  });
  const keys = await unlessAborted(signal, found).finally(() => {
    clearTimeout(timer);
    stream?.destroy(); // ssh2 hangs up on an agent only when it has answered
  });
  return keys.map(key => ({
    key,
    name: key.comment || key.type,
    sign: (data, hash) =>
      new Promise((resolve, reject) => {
        const options = (hash === undefined ? {} : { hash }) as Parameters<BaseAgent['sign']>[2];
        agent.sign(key, data, options as never, (error, signature) => (error || !signature ? reject(error ?? new Error('no signature')) : resolve(signature)));
      }),
  }));
}

/** `undefined` for a file that is not there or is no key. */
async function fileIdentity(file: string, keyring: Pick<Keyring, 'unlock'>, ask: SshQuestions, signal: AbortSignal, tried: string[]): Promise<Identity | undefined> {
  const read = (path: string): Promise<string | undefined> => readSmallFile(path).catch((error: unknown) => void tried.push(`${path}: ${(error as Error).message}`));
  const text = await read(file);
  if (text === undefined) return undefined;
  const key = publicKey(text) ?? publicKey((await read(`${file}.pub`)) ?? '');
  if (!key) {
    tried.push(`${file}: no key that can be used`);
    return undefined;
  }
  return {
    key,
    name: file,
    sign: async (data, hash) => {
      const secret = await keyring.unlock(file, text, ask, signal);
      return secret && sign(hash ?? digestOf(key.type), data, secret);
    },
  };
}

/** The public part of a key file, read without its passphrase. */
function publicKey(text: string): ParsedKey | undefined {
  const parsed = utils.parseKey(text) as ParsedKey | ParsedKey[] | Error;
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  if (key !== undefined && !(key instanceof Error)) return key;
  const blob = publicBlob(text);
  const open = blob && (utils.parseKey(`${blob.type} ${blob.key.toString('base64')}`) as ParsedKey | Error);
  return open instanceof Error ? undefined : open;
}

/** OpenSSH keeps the public key outside of what it encrypts (PROTOCOL.key: magic, cipher, kdf, its options, number of keys, public key). */
function publicBlob(text: string): { type: string; key: Buffer } | undefined {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END/.exec(text)?.[1];
  if (body === undefined) return undefined;
  const bytes = Buffer.from(body, 'base64');
  let at = 'openssh-key-v1\0'.length;
  const next = (): Buffer => {
    const length = bytes.readUInt32BE(at);
    const part = bytes.subarray(at + 4, at + 4 + length);
    at += 4 + length;
    return part;
  };
  try {
    next(), next(), next();
    at += 4;
    const key = next();
    return { type: key.subarray(4, 4 + key.readUInt32BE(0)).toString('latin1'), key };
  } catch {
    return undefined; // it ends too early: RangeError
  }
}

/** RFC 5656, section 6.2.1; Ed25519 has a digest of its own. An RSA key's is agreed on with the host. */
function digestOf(type: string): string | null {
  const digests: Readonly<Record<string, string>> = { 'ecdsa-sha2-nistp256': 'sha256', 'ecdsa-sha2-nistp384': 'sha384', 'ecdsa-sha2-nistp521': 'sha512', 'ssh-rsa': 'sha1' };
  return digests[type] ?? null;
}

/** Private keys that were opened, for as long as the window lives: forty hosts ask for one passphrase once. */
export class Keyring {
  private readonly opened = new Map<string, Promise<KeyObject | undefined>>();

  /** `undefined`: the person would rather not. */
  async unlock(file: string, text: string, ask: SshQuestions, signal: AbortSignal): Promise<KeyObject | undefined> {
    const id = `${file}\n${text}`; // a file that was replaced is another key
    for (let others = this.opened.get(id); others; others = this.opened.get(id)) {
      try {
        return await unlessAborted(signal, others);
      } catch {
        signal.throwIfAborted(); // else the other host was cancelled, or could not ask: that is not our reason
      }
    }
    const opened = this.open(file, text, ask, signal);
    this.opened.set(id, opened);
    const forget = (): void => void this.opened.delete(id);
    try {
      const key = await opened;
      if (!key) forget();
      return key;
    } catch (error) {
      forget();
      throw error;
    }
  }

  private async open(file: string, text: string, ask: SshQuestions, signal: AbortSignal): Promise<KeyObject | undefined> {
    const parsed = utils.parseKey(text) as ParsedKey | ParsedKey[] | Error;
    const key = Array.isArray(parsed) ? parsed[0] : parsed;
    if (key && !(key instanceof Error)) return createPrivateKey(key.getPrivatePEM());
    for (let tries = 0; tries < TRIES; tries++) {
      const passphrase = await ask.passphrase({ file, again: tries > 0 }, signal);
      if (passphrase === undefined) return undefined;
      const pem = await unlockApart({ text, passphrase });
      if (pem !== undefined) return createPrivateKey(pem);
    }
    return undefined;
  }
}

/** The key as PEM; `undefined` for a wrong passphrase. */
function unlockApart(request: UnlockRequest): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(join(__dirname, 'unlockKey.js'), { workerData: request });
    worker.once('message', resolve);
    worker.once('error', reject);
    worker.once('exit', code => code !== 0 && reject(new Error(`unlockKey ended with ${code}`)));
  });
}
