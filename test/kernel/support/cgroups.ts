import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { decodeBytes } from '../../../src/core/parse/bytes';
import { PREFIX } from './cleanUp';
import { tree } from './mounts';

/** A cgroup that these tests made. Its name is bytes, as for the kernel. */
export class OwnCgroup {
  constructor(
    /** `cpu`, `cpuset`, `0::` … */
    readonly controller: string,
    readonly key: string,
    readonly directory: Buffer,
    /** As in /proc/PID/cgroup. */
    readonly bytes: Buffer,
  ) {}

  /** As the model has it. */
  get path(): string {
    return decodeBytes(this.bytes);
  }

  has(file: string): boolean {
    return existsSync(this.file(file));
  }

  /** What the kernel says, without the newline at its end. */
  read(file: string): string {
    return readFileSync(this.file(file), 'utf8').trimEnd();
  }

  /** Each write is one write(2) to a file that exists already. */
  write(file: string, value: string | number): this {
    try {
      writeFileSync(this.file(file), String(value), { flag: 'r+' });
    } catch (error) {
      throw new Error(`${value} could not be written to ${file} of ${this.controller} ${this.path}: ${(error as Error).message}`);
    }
    return this;
  }

  /** Moves one thread. */
  addThread(tid: number): void {
    this.write(this.key === '0::' ? 'cgroup.threads' : 'tasks', tid);
  }

  /** Moves a process with all its threads. */
  addProcess(pid: number): void {
    this.write('cgroup.procs', pid);
  }

  private file(name: string): Buffer {
    return Buffer.concat([this.directory, Buffer.from(`/${name}`)]);
  }
}

/** Makes a cgroup below our own in the hierarchy of a controller, with all above it that are not there yet. */
export function makeCgroup(controller: string, ...names: (string | Buffer)[]): OwnCgroup {
  const { mountPoint, key } = tree(controller);
  let bytes = Buffer.alloc(0);
  for (const name of [PREFIX, ...names]) {
    const parent = Buffer.concat([Buffer.from(mountPoint), bytes]);
    bytes = Buffer.concat([bytes, Buffer.from('/'), Buffer.from(name as Buffer)]);
    const directory = Buffer.concat([Buffer.from(mountPoint), bytes]);
    if (existsSync(directory)) continue;
    mkdirSync(directory);
    if (controller !== 'cpuset') continue;
    // Nothing is inherited in v1, and a cpuset without CPUs and nodes takes no task.
    for (const file of ['/cpuset.cpus', '/cpuset.mems']) writeFileSync(Buffer.concat([directory, Buffer.from(file)]), readFileSync(Buffer.concat([parent, Buffer.from(file)])), { flag: 'r+' });
  }
  return new OwnCgroup(controller, key, Buffer.concat([Buffer.from(mountPoint), bytes]), bytes);
}

/** A cgroup below another, which is not there yet. */
export function notYet(parent: OwnCgroup, name: string | Buffer): OwnCgroup {
  const below = (above: Buffer): Buffer => Buffer.concat([above, Buffer.from('/'), Buffer.from(name as Buffer)]);
  return new OwnCgroup(parent.controller, parent.key, below(parent.directory), below(parent.bytes));
}
