import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newFolder, required, start } from './cleanUp';
import type { SHELLS } from './tools';

export interface RanScript {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script from a file, as a person would: by this shell, here. */
export async function runScript(text: string, { shell, folder, through = [] }: { shell: (typeof SHELLS)[number]; folder: string; through?: readonly string[] }): Promise<RanScript> {
  const file = join(newFolder('script'), 'plan.sh');
  writeFileSync(file, text); // UTF-8: as it comes out of a clipboard
  const [command, ...args] = [...through, required(shell), ...(shell === 'busybox' ? ['sh'] : []), file];
  const child = start(command!, args, { cwd: folder });
  let [stdout, stderr] = ['', ''];
  child.stdout!.on('data', chunk => (stdout += String(chunk)));
  child.stderr!.on('data', chunk => (stderr += String(chunk)));
  const code = await new Promise<number | null>(resolve => child.once('close', resolve));
  return { code, stdout, stderr };
}
