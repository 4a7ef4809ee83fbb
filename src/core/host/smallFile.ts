import { readFile, stat } from 'node:fs/promises';

/** No key and no known_hosts file of anybody is larger: twenty thousand hosts have two million bytes. */
const MOST_BYTES = 16 << 20;

/**
 * The text of a file of the person's, in Latin-1: one character a byte. `undefined` where there is none. Of a pipe there
 * may be no end, and a reader that waits for it holds one of the few threads that read files for everybody.
 *
 * @throws Error, as the file system has it, or with what is wrong with the file
 */
export async function readSmallFile(path: string): Promise<string | undefined> {
  try {
    const found = await stat(path);
    if (found.isCharacterDevice()) return ''; // /dev/null is how one says "none"
    if (!found.isFile()) throw new Error('it is no regular file');
    if (found.size > MOST_BYTES) throw new Error(`it is larger than ${MOST_BYTES} bytes`);
    return await readFile(path, 'latin1');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
