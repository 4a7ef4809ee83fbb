import { type CpuSet, parseCpuList } from './cpuList';

/** What the model needs of `/proc/PID/task/TID/status` (proc(5)). A line that is not there is `undefined`. */
export interface TaskStatus {
  /** CPUs the task may run on now: its affinity within its cpuset. Offline CPUs may be among them. */
  readonly cpusAllowed: CpuSet | undefined;
  readonly memsAllowed: CpuSet | undefined;
  /** Effective user id. */
  readonly uid: number | undefined;
  /** Resident memory in KiB. */
  readonly vmRss: number | undefined;
}

/** `Name:\tvalue` lines; the kernel escapes a newline in the task's name here, so no line can be forged. */
export function parseTaskStatus(text: string): TaskStatus {
  const value = (name: string): string | undefined => {
    const at = text.startsWith(`${name}:`) ? 0 : text.indexOf(`\n${name}:`) + 1;
    if (at === 0 && !text.startsWith(`${name}:`)) return undefined;
    const end = text.indexOf('\n', at);
    return text.slice(at + name.length + 1, end < 0 ? undefined : end).trim();
  };
  const list = (name: string): CpuSet | undefined => {
    const text = value(name);
    return text === undefined ? undefined : parseCpuList(text);
  };
  const number = (text: string | undefined): number | undefined => {
    const match = /^\d+/.exec(text ?? '');
    return match ? Number(match[0]) : undefined;
  };
  return {
    cpusAllowed: list('Cpus_allowed_list'),
    memsAllowed: list('Mems_allowed_list'),
    uid: number(value('Uid')?.split('\t')[1]),
    vmRss: number(value('VmRSS')),
  };
}
