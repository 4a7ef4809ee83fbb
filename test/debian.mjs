// The commands that tests and `npm start` need from Debian.
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { run } from './processes.mjs';

/** What node-gyp needs to build VS Code's native parts. */
export const buildTools = { 'g++': 'g++', make: 'make', python3: 'python3' };

/** Where a command is, or undefined. */
export function which(command) {
  for (const folder of (process.env.PATH ?? '').split(path.delimiter)) {
    const file = path.join(folder, command);
    try { accessSync(file, constants.X_OK); return file; } catch { /* not in this folder */ }
  }
  return undefined;
}

/** Makes sure that the commands of {command: package} exist: root installs what is missing, anyone else is told how to. */
export async function ensureDebian(packages) {
  const missing = Object.keys(packages).filter(command => !which(command));
  if (missing.length === 0) return;
  const names = [...new Set(missing.map(command => packages[command]))];
  const install = ['install', '-y', '--no-install-recommends', ...names];
  if (process.getuid?.() !== 0 || !which('apt-get')) {
    throw new Error([
      'These commands are missing:',
      ...missing.map(command => `  ${command} (Debian package ${packages[command]})`),
      'As root, run:',
      `  apt-get update && apt-get ${install.join(' ')}`,
    ].join('\n'));
  }
  console.log(`Installing from Debian: ${names.join(' ')} …`);
  // Never interrupted: a half-configured package would be left behind. Another apt-get at work is waited for.
  const apt = args => run('apt-get', ['-o', 'DPkg::Lock::Timeout=300', ...args],
    { quiet: true, patience: Infinity, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } });
  await apt(['update']);
  await apt(install);
  const still = missing.filter(command => !which(command));
  if (still.length) throw new Error(`Still missing after apt-get ${install.join(' ')}: ${still.join(', ')}`);
}
