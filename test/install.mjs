// The extension's own npm packages. Run by itself it is the first half of F5 (.vscode/tasks.json).
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './processes.mjs';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** Runs npm in a folder, quietly: its output is shown only if it fails. */
export function npm(args, cwd, env = {}) {
  return run('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], { cwd, quiet: true, env: { ...process.env, ...env } });
}

/** `npm ci` if node_modules is missing or does not match the lock file. */
export async function installPackages() {
  if (upToDate()) return;
  console.log('Installing npm packages …');
  await npm(['ci', '--ignore-scripts'], root);
}

/** npm itself records in node_modules what it has installed there: no stamp of ours is needed. */
function upToDate() {
  const installed = path.join(root, 'node_modules/.package-lock.json');
  if (!existsSync(installed)) return false;
  const packages = file => JSON.parse(readFileSync(file, 'utf8')).packages;
  const [want, have] = [packages(path.join(root, 'package-lock.json')), packages(installed)];
  // Optional packages are often for another platform; '' is the extension itself, which the record leaves out.
  return Object.entries(want).every(([name, it]) => name === '' || it.optional || (have[name] && have[name].integrity === it.integrity));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await installPackages();
