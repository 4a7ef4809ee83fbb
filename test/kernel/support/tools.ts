import { symlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { newFolder, required } from './cleanUp';
import { inPrivateMounts } from './collect';

export const SHELLS = ['dash', 'bash', 'busybox'] as const;
export type Tools = 'GNU' | 'busybox';
export const UTF8 = { LC_ALL: 'C.UTF-8' };

/** All that our scripts name; `wc` where awk is busybox's. */
const TOOLS = ['find', 'grep', 'head', 'id', 'ls', 'sed', 'tr', 'wc', 'xargs'] as const;

/** original-awk is no part of what the project promises: where a machine has it, it is tried too. */
export function awks(): string[] {
  return ['mawk', 'gawk', 'busybox', ...(exists('original-awk') ? ['original-awk'] : [])];
}

/** What runs a script's shell where there is nothing but that shell, awk and set of tools. */
export function withTools(shell: string, awk: string, tools: Tools, set: Readonly<Record<string, string>> = UTF8): string[] {
  // A script looks into /usr/bin whatever PATH says, and takes mawk where it finds it: for this collection /usr/bin
  // has nothing but what is to be tried. That proves, too, that nothing else is needed.
  const programs: Record<string, string> = { sh: shell, awk, ...(awk === 'mawk' ? { mawk: awk } : {}) };
  for (const tool of TOOLS) programs[tool] = tools === 'GNU' ? tool : 'busybox';
  return withPrograms(programs, set);
}

/** What runs a script's shell where there are these programs alone, by the names that they have there. */
export function withPrograms(programs: Readonly<Record<string, string>>, set: Readonly<Record<string, string>> = UTF8): string[] {
  const all = newFolder('bin');
  const commands = [
    `mount --bind /usr/bin ${all}`,
    'mount -t tmpfs -o mode=755 tmpfs /usr/bin',
    ...Object.entries(programs).map(([name, program]) => `${all}/ln -s ${program.startsWith('/') ? program : `${all}/${basename(required(program))}`} /usr/bin/${name}`),
  ];
  const environment = Object.entries({ PATH: '/usr/bin', ...set }).map(([name, value]) => `${name}=${value}`);
  return [...inPrivateMounts(commands.join('\n')), `${all}/env`, '-u', 'LANG', '-u', 'LC_ALL', ...environment];
}

function exists(command: string): boolean {
  try {
    return required(command) !== '';
  } catch {
    return false;
  }
}

/** A folder in which `sh` is this shell: to stand first in PATH. */
export function shellFolder(shell: (typeof SHELLS)[number]): string {
  const folder = newFolder(shell);
  symlinkSync(required(shell), `${folder}/sh`);
  return folder;
}
