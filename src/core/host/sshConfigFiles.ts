import { readdir, readFile, stat } from 'node:fs/promises';
import { posix, win32 } from 'node:path';
import { SshError } from '../errors';
import { readLines, type ConfigLine } from './sshConfigLines';
import type { SshEnvironment } from './sshEnvironment';
import { matchesPattern } from './sshPatterns';

/** The lines of the user's ssh_config, then of the system's: the first value that is found counts. */
export type SshConfigFiles = readonly (readonly ConfigLine[])[];

/** readconf.c, READCONF_MAX_DEPTH. */
const DEEPEST = 16;
/** Files may include each other: none of these is near what people have. */
const MOST_FILES = 1000;
const MOST_FOLDERS = 1000;
const MOST_BYTES = 1 << 20;

/**
 * The user's and the system's ssh_config with all that they include, read anew each time. A file that is not there is
 * empty.
 *
 * @param instead as `ssh -F`: this file alone, which has to be there; `none` for none. As ssh does, it is not asked who may
 * write it, for the person named it; what it includes is, and is looked for where the user's own file would.
 * @throws SshError `bad-config`, with the empty string for its host: no host is asked for yet
 */
export async function readSshConfig(environment: SshEnvironment, instead?: string): Promise<SshConfigFiles> {
  const reader = new ConfigReader(environment);
  const path = environment.platform === 'win32' ? win32 : posix;
  if (instead === 'none') return [];
  if (instead !== undefined) return [await reader.readNamed(path.resolve(instead))];
  const user = await reader.read(path.join(environment.home, '.ssh', 'config'), true, { isUsers: true, depth: 0 });
  // As ssh does, the system's own file is not asked who may write it; what it includes is.
  const system = await reader.read(path.join(environment.systemFolder, 'ssh_config'), false, { isUsers: false, depth: 0 });
  return [user, system];
}

interface Place {
  /** Whether `~` is known, and where a relative `Include` begins: in ~/.ssh or in the system's folder. */
  readonly isUsers: boolean;
  readonly depth: number;
}

class ConfigReader {
  private files = 0;
  private folders = 0;
  private bytes = 0;
  private readonly path: typeof posix;

  constructor(private readonly environment: SshEnvironment) {
    this.path = environment.platform === 'win32' ? win32 : posix;
  }

  async readNamed(file: string): Promise<readonly ConfigLine[]> {
    const found = await stat(file).catch((error: unknown) => {
      throw bad(file, error instanceof Error ? error.message : String(error));
    });
    if (!found.isFile()) throw bad(file, 'it is no regular file');
    return this.read(file, false, { isUsers: true, depth: 0 });
  }

  async read(file: string, mustBeOurs: boolean, place: Place): Promise<readonly ConfigLine[]> {
    const text = await this.text(file, mustBeOurs);
    if (text.includes('\0')) throw bad(file, 'it holds a NUL');
    const lines: ConfigLine[] = [];
    for (const line of readLines(text, file)) lines.push(line.keyword === 'include' ? { ...line, included: await this.included(line, place) } : line);
    return lines;
  }

  private async text(file: string, mustBeOurs: boolean): Promise<string> {
    if (++this.files > MOST_FILES) throw bad(file, `more than ${MOST_FILES} files are included`);
    try {
      const found = await stat(file);
      if (mustBeOurs) this.checkOwner(file, found);
      // A folder that a pattern of Include matches is empty to ssh. Of a pipe there may be no end.
      if (found.isDirectory()) return '';
      if (!found.isFile()) throw bad(file, 'it is no regular file');
      if ((this.bytes += found.size) > MOST_BYTES) throw bad(file, `all files together are larger than ${MOST_BYTES} bytes`);
      return (await readFile(file, 'utf8')).slice(0, MOST_BYTES);
    } catch (error) {
      if (SshError.is(error)) throw error;
      if (isMissing(error)) return '';
      throw bad(file, error instanceof Error ? error.message : String(error));
    }
  }

  /** readconf.c, SSHCONF_CHECKPERM: a file that others can write says what others want. */
  private checkOwner(file: string, { uid, mode }: { readonly uid: number; readonly mode: number }): void {
    const { uid: ours } = this.environment;
    if (ours !== undefined && ((uid !== 0 && uid !== ours) || (mode & 0o022) !== 0)) throw bad(file, 'it belongs to somebody else, or others can write it');
  }

  private async included(line: ConfigLine, { isUsers, depth }: Place): Promise<ConfigLine['included']> {
    if (depth + 1 > DEEPEST) throw bad(line.file, `it is included more than ${DEEPEST} files deep`, line.line);
    const lines: (readonly ConfigLine[])[] = [];
    for (const word of line.words ?? []) {
      const pattern = this.absolute(word, isUsers);
      if (pattern === undefined) return undefined;
      for (const file of await this.matching(pattern)) lines.push(await this.read(file, true, { isUsers, depth: depth + 1 }));
    }
    return lines;
  }

  /** `undefined` for what not every ssh understands (tokens, variables), for other people's homes, and for sets of letters. */
  private absolute(pattern: string, isUsers: boolean): string | undefined {
    const { home, systemFolder } = this.environment;
    const { path } = this;
    if (pattern === '' || /[%$[\]{}]/.test(pattern)) return undefined;
    if (pattern.startsWith('~')) return isUsers && /^~(?:\/|$)/.test(pattern) ? home + pattern.slice(1) : undefined;
    if (path.isAbsolute(pattern)) return pattern;
    return path.join(isUsers ? path.join(home, '.ssh') : systemFolder, pattern);
  }

  /** glob(3) with `*` and `?`: in order of their bytes, no hidden file unless a dot asks for it. */
  private async matching(pattern: string): Promise<string[]> {
    const { root } = this.path.parse(pattern);
    const parts = pattern.slice(root.length).split(this.path === win32 ? /[\\/]/ : '/');
    let found = [root];
    for (const part of parts.filter(name => name !== '')) {
      if (!/[*?]/.test(part)) {
        found = found.map(folder => this.path.join(folder, part));
        continue;
      }
      const next: string[] = [];
      for (const folder of found) {
        for (const name of await this.names(folder)) if (matchesPattern(name, part) && (part.startsWith('.') || !name.startsWith('.'))) next.push(this.path.join(folder, name));
      }
      found = next;
    }
    return found;
  }

  private async names(folder: string): Promise<string[]> {
    if (++this.folders > MOST_FOLDERS) throw bad(folder, `patterns of Include match more than ${MOST_FOLDERS} folders`);
    try {
      return (await readdir(folder)).sort();
    } catch {
      return []; // glob(3) passes over what is no folder, or cannot be read
    }
  }
}

function isMissing(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function bad(file: string, said: string, line?: number): SshError {
  return new SshError('bad-config', { host: '', said, file, ...(line === undefined ? {} : { line }) });
}
