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
/** What nothing here compares, and changes by itself or costs much to read. */
const UNUSED = new Set(['cpu.stat', 'pids.current', 'pids.events', 'cpu.uclamp.min', 'cpu.uclamp.max']);
const POLICIES = ['other', 'fifo', 'rr', 'batch', 'iso', 'idle'];

/** agent.c, running on this machine or by SSH on another: the same shell script starts it on both. */
export class Agent {
  private rest: Buffer = Buffer.alloc(0);
  private wake: (() => void) | undefined;
  private ended = false;
  /** Settles when what was asked last has its answer: answers come in the order of the questions. */
  private last: Promise<unknown> = Promise.resolve();
  /** All that was read: each look brings only what reads otherwise. */
  private readonly files = new Map<string, string>();
  private readonly links = new Map<string, string>();
  private readonly errors = new Map<string, Errno>();
  private readonly directories = new Set<string>();
  private readonly bases = new Set<string>();

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
    const program = compiled(); // or throws, before anything runs
    const child = spawn(shell[0]!, shell.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] }) as unknown as ChildProcessWithoutNullStreams;
    const agent = new Agent(child, prefix);
    // It is given nothing more before it says `ready`: a shell may read ahead.
    child.stdin.write(
      `d=$(mktemp -d) && base64 -d >"$d/qemu-system-oracle" <<'END' && chmod 700 "$d/qemu-system-oracle" && exec "$d/qemu-system-oracle" agent ${prefix} "$d"\n${program.toString('base64').replace(/.{76}/g, '$&\n')}\nEND\n`,
    );
    const first = await agent.line();
    if (first !== 'ready') throw new Error(`The oracle's agent says: ${first}`);
    for (const path of FACTS) agent.files.set(path, await agent.read(path));
    for (let node = 0; ; node++) {
      const path = `/sys/devices/system/node/node${node}/cpulist`;
      const text = await agent.read(path);
      if (text === '') break;
      agent.files.set(path, text);
    }
    return agent;
  }

  /** What lies in a file; empty where there is none. */
  read(path: string): Promise<string> {
    return this.ask(`C ${hex(path)}`, async () => {
      const head = /^f (\d+) /.exec(await this.line());
      const text = head ? decodeBytes(await this.bytes(Number(head[1]))) : '';
      await this.line();
      return text;
    });
  }

  /** Reads this hierarchy at each look: its root, and all that is ours. */
  async watch(mountPoint: string, version: 1 | 2, controllers: readonly string[]): Promise<void> {
    const files = version === 2 ? V2_FILES : controllers.map(name => (V1_FILES as Readonly<Record<string, string>>)[name] ?? '').join(' ');
    this.bases.add(`${mountPoint}/${this.prefix}`);
    await this.command(`T ${hex(mountPoint)} ${hex(files.split(' ').filter(file => file !== '' && !UNUSED.has(file)).join(' ') || 'tasks')}`);
  }

  async startProcess(threads: number): Promise<number> {
    return Number(await this.ask(`P ${threads}`, () => this.line()));
  }

  async endProcesses(): Promise<void> {
    await this.command('Q');
    this.forgetProcesses();
  }

  makeDirectory(path: string): Promise<WriteErrno | undefined> {
    return this.command(`K ${hex(path)}`);
  }

  removeDirectory(path: string): Promise<WriteErrno | undefined> {
    return this.command(`R ${hex(path)}`);
  }

  /** One write(2), with a newline at its end. */
  write(file: string, value: string): Promise<WriteErrno | undefined> {
    return this.command(writing(file, value));
  }

  /** Does it and looks, in one breath. */
  do(action: Action): Promise<{ readonly errno: WriteErrno | undefined; readonly raw: RawSnapshot }> {
    return this.ask(`!${commandOf(action)}`, async () => ({ errno: errnoOf(await this.line()), raw: await this.seen() }));
  }

  /** What the collector would bring of our cgroups and processes. */
  look(): Promise<RawSnapshot> {
    return this.ask('G', () => this.seen());
  }

  /** The same, without anything that was read before. */
  async lookAnew(): Promise<RawSnapshot> {
    await this.command('N');
    for (const directory of [...this.directories]) this.forget(directory);
    this.forgetProcesses();
    return this.look();
  }

  /** Ends everything that it started and removes everything that it made. */
  async end(): Promise<void> {
    this.child.stdin.end();
    while (!this.ended) await new Promise<void>(resolve => (this.wake = resolve));
  }

  private async seen(): Promise<RawSnapshot> {
    for (let line = await this.line(); line !== '.'; line = await this.line()) {
      const rest = line.slice(2);
      const space = rest.indexOf(' ');
      const path = 'lef'.includes(line[0]!) ? rest.slice(line.startsWith('l') ? 0 : space + 1, line.startsWith('l') ? space : undefined) : rest;
      if (line.startsWith('l ')) {
        this.links.set(path, rest.slice(space + 1));
        continue;
      }
      this.files.delete(path);
      this.errors.delete(path);
      if (line.startsWith('d ')) this.directories.add(path);
      else if (line.startsWith('D ')) this.forget(path);
      else if (line.startsWith('e ')) this.errors.set(path, (NAMES.get(Number(rest.slice(0, space))) ?? 'EUNKNOWN') as Errno);
      else if (line.startsWith('f ')) this.files.set(path, decodeBytes(await this.bytes(Number(rest.slice(0, space)))));
      else if (!line.startsWith('x ')) throw new Error(`The oracle's agent says: ${line}`);
    }
    const { files, links, errors, directories } = this;
    return { files, links, errors, directories, walked: new Set([...this.bases].filter(path => directories.has(path))), collection: { startedAt: 0, took: 0, user: { uid: 0, name: 'root' }, hides: false, complete: true, remarks: [] } };
  }

  private forgetProcesses(): void {
    for (const of of [this.files, this.links, this.errors]) for (const path of of.keys()) if (/^\/proc\/\d+\//.test(path) && !FACTS.includes(path)) of.delete(path);
  }

  /** A directory that is gone. Those below it went before. */
  private forget(directory: string): void {
    this.directories.delete(directory);
    for (const of of [this.files, this.errors]) for (const path of of.keys()) if (path.startsWith(`${directory}/`)) of.delete(path);
  }

  private command(text: string): Promise<WriteErrno | undefined> {
    return this.ask(text, async () => errnoOf(await this.line()));
  }

  /** Asks at once; the answer is taken when those before it have had theirs. */
  private ask<T>(text: string, answer: () => Promise<T>): Promise<T> {
    this.child.stdin.write(`${text}\n`);
    const answered = this.last.then(answer);
    this.last = answered.catch(() => undefined);
    return answered;
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

function commandOf(action: Action): string {
  switch (action.kind) {
    case 'move':
      return writing(`${action.to.directory}/${action.file}`, String(action.task.tid));
    case 'affinity':
      return `A ${action.task.tid} ${hex([...(parseCpuList(action.cpus) ?? CpuSet.empty)].join(',') || ',')}`;
    case 'scheduling':
      return `S ${action.task.tid} ${POLICIES.indexOf(action.policy)} ${action.priority} ${action.policy === 'fifo' || action.policy === 'rr' ? '' : action.nice}`;
    case 'make':
      return `K ${hex(action.cgroup.directory)}`;
    case 'remove':
      return `R ${hex(action.cgroup.directory)}`;
    case 'write':
      return writing(`${action.cgroup.directory}/${action.file}`, action.value);
    case 'tool':
      throw new Error('The oracle runs no tools.');
  }
}

function writing(file: string, value: string): string {
  return `W ${hex(file)} ${hex(`${value}\n`)}`;
}

function errnoOf(line: string): WriteErrno | undefined {
  const number = Number(line);
  if (number === 0) return undefined;
  const name = NAMES.get(number) ?? '';
  return WRITE_ERRNOS.find(errno => errno === name) ?? 'EUNKNOWN';
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
