import { readNumbers } from './numbers';

/** What the model needs of `/proc/PID/task/TID/stat` (proc(5), fs/proc/array.c do_task_stat). Times are in clock ticks (1/100 s). */
export interface TaskStat {
  readonly tid: number;
  /** As in the file: at most 15 bytes for a user task; may hold any byte but NUL, parentheses and newlines among them. */
  readonly comm: string;
  readonly state: string;
  readonly ppid: number;
  /** The task's flags word, see {@link taskFlags}. */
  readonly flags: number;
  readonly utime: number;
  readonly stime: number;
  /** The kernel's view: 20 + nice for ordinary tasks, −1 − rtPriority for real-time ones. */
  readonly priority: number;
  readonly nice: number;
  /** Since boot. Together with the TID it names one task for as long as the host is up. */
  readonly startTime: number;
  /** The CPU it last ran on. */
  readonly processor: number;
  readonly rtPriority: number;
  readonly policy: SchedulingPolicy;
  /** Time spent running a guest: above 0 it proves a vCPU, 0 proves nothing. */
  readonly guestTime: number;
}

/** Scheduling policies by number (include/uapi/linux/sched.h), in the words of chrt(1). */
const POLICIES = ['other', 'fifo', 'rr', 'batch', 'iso', 'idle', 'deadline', 'ext'] as const;
export type SchedulingPolicy = (typeof POLICIES)[number] | 'unknown';

/** Bits of the flags word that tell kinds of tasks apart (include/linux/sched.h; not a stable interface). */
export const taskFlags = {
  /** A worker of io_uring, where {@link tellsIoWorkers}; before Linux 5.10 PF_VCPU: KVM is running a guest on this task. */
  ioWorker: 0x10,
  /** A user worker such as vhost since Linux 6.4; something else before. */
  userWorker: 0x4000,
  kernelThread: 0x200000,
  noSetAffinity: 0x04000000,
} as const;

/**
 * Whether `ioWorker` means one on this kernel (`uname -r`; `undefined`: that is not known). Since 5.12 io_uring's workers are
 * tasks of the process; older kernels that got them too (5.10.162) tell them by their names.
 */
export function tellsIoWorkers(release: string): boolean | undefined {
  const match = /^(\d+)\.(\d+)/.exec(release);
  return match ? Number(match[1]) > 5 || (match[1] === '5' && Number(match[2]) >= 12) : undefined;
}

/** The fields that must be there, as numbers that can be counted exactly. Others may hold more than 2^53. */
const FIELDS = [4, 9, 14, 15, 18, 19, 22, 39, 40, 43] as const;
const LAST_FIELD = 43;

/** `undefined` when the text is not such a file. The name ends at the last `)`: it may hold any number of them itself. */
export function parseTaskStat(text: string): TaskStat | undefined {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 1 || close < open) return undefined;
  const tid = Number(text.slice(0, open));
  const state = text.charAt(close + 2);
  const numbers = readNumbers(text, close + 4, LAST_FIELD - 3);
  const field = (n: number): number => numbers[n - 4]!; // as proc(5) counts them; the state is field 3
  if (!/^[A-Za-z] /.test(text.slice(close + 2, close + 4)) || !Number.isSafeInteger(tid) || !FIELDS.every(n => Number.isSafeInteger(field(n)))) return undefined;
  return {
    tid,
    comm: text.slice(open + 1, close),
    state,
    ppid: field(4),
    flags: field(9),
    utime: field(14),
    stime: field(15),
    priority: field(18),
    nice: field(19),
    startTime: field(22),
    processor: field(39),
    rtPriority: field(40),
    guestTime: field(43),
    policy: POLICIES[field(41)] ?? 'unknown',
  };
}
