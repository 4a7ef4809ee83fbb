import { readFileSync } from 'node:fs';
import { type OwnCgroup, makeCgroup } from './cgroups';
import { tree } from './mounts';
import { type Qemu, startQemu } from './qemu';
import { run } from './readers';

/** The second id is the longest that fits into a thread's name: QEMU leaves a thread unnamed where it does not. */
export const IO_THREADS = ['iothread1', 'twelve-bytes'] as const;

/** A machine whose threads are where this function put them. */
export interface PlacedQemu {
  readonly qemu: Qemu;
  readonly vcpus: Readonly<Record<string, number>>;
  readonly ioThreads: Readonly<Record<string, number>>;
  /** Where it put a thread, by TID; what is not here is in the machine's own cgroup of that hierarchy. */
  readonly places: ReadonlyMap<number, Readonly<Record<'cpu' | 'cpuset' | '0::', OwnCgroup>>>;
  /** The machine's own cgroup of each hierarchy. */
  readonly own: Readonly<Record<'cpu' | 'cpuset' | '0::' | 'pids', OwnCgroup>>;
}

/**
 * A QEMU of four vCPUs and two I/O threads: each vCPU and the first I/O thread in another cgroup of cpu, of cpuset and
 * (threaded) of v2; one thread real-time, one batch, one reniced, one pinned.
 */
export async function placedQemu(name: string): Promise<PlacedQemu> {
  const qemu = await startQemu({ name, vcpus: 4, ioThreads: IO_THREADS });
  const vcpus = await qemu.qmp.vcpus();
  const ioThreads = await qemu.qmp.ioThreads();
  const own = {
    cpu: makeCgroup('cpu', name).write('cpu.shares', 2048),
    cpuset: makeCgroup('cpuset', name).write('cpuset.memory_migrate', 1),
    '0::': makeCgroup('0::', name),
    pids: makeCgroup('pids', name).write('pids.max', 321),
  };
  own.cpu.write('cpu.cfs_period_us', 50_000).write('cpu.cfs_quota_us', 90_000);
  for (const cgroup of Object.values(own)) cgroup.addProcess(qemu.pid);

  const [first, last] = [firstAndLastCpu()[0], firstAndLastCpu()[1]];
  const places = new Map<number, Record<'cpu' | 'cpuset' | '0::', OwnCgroup>>();
  const place = (tid: number, leaf: string, cpus: string): void => {
    const cpu = makeCgroup('cpu', name, leaf).write('cpu.cfs_period_us', 20_000 + places.size * 1000).write('cpu.cfs_quota_us', 10_000).write('cpu.shares', 100 + places.size);
    const cpuset = makeCgroup('cpuset', name, leaf).write('cpuset.cpus', cpus);
    const v2 = makeCgroup('0::', name, leaf).write('cgroup.type', 'threaded');
    for (const cgroup of [cpu, cpuset, v2]) cgroup.addThread(tid);
    places.set(tid, { cpu, cpuset, '0::': v2 });
  };
  place(vcpus['0']!, 'vcpu0', first);
  place(vcpus['1']!, 'vcpu1', last);
  place(vcpus['2']!, 'vcpu2', readFileSync(`${tree('cpuset').mountPoint}/cpuset.cpus`, 'utf8').trim());
  place(vcpus['3']!, 'vcpu3', first);
  place(ioThreads[IO_THREADS[0]]!, 'iothread1', last);

  const realTime = vcpus['1']!;
  const group = places.get(realTime)!.cpu;
  if (group.has('cpu.rt_runtime_us')) {
    // Where the kernel has real-time groups, a group's runtime comes out of its parent's.
    for (const cgroup of [makeCgroup('cpu'), own.cpu, group]) cgroup.write('cpu.rt_runtime_us', 10_000);
  }
  run('chrt', '--fifo', '-p', '3', String(realTime));
  run('chrt', '--batch', '-p', '0', String(ioThreads[IO_THREADS[0]]));
  run('renice', '-n', '7', '-p', String(vcpus['3']));
  run('taskset', '-pc', last, String(vcpus['2']));
  return { qemu, vcpus, ioThreads, places, own };
}

/** Of the root cpuset: the same one on a machine of one CPU. */
function firstAndLastCpu(): [string, string] {
  const numbers = readFileSync(`${tree('cpuset').mountPoint}/cpuset.cpus`, 'utf8').trim().split(/[-,]/);
  return [numbers[0]!, numbers.at(-1)!];
}
