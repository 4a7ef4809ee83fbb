import { execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { ALL_RULES } from '../../../src/core/rules/allRules';
import { vcpuInEmulator } from '../../../src/core/rules/vcpuInEmulator';
import { HOSTS, type HostName } from '../fixtures';

const CLI = join(__dirname, '../../../src/cli/main.js');

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line in a script: no terminal, and no host but what is named. */
export function cli(...args: string[]): Promise<Ran> {
  return new Promise(resolve => {
    const child = execFile(process.execPath, [CLI, ...args], { timeout: 60_000, killSignal: 'SIGKILL' }, (error, stdout, stderr) => resolve({ code: error ? Number(error.code) : 0, stdout, stderr }));
    child.stdin!.end();
  });
}

/** As `cli`, where nobody reads: as behind a `|` whose other side has ended, with `2>&1` or without. */
export function cliUnread(unread: readonly ('stdout' | 'stderr')[], ...args: string[]): Promise<Ran> {
  return new Promise(resolve => {
    const child = spawn(process.execPath, [CLI, ...args], { timeout: 60_000, killSignal: 'SIGKILL' });
    const read = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      if (unread.includes(name)) child[name].destroy();
      else child[name].on('data', (chunk: Buffer) => (read[name] += chunk.toString()));
    }
    child.stdin.end();
    child.once('close', code => resolve({ code: code ?? NaN, ...read }));
  });
}

export function captureFile(name: HostName): string {
  return join(HOSTS, `${name}.capture`);
}

/** Arguments that leave one rule, so that a new one changes nothing here. */
export const ONLY_VCPU_IN_EMULATOR = ALL_RULES.filter(rule => rule !== vcpuInEmulator).flatMap(({ id }) => ['--rule', `${id}=off`]);
export const NO_RULE = ALL_RULES.flatMap(({ id }) => ['--rule', `${id}=off`]);
