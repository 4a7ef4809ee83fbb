import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { describeError } from '../core/messages';
import { visible } from '../core/visible';

/** A line for the person, beside what is printed for a script. */
export function say(text: string): void {
  process.stderr.write(`${visible(text)}\n`);
}

/** Whether there is somebody who sees a question and can answer it. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** What the person at the terminal types; `undefined` where there is none, or no more of it. */
export async function ask(question: string, signal: AbortSignal): Promise<string | undefined> {
  return answerTo(question, signal, true);
}

/** As `ask`, of what nobody else may read: nothing that is typed is shown. */
export async function askHidden(question: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    return await answerTo(question, signal, false);
  } finally {
    process.stderr.write('\n');
  }
}

async function answerTo(question: string, signal: AbortSignal, isShown: boolean): Promise<string | undefined> {
  if (!process.stdin.isTTY) return undefined;
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface(isShown ? { input: process.stdin, output: process.stderr } : { input: process.stdin, output: nowhere, terminal: true });
  const text = `${visible(question)} `;
  try {
    const closed = new Promise<undefined>(resolve => lines.once('close', () => resolve(undefined)));
    // What is hidden is asked for only now that the terminal shows nothing of its own accord: people type ahead.
    if (!isShown) process.stderr.write(text);
    return await Promise.race([lines.question(text, { signal }), closed]);
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
