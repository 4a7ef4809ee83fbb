import { parseCpuList } from '../parse/cpuList';

/** How much may be done to an interface file: written; written after the machine's name was typed; never. */
export type FileRule = 'plain' | 'typed' | 'never';

const PLAIN = new Set([
  ...['cpu.max', 'cpu.max.burst', 'cpu.weight', 'cpu.weight.nice', 'cpu.idle', 'cpu.uclamp.min', 'cpu.uclamp.max'],
  ...['cpu.shares', 'cpu.cfs_quota_us', 'cpu.cfs_period_us', 'cpu.cfs_burst_us', 'cpu.rt_runtime_us', 'cpu.rt_period_us'],
  ...['cpuset.cpus', 'cpuset.mems', 'pids.max', 'io.weight', 'io.bfq.weight', 'blkio.weight', 'blkio.bfq.weight'],
]);
/** They stop a guest, or take CPUs from all others. */
const TYPED = new Set(['cgroup.freeze', 'freezer.state', 'cpuset.cpus.partition']);

export function ruleOfFile(file: string): FileRule {
  return PLAIN.has(file) ? 'plain' : TYPED.has(file) ? 'typed' : 'never';
}

/** A list as the kernel reads it back (`0,1` is `0-1`), so that what is found later can be compared with it. */
export function spelling(file: string, value: string): string {
  return file === 'cpuset.cpus' || file === 'cpuset.mems' ? (parseCpuList(value)?.toString() ?? value) : value;
}
