import { appendFile, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SshError, type SshWhere } from '../errors';
import { type KnownHostsFile, checkHostKey, fingerprint, keyType, knownHostsLine, knownKeyTypes } from './knownHosts';
import { readSmallFile } from './smallFile';
import type { SshQuestions, SshTarget } from './sshTarget';

/** What is known of one host's key, read once for a connection; the user's files are never written. */
export class HostKeys {
  private accepted: Buffer | undefined;

  private constructor(
    private readonly where: SshWhere,
    private readonly target: SshTarget,
    private readonly files: readonly KnownHostsFile[],
    private readonly acceptedKeys: string,
  ) {}

  /** @param acceptedKeys our own file, in the form of known_hosts */
  static async read(where: SshWhere, target: SshTarget, acceptedKeys: string): Promise<HostKeys> {
    const files = await Promise.all([...target.knownHostsFiles, acceptedKeys].map(path => readFileOf(where, path)));
    return new HostKeys(where, target, files, acceptedKeys);
  }

  /** The types of key that it is known by: asked for first, or the host brings one of another type that looks changed. */
  get types(): readonly string[] {
    return knownKeyTypes(this.files, this.name);
  }

  /** Before anything secret is said. @throws SshError `host-key-changed`, `host-key-revoked`, `host-key-refused` */
  async check(key: Buffer, ask: SshQuestions, signal: AbortSignal): Promise<void> {
    const { where, name } = this;
    const shown = `${keyType(key)} ${fingerprint(key)}`;
    if (this.accepted) {
      if (this.accepted.equals(key)) return; // keys are exchanged again in a long connection
      throw new SshError('host-key-changed', { ...where, fingerprint: shown, known: [`${keyType(this.accepted)} ${fingerprint(this.accepted)}`] });
    }
    const verdict = checkHostKey(this.files, name, key);
    switch (verdict.kind) {
      case 'known':
        break;
      case 'revoked':
        throw new SshError('host-key-revoked', { ...where, fingerprint: shown, file: verdict.file, line: verdict.line });
      case 'changed':
        throw new SshError('host-key-changed', { ...where, fingerprint: shown, known: verdict.known });
      case 'unknown': {
        const { unknownHostKeys } = this.target;
        const question = { host: name, hop: where.hop, keyType: keyType(key), fingerprint: fingerprint(key), certAuthority: verdict.certAuthority };
        if (unknownHostKeys === 'refuse' || (unknownHostKeys === 'ask' && !(await ask.acceptHostKey(question, signal)))) {
          throw new SshError('host-key-refused', { ...where, fingerprint: shown });
        }
        await this.keep(key);
      }
    }
    this.accepted = key;
  }

  /** Another window may have written since the file was read, and an editor may have left its last line open. */
  private async keep(key: Buffer): Promise<void> {
    const { acceptedKeys: path } = this;
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const text = (await readSmallFile(path)) ?? '';
      await appendFile(path, `${text === '' || text.endsWith('\n') ? '' : '\n'}${knownHostsLine(this.name, key)}`, { mode: 0o600 });
    } catch (error) {
      throw new SshError('bad-config', { ...this.where, file: path, said: (error as Error).message }, error);
    }
  }

  private get name(): string {
    return this.target.hostKeyName;
  }
}

async function readFileOf(where: SshWhere, path: string): Promise<KnownHostsFile> {
  try {
    return { path, text: (await readSmallFile(path)) ?? '' };
  } catch (error) {
    // A file that may say "revoked" and cannot be read is not the same as one that is not there.
    throw new SshError('bad-config', { ...where, file: path, said: (error as Error).message }, error);
  }
}
