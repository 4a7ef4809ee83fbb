import type { Cgroup } from '../model/hostModel';
import { parseCpuList } from '../parse/cpuList';

/** How much may be done to an interface file: written; written after the machine's name was typed; made by a plan alone; never. */
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

/** What an interface file reads, without the newline at its end, where the model has it. */
export function textOf(cgroup: Cgroup, file: string): string | undefined {
  const { bandwidth } = cgroup;
  switch (file) {
    case 'cpuset.cpus':
      return cgroup.cpus?.toString();
    case 'cpuset.mems':
      return cgroup.mems?.toString();
    case 'cpuset.cpus.partition':
      return cgroup.partition;
    case 'cpu.max':
      return bandwidth && `${bandwidth.quota} ${bandwidth.period}`;
    case 'cpu.cfs_quota_us':
      return bandwidth && String(bandwidth.quota === 'max' ? -1 : bandwidth.quota);
    case 'cpu.cfs_period_us':
      return bandwidth && String(bandwidth.period);
    case 'cpu.weight':
      return text(cgroup.weight);
    case 'cpu.shares':
      return text(cgroup.shares);
    case 'cpu.idle':
      return cgroup.idle === undefined ? undefined : cgroup.idle ? '1' : '0';
    case 'cpu.rt_runtime_us':
      return text(cgroup.rtRuntime);
    case 'pids.max':
      return text(cgroup.pidsMax);
    case 'cgroup.type':
      return cgroup.type;
    case 'cgroup.freeze':
      return cgroup.frozen === undefined ? undefined : cgroup.frozen ? '1' : '0';
    case 'freezer.state':
      return cgroup.frozen === undefined ? undefined : cgroup.frozen ? 'FROZEN' : 'THAWED';
    default:
      return undefined;
  }
}

function text(value: number | string | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}

/** A list as the kernel reads it back (`0,1` is `0-1`), so that what is found later can be compared with it. */
export function spelling(file: string, value: string): string {
  return file === 'cpuset.cpus' || file === 'cpuset.mems' ? (parseCpuList(value)?.toString() ?? value) : value;
}
