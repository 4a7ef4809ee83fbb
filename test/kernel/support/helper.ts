import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { newFolder, required, start, tempFolder } from './cleanUp';

const SOURCE = join(__dirname, '../../../../test/kernel/support/helper.c');

/** The compiled helper.c in a folder of its own, under the name that is wanted. */
export function helper(name: string): string {
  const compiled = join(tempFolder(), 'helper');
  if (!existsSync(compiled)) execFileSync(required('gcc'), ['-O1', '-Wall', '-Werror', '-pthread', '-o', compiled, SOURCE], { stdio: 'pipe' });
  const file = join(newFolder('helper'), name);
  copyFileSync(compiled, file);
  return file;
}

/** Threads of these names (bytes) in a process that looks like QEMU; they wait until they are ended. */
export async function namedThreads(names: readonly Buffer[]): Promise<{ pid: number; tids: number[] }> {
  const child = start(helper('qemu-system-test'), ['names', ...names.map(name => name.toString('hex'))]);
  const tids: number[] = [];
  for await (const line of createInterface({ input: child.stdout! })) {
    tids.push(Number(line));
    if (tids.length === names.length) break;
  }
  if (tids.length !== names.length) throw new Error(`the helper made ${tids.length} of ${names.length} threads`);
  return { pid: child.pid, tids };
}

/** A process of one more thread than its first, of this file, with these arguments of QEMU. */
export async function imitation(executable: string, argv0: string, args: readonly string[]): Promise<number> {
  const child = start(executable, ['names', '41', '-', ...args], { argv0 });
  await new Promise(resolve => child.stdout!.once('data', resolve));
  return child.pid;
}
