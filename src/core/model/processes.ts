import { parseCmdline } from '../parse/cmdline';
import { parseSchedstat } from '../parse/schedstat';
import { type TaskStat, parseTaskStat } from '../parse/taskStat';
import { type CpuSet } from '../parse/cpuList';
import { parseTaskStatus } from '../parse/taskStatus';
import type { RawSnapshot } from '../rawSnapshot';
import type { MembershipBuilder } from './membership';
import type { Machine, Problem, Role, Thread } from './hostModel';
import type { Pace } from './pace';

/** One process that the collector brought, and its tasks. */
export interface Process {
  readonly pid: number;
  readonly argv: readonly string[];
  /** Target of its exe link; `undefined` where it cannot be read, and for kernel threads. */
  readonly exe: string | undefined;
  readonly leader: TaskStat | undefined;
  readonly tasks: readonly TaskStat[];
}

/** Every process of the snapshot. A task whose `stat` broke off is a problem; one that went away is simply not there. */
export async function readProcesses(raw: RawSnapshot, problems: Problem[], pace: Pace): Promise<Process[]> {
  const byPid = new Map<number, TaskStat[]>();
  for (const [path, text] of raw.files) {
    if (!path.startsWith('/proc/') || !path.endsWith('/stat')) continue;
    const match = /^\/proc\/(\d+)\/task\/(\d+)\/stat$/.exec(path);
    if (!match) continue;
    await pace.breathe();
    const stat = parseTaskStat(text);
    if (!stat || stat.tid !== Number(match[2])) {
      problems.push({ path, errno: 'unexpected content' });
      continue;
    }
    const pid = Number(match[1]);
    const tasks = byPid.get(pid);
    if (tasks) tasks.push(stat);
    else byPid.set(pid, [stat]);
  }
  return [...byPid].map(([pid, tasks]) => ({
    pid,
    argv: parseCmdline(raw.files.get(`/proc/${pid}/cmdline`) ?? ''),
    exe: raw.links.get(`/proc/${pid}/exe`),
    leader: tasks.find(task => task.tid === pid),
    tasks,
  }));
}

/** Makes threads of tasks. Equal texts are parsed once: ten thousand threads have a handful of affinities. */
export class ThreadBuilder {
  private readonly affinities = new Map<string, CpuSet | undefined>();

  constructor(
    private readonly raw: RawSnapshot,
    private readonly memberships: MembershipBuilder,
  ) {}

  thread(process: Process, stat: TaskStat, role: Role): Thread {
    const task = `/proc/${process.pid}/task/${stat.tid}`;
    const schedstat = parseSchedstat(this.raw.files.get(`${task}/schedstat`) ?? '');
    return {
      key: `${stat.tid}:${stat.startTime}`,
      tid: stat.tid,
      pid: process.pid,
      startTime: stat.startTime,
      comm: stat.comm,
      role,
      membership: this.memberships.of(this.raw.files.get(`${task}/cgroup`) ?? ''),
      cpusAllowed: this.affinity(this.raw.files.get(`${task}/status`) ?? ''),
      lastCpu: stat.processor,
      policy: stat.policy,
      rtPriority: stat.rtPriority,
      nice: stat.nice,
      state: stat.state,
      flags: stat.flags,
      runDelay: schedstat?.runDelay,
      runTime: schedstat?.runTime,
    };
  }

  uid(process: Process): Machine['uid'] {
    return parseTaskStatus(this.raw.files.get(`/proc/${process.pid}/status`) ?? '').uid;
  }

  private affinity(status: string): CpuSet | undefined {
    if (!this.affinities.has(status)) this.affinities.set(status, parseTaskStatus(status).cpusAllowed);
    return this.affinities.get(status);
  }
}
