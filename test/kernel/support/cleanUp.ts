import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { accessSync, chmodSync, constants, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { trees } from './mounts';

/** The first part of every name that these tests give to anything on the machine. */
export const PREFIX = `cgroup-lens-test-${process.pid}`;

/** Every process that comes from here inherits it: that is how one that was left behind is found. */
const MARK = 'CGROUP_LENS_TEST';
process.env[MARK] = PREFIX;

const running = new Set<ChildProcess>();
let folder: string | undefined;

/** A folder of our own that every user may read; all that is written to disk is in it. */
export function tempFolder(): string {
  if (folder === undefined) {
    folder = mkdtempSync(join(tmpdir(), `${PREFIX}-`));
    chmodSync(folder, 0o755);
  }
  return folder;
}

/** A new folder inside ours. */
export function newFolder(name: string): string {
  const path = mkdtempSync(join(tempFolder(), `${name}-`));
  chmodSync(path, 0o755);
  return path;
}

/** Where a command is. A test never goes without what it needs. */
export function required(command: string): string {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    const file = join(directory, command);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // not in this folder
    }
  }
  throw new Error(`The command ${command} is missing, and this test cannot do without it.`);
}

/** Starts a process that is ended by {@link cleanUp} at the latest. */
export function start(command: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess & { pid: number } {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
  child.on('error', () => undefined);
  if (child.pid === undefined) throw new Error(`${command} could not be started`);
  running.add(child);
  // Should a clean-up ever fail, this process ends nevertheless, and what it does at its end gets another chance.
  for (const handle of [child, child.stdout, child.stderr] as ({ unref?: () => void } | null)[]) handle?.unref?.();
  child.once('exit', () => running.delete(child));
  return child as ChildProcess & { pid: number };
}

/** Ends one process by its PID and waits until it is gone. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()));
  child.kill('SIGKILL');
  await gone;
}

/** Ends every process that was started here, then removes our cgroups and files. Safe at any time, any number of times. */
export async function cleanUp(): Promise<void> {
  for (const child of running) kill(child.pid!);
  thaw();
  await Promise.all([...running].map(end));
  for (const pid of markedProcesses()) kill(pid);
  // A process that was killed stays in its cgroup for a moment longer.
  for (const until = Date.now() + 30_000; ; await sleep(10)) {
    try {
      removeCgroups();
      break;
    } catch (error) {
      if (Date.now() > until) throw error;
    }
  }
  removeFolder();
}

/** Processes of this run, however far removed, but not this one. */
export function markedProcesses(mark = `${MARK}=${PREFIX}`): number[] {
  return readdirSync('/proc').filter(name => /^\d+$/.test(name)).map(Number).filter(pid => pid !== process.pid && environment(pid).includes(mark));
}

/** Its arguments; empty for a process that is gone. */
export function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/** What each process that came of this one is doing: its parent, state, ticks of CPU time, where it waits, its files, its arguments. */
export function whatRuns(parent = process.pid): string {
  return readdirSync('/proc').filter(name => /^\d+$/.test(name)).map(Number).flatMap(pid => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) /s, '').split(' ');
      if (Number(stat[1]) !== parent) return [];
      const files = readdirSync(`/proc/${pid}/fd`).map(fd => `${fd}:${readlinkSync(`/proc/${pid}/fd/${fd}`)}`).join(' ');
      const waits = readFileSync(`/proc/${pid}/wchan`, 'latin1');
      return [`${pid} of ${parent}, ${stat[0]} ${stat[11]}+${stat[12]} ${waits} ${files} ${JSON.stringify(commandOf(pid).slice(0, 120))}`, whatRuns(pid)];
    } catch {
      return []; // gone
    }
  }).filter(line => line !== '').join('\n');
}

/** Empty for a process that is gone, and for a zombie. */
function environment(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0');
  } catch {
    return [];
  }
}

/** Our own cgroups in every hierarchy, the innermost first. */
export function ownCgroups(): Buffer[] {
  return trees().flatMap(({ mountPoint }) =>
    readdirSync(mountPoint).filter(name => name === PREFIX || name.startsWith(`${PREFIX}-`)).flatMap(name => withChildren(Buffer.from(`${mountPoint}/${name}`))),
  );
}

function withChildren(directory: Buffer): Buffer[] {
  let children: { name: Buffer; isDirectory(): boolean }[];
  try {
    children = readdirSync(directory, { withFileTypes: true, encoding: 'buffer' } as never) as unknown as typeof children;
  } catch {
    return []; // a process of ours has just removed it
  }
  return [...children.filter(child => child.isDirectory()).flatMap(child => withChildren(Buffer.concat([directory, Buffer.from('/'), child.name]))), directory];
}

function removeCgroups(): void {
  for (const directory of ownCgroups()) rmdirSync(directory);
}

/** A frozen process cannot be ended. */
function thaw(): void {
  for (const directory of ownCgroups()) {
    for (const [file, value] of [['freezer.state', 'THAWED'], ['cgroup.freeze', '0']] as const) {
      try {
        writeFileSync(Buffer.concat([directory, Buffer.from(`/${file}`)]), value, { flag: 'r+' });
      } catch {
        // no such file in this hierarchy
      }
    }
  }
}

function removeFolder(): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  folder = undefined;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone already
  }
}

/** When the run is interrupted there is no time to wait: what can be done at once is done. */
process.on('exit', () => {
  if (running.size === 0 && folder === undefined && ownCgroups().length === 0) return;
  for (const pid of markedProcesses()) kill(pid);
  thaw();
  const until = Date.now() + 2000;
  for (;;) {
    try {
      removeCgroups();
      break;
    } catch {
      if (Date.now() > until) break;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
  removeFolder();
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
// Mocha runs tests in a child of its own, and hands on no signal but SIGINT: then our parent is suddenly another.
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) process.exit(1);
}, 500).unref();
