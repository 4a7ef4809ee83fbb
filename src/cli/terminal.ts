import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { describeError } from '../core/messages';
import { visible } from '../core/visible';

/** A line for the person, beside what is printed for a script. */
export function say(text: string): void {
  process.stderr.write(`${visible(text)}\n`);
}

/** What the person at the terminal types; `undefined` where there is none, or no more of it. */
export async function ask(question: string, signal: AbortSignal): Promise<string | undefined> {
  if (!process.stdin.isTTY) return undefined;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await lines.question(`${visible(question)} `, { signal });
  } catch {
    return undefined; // Ctrl+C, Ctrl+D
  } finally {
    lines.close();
  }
}

/** A file that is there already may be somebody's only copy. */
export async function writeNew(file: string, text: string, force: boolean): Promise<boolean> {
  try {
    await writeFile(file, text, { mode: 0o600, flag: force ? 'w' : 'wx' });
    return true;
  } catch (error) {
    const exists = (error as NodeJS.ErrnoException).code === 'EEXIST';
    say(exists ? `${file} exists already; choose another name, or add --force to replace it` : `${file} cannot be written: ${describeError(error)}`);
    return false;
  }
}
