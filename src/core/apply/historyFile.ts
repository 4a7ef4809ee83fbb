import { createHash } from 'node:crypto';
import { mkdir, open, readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type History, type HistoryEvent, parseHistory, printEntry } from './history';

/**
 * The history of each host: a file that is only ever appended to, by one write for each event, so that two windows and
 * the command line can do so at once. Nobody but the person may read it: it has names of theirs.
 */
export class HistoryFile {
  readonly path: string;

  /**
   * @param folder is made when it is first written to
   * @param hostId as in `Plan.hostId`
   */
  constructor(
    private readonly folder: string,
    hostId: string,
  ) {
    this.path = join(folder, nameOf(hostId));
  }

  /** Resolves when it is on the disk: a plan is written down before it is set going. */
  async append(event: HistoryEvent): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    await mustBeFile(this.path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    const file = await open(this.path, 'a', 0o600); // O_APPEND: the kernel finds the end
    try {
      const bytes = Buffer.from(printEntry(event));
      const { bytesWritten } = await file.write(bytes);
      if (bytesWritten !== bytes.length) throw new Error(`only ${bytesWritten} of ${bytes.length} bytes could be written to ${this.path}`); // a full disk
      await file.datasync();
    } finally {
      await file.close();
    }
  }

  /** Empty where there is none yet. */
  async read(): Promise<History> {
    try {
      return parseHistory(await textOf(this.path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { entries: [], foreign: 0 };
      throw error;
    }
  }
}

/** What each file of the folder has, and where it is. */
export async function allHistories(folder: string): Promise<(History & { readonly path: string })[]> {
  const paths = (await namesIn(folder)).map(name => join(folder, name));
  return Promise.all(paths.map(async path => ({ path, ...parseHistory(await textOf(path)) })));
}

/** The hosts of which there is a history. */
export async function historyHosts(folder: string): Promise<string[]> {
  return (await allHistories(folder)).flatMap(({ entries: [first] }) => (first ? [first.plan.hostId] : []));
}

async function textOf(path: string): Promise<string> {
  await mustBeFile(path);
  return readFile(path, 'utf8');
}

/** Whoever opens a pipe waits for its other end, and cannot even be interrupted. */
async function mustBeFile(path: string): Promise<void> {
  if (!(await stat(path)).isFile()) throw new Error(`${path} cannot be used: it is no regular file`);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter(name => name.endsWith(SUFFIX)).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

const SUFFIX = '.history.jsonl';

/** To be recognised by a person, and no other host's: what a host is called may be anything. */
function nameOf(hostId: string): string {
  const plain = hostId.replace(/[^\w.@-]+/g, '-').replace(/^\.+/, '').slice(0, 60);
  return `${plain}-${createHash('sha256').update(hostId).digest('hex').slice(0, 8)}${SUFFIX}`;
}
