import { readNumbers } from './numbers';

/** `/proc/PID/task/TID/schedstat` (Documentation/scheduler/sched-stats.rst). Times in nanoseconds since the task began. */
export interface Schedstat {
  readonly runTime: number;
  /** Time spent runnable but waiting for a CPU. */
  readonly runDelay: number;
  readonly timeslices: number;
}

/** `undefined` when the text is not three numbers (a kernel without CONFIG_SCHED_INFO has no such file). */
export function parseSchedstat(text: string): Schedstat | undefined {
  const numbers = readNumbers(text, 0, 4);
  if (numbers.length !== 3 || !numbers.every(number => number >= 0)) return undefined;
  return { runTime: numbers[0]!, runDelay: numbers[1]!, timeslices: numbers[2]! };
}
