/** `/proc/PID/task/TID/schedstat` (Documentation/scheduler/sched-stats.rst). Times in nanoseconds since the task began. */
export interface Schedstat {
  readonly runTime: number;
  /** Time spent runnable but waiting for a CPU. */
  readonly runDelay: number;
  readonly timeslices: number;
}

/** `undefined` when the text is not three numbers (a kernel without CONFIG_SCHED_INFO has no such file). */
export function parseSchedstat(text: string): Schedstat | undefined {
  const match = /^(\d+) (\d+) (\d+)\s*$/.exec(text);
  return match ? { runTime: Number(match[1]), runDelay: Number(match[2]), timeslices: Number(match[3]) } : undefined;
}
