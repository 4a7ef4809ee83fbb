import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Action } from '../../src/core/cgroup/action';
import { WRITE_ERRNOS, type WriteErrno } from '../../src/core/cgroup/outcome';
import { V1_FILES, V2_FILES } from '../../src/core/collect/script';
import { decodeBytes, encodeBytes } from '../../src/core/parse/bytes';
import { CpuSet, parseCpuList } from '../../src/core/parse/cpuList';
import type { Errno, RawSnapshot } from '../../src/core/rawSnapshot';

const SOURCE = join(__dirname, '../../../test/oracle/agent.c');

/** errno numbers of this machine, which every Linux but those of MIPS and Alpha shares. */
const NAMES = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));
NAMES.set(95, 'EOPNOTSUPP'); // libc has two names for it

const FACTS = ['/proc/self/mountinfo', '/proc/cgroups', '/proc/sys/kernel/osrelease', '/proc/1/comm', '/proc/sys/kernel/sched_rt_runtime_us', '/sys/devices/system/cpu/online', '/sys/devices/system/cpu/possible'];
const POLICIES = ['other', 'fifo', 'rr', 'batch', 'iso', 'idle'];

/** agent.c, running on this machine or by SSH on another: the same shell script starts it on both. */
export class Agent {
  private rest: Buffer = Buffer.alloc(0);
  private wake: (() => void) | undefined;
  private ended = false;
  private facts: ReadonlyMap<string, string> = new Map();

  private constructor(
    private readonly child: ChildProcessWithoutNullStreams,
    readonly prefix: string,
  ) {
    child.stdout.on('data', (chunk: Buffer) => {
      this.rest = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
      this.wake?.();
    });
    child.on('close', () => {
      this.ended = true;
      this.wake?.();
    });
    child.stdin.on('error', () => undefined); // EPIPE: it ended, which its answer tells
  }

  /** @param shell what runs `sh` on the host: `['sh']`, `['ssh', 'HOST', 'sh']` */
  static async start(shell: readonly string[], prefix: string): Promise<Agent> {
    const child = spawn(shell[0]!, shell.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] }) as unknown as ChildProcessWithoutNullStreams;
    const agent = new Agent(child, prefix);
    // It is given nothing more before it says `ready`: a shell may read ahead.
    child.stdin.write(
      `d=$(mktemp -d) && base64 -d >"$d/qemu-system-oracle" <<'END' && chmod 700 "$d/qemu-system-oracle" && exec "$d/qemu-system-oracle" agent ${prefix} "$d"\n${compiled().toString('base64').replace(/.{76}/g, '$&\n')}\nEND\n`,
    );
    const first = await agent.line();
    if (first !== 'ready') throw new Error(`The oracle's agent says: ${first}`);
    const facts = new Map<string, string>();
    for (const path of FACTS) facts.set(path, await agent.read(path));
    for (let node = 0; ; node++) {
      const path = `/sys/devices/system/node/node${node}/cpulist`;
      const text = await agent.read(path);
      if (text === '') break;
      facts.set(path, text);
    }
    agent.facts = facts;
    return agent;
  }

  /** What lies in a file; empty where there is none. */
  async read(path: string): Promise<string> {
    this.child.stdin.write(`C ${hex(path)}\n`);
    const head = /^f (\d+) /.exec(await this.line());
    const text = head ? decodeBytes(await this.bytes(Number(head[1]))) : '';
    await this.line();
    return text;
  }

  /** Reads this hierarchy at each look: its root, and all that is ours. */
  async watch(mountPoint: string, version: 1 | 2, controllers: readonly string[]): Promise<void> {
    const files = version === 2 ? V2_FILES : controllers.map(name => (V1_FILES as Readonly<Record<string, string>>)[name] ?? '').join(' ');
    await this.command(`T ${hex(mountPoint)} ${hex(files.trim() || 'tasks')}`);
  }

  async startProcess(threads: number): Promise<number> {
    return Number(await this.ask(`P ${threads}`));
  }

  async endProcesses(): Promise<void> {
    await this.command('Q');
  }

  makeDirectory(path: string): Promise<WriteErrno | undefined> {
    return this.command(`K ${hex(path)}`);
  }

  removeDirectory(path: string): Promise<WriteErrno | undefined> {
    return this.command(`R ${hex(path)}`);
  }

  /** One write(2), with a newline at its end. */
  write(file: string, value: string): Promise<WriteErrno | undefined> {
    return this.command(`W ${hex(file)} ${hex(`${value}\n`)}`);
  }

  do(action: Action): Promise<WriteErrno | undefined> {
    switch (action.kind) {
      case 'move':
        return this.write(`${action.to.directory}/${action.file}`, String(action.task.tid));
      case 'affinity':
        return this.command(`A ${action.task.tid} ${hex([...(parseCpuList(action.cpus) ?? CpuSet.empty)].join(',') || ',')}`);
      case 'scheduling':
        return this.command(`S ${action.task.tid} ${POLICIES.indexOf(action.policy)} ${action.priority} ${action.policy === 'fifo' || action.policy === 'rr' ? '' : action.nice}`);
      case 'make':
        return this.makeDirectory(action.cgroup.directory);
      case 'remove':
        return this.removeDirectory(action.cgroup.directory);
      case 'write':
        return this.write(`${action.cgroup.directory}/${action.file}`, action.value);
      case 'tool':
        throw new Error('The oracle runs no tools.');
    }
  }

  /** What the collector would bring of our cgroups and processes. */
  async look(): Promise<RawSnapshot> {
    const files = new Map(this.facts);
    const links = new Map<string, string>();
    const errors = new Map<string, Errno>();
    const directories = new Set<string>();
    const walked = new Set<string>();
    this.child.stdin.write('G\n');
    for (let line = await this.line(); line !== '.'; line = await this.line()) {
      const rest = line.slice(2);
      const space = rest.indexOf(' ');
      if (line.startsWith('d ')) directories.add(rest);
      else if (line.startsWith('w ')) walked.add(rest);
      else if (line.startsWith('l ')) links.set(rest.slice(0, space), rest.slice(space + 1));
      else if (line.startsWith('e ')) errors.set(rest.slice(space + 1), (NAMES.get(Number(rest.slice(0, space))) ?? 'EUNKNOWN') as Errno);
      else if (line.startsWith('f ')) files.set(rest.slice(space + 1), decodeBytes(await this.bytes(Number(rest.slice(0, space)))));
      else throw new Error(`The oracle's agent says: ${line}`);
    }
    return { files, links, errors, directories, walked, collection: { startedAt: 0, took: 0, user: { uid: 0, name: 'root' }, hides: false, complete: true, remarks: [] } };
  }

  /** Ends everything that it started and removes everything that it made. */
  async end(): Promise<void> {
    this.child.stdin.end();
    while (!this.ended) await new Promise<void>(resolve => (this.wake = resolve));
  }

  private async command(text: string): Promise<WriteErrno | undefined> {
    const number = Number(await this.ask(text));
    if (number === 0) return undefined;
    const name = NAMES.get(number) ?? '';
    return WRITE_ERRNOS.find(errno => errno === name) ?? 'EUNKNOWN';
  }

  private async ask(text: string): Promise<string> {
    this.child.stdin.write(`${text}\n`);
    return this.line();
  }

  private async line(): Promise<string> {
    let end: number;
    while ((end = this.rest.indexOf(10)) < 0) await this.more();
    const line = decodeBytes(this.rest.subarray(0, end));
    this.rest = this.rest.subarray(end + 1);
    return line;
  }

  private async bytes(count: number): Promise<Buffer> {
    while (this.rest.length < count) await this.more();
    const bytes = this.rest.subarray(0, count);
    this.rest = this.rest.subarray(count);
    return bytes;
  }

  private async more(): Promise<void> {
    if (this.ended) throw new Error('The oracle\'s agent has ended.');
    await new Promise<void>(resolve => (this.wake = resolve));
  }
}

function hex(text: string): string {
  return encodeBytes(text).toString('hex');
}

/** Linked statically: the host needs nothing but a shell, base64, mktemp and chmod. */
function compiled(): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'cgroup-lens-oracle-'));
  try {
    const file = join(folder, 'agent');
    execFileSync('gcc', ['-O1', '-Wall', '-Werror', '-Wno-format-truncation', '-static', '-pthread', '-s', '-o', file, SOURCE], { stdio: 'pipe' });
    return readFileSync(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
