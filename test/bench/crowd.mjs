// Thousands of real threads in hundreds of real cgroups, all of them our own and all of them gone at the end.
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { begin, stop } from '../processes.mjs';

const GROUPS = 256;
const THREADS_PER_PROCESS = 200;

export class Crowd {
  size = 0;
  #program;
  #trees = [];
  #directories = [];
  #processes = [];

  /** `program` is the compiled threads.c. */
  constructor(program) {
    this.#program = program;
  }

  /** Makes our cgroups: 256 in each of the v1 hierarchies of cpu and cpuset, and of v2, as far as this host has them. */
  prepare() {
    for (const { mountPoint, file, copied, threaded } of trees()) {
      const own = `${mountPoint}/cgroup-lens-bench-${process.pid}`;
      const make = directory => {
        mkdirSync(directory);
        this.#directories.push(directory);
        // A new v1 cpuset has neither CPUs nor memory, and takes no task until it has both.
        for (const name of copied) writeFileSync(`${directory}/${name}`, readFileSync(`${mountPoint}/${name}`));
      };
      make(own);
      for (let i = 0; i < GROUPS; i++) {
        make(`${own}/${i}`);
        if (threaded) writeFileSync(`${own}/${i}/cgroup.type`, 'threaded');
      }
      this.#trees.push(own, file);
    }
    if (this.#trees.length === 0) throw new Error('No cgroup hierarchy is mounted here.');
  }

  /** Starts processes until there are `size` threads. */
  async growTo(size) {
    while (this.size < size) {
      const threads = Math.min(THREADS_PER_PROCESS, size - this.size);
      await this.#start(threads);
      this.size += threads;
    }
  }

  /** Ends the processes, by their PIDs, and removes the cgroups. */
  async disperse() {
    await Promise.all(this.#processes.map(stop));
    for (const directory of this.#directories.reverse()) await removed(directory);
    this.#directories = [];
  }

  async #start(threads) {
    const number = this.#processes.length;
    // As long a command line as libvirt's: it is read and searched too.
    const devices = Array.from({ length: 40 }, (_, i) => ['-device', `{"driver":"virtio-blk-pci","drive":"disk${i}","id":"virtio-disk${i}","bus":"pci.${i}"}`]);
    const args = [threads, this.size, GROUPS, ...this.#trees, '-name', `guest=bench-${number},debug-threads=on`, ...devices.flat()].map(String);
    const child = begin(this.#program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#processes.push(child);
    await new Promise((resolve, reject) => {
      child.once('error', reject);
      child.stdout.once('data', resolve);
      child.once('exit', () => reject(new Error(`process ${number} with ${threads} threads did not start`)));
    });
  }
}

/** Where our cgroups go, from this process's own list of mounts. */
function trees() {
  const found = [];
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [before, after] = line.split(' - ');
    if (!after) continue;
    const mountPoint = before.split(' ')[4].replace(/\\040/g, ' ');
    const [type, , options] = after.split(' ');
    const has = controller => type === 'cgroup' && options.split(',').includes(controller);
    if (has('cpuset')) found.push({ mountPoint, file: 'tasks', copied: ['cpuset.cpus', 'cpuset.mems'] });
    else if (has('cpu')) found.push({ mountPoint, file: 'tasks', copied: [] });
    else if (type === 'cgroup2') found.push({ mountPoint, file: 'cgroup.threads', copied: [], threaded: true });
  }
  return found;
}

/** The kernel takes a moment to let go of ten thousand tasks. */
async function removed(directory) {
  for (let tries = 0; ; tries++) {
    try {
      return rmdirSync(directory);
    } catch (error) {
      if (error.code !== 'EBUSY' || tries === 200) throw error;
      await sleep(25);
    }
  }
}
