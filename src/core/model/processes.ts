import { parseCmdline } from '../parse/cmdline';
import { parseSchedstat } from '../parse/schedstat';
import { type TaskStat, parseTaskStat, tellsIoWorkers } from '../parse/taskStat';
import { type CpuSet } from '../parse/cpuList';
import { parseTaskStatus } from '../parse/taskStatus';
import type { RawSnapshot } from '../rawSnapshot';
import type { MembershipBuilder } from './membership';
import type { Machine, Problem, Role, Thread, ToldRole } from './hostModel';
import type { Pace } from './pace';

/** One process that the collector brought, and its tasks. */
export interface Process {
  readonly pid: number;
  readonly argv: readonly string[];
  /** Target of its exe link; `undefined` where it cannot be read, and for kernel threads. */
  readonly exe: string | undefined;
  readonly leader: Task | undefined;
  readonly tasks: readonly Task[];
}

/** A task, with the texts of its other files as they are: empty where a file was not there. */
export interface Task {
  readonly stat: TaskStat;
  readonly cgroup: string;
  readonly status: string;
  readonly schedstat: string;
}

const TASK_FILE = /^\/proc\/(\d+)\/task\/(\d+)\/(stat|cgroup|status|schedstat)$/;

/** The texts of one /proc/PID/task/TID, while they are gathered. */
interface TaskTexts {
  stat: string | undefined;
  cgroup: string;
  status: string;
  schedstat: string;
}

/** Every process of the snapshot. A task whose `stat` broke off is a problem; one that went away is simply not there. */
export async function readProcesses(raw: RawSnapshot, problems: Problem[], pace: Pace): Promise<Process[]> {
  const processes: Process[] = [];
  for (const [pid, texts] of await gatherTasks(raw, pace)) {
    const tasks: Task[] = [];
    for (const [tid, { stat: text, cgroup, status, schedstat }] of texts) {
      if (text === undefined) continue;
      const pause = pace.breathe();
      if (pause) await pause;
      const stat = parseTaskStat(text);
      if (stat?.tid === tid) tasks.push({ stat, cgroup, status, schedstat });
      else problems.push({ path: `/proc/${pid}/task/${tid}/stat`, errno: 'unexpected content' });
    }
    if (tasks.length === 0) continue;
    processes.push({
      pid,
      argv: parseCmdline(raw.files.get(`/proc/${pid}/cmdline`) ?? ''),
      exe: raw.links.get(`/proc/${pid}/exe`),
      leader: tasks.find(task => task.stat.tid === pid),
      tasks,
    });
  }
  return processes;
}

/** Goes through all files once: to look four of them up by name for each thread would take longer than to parse them. */
async function gatherTasks(raw: RawSnapshot, pace: Pace): Promise<Map<number, Map<number, TaskTexts>>> {
  const byPid = new Map<number, Map<number, TaskTexts>>();
  for (const [path, text] of raw.files) {
    const pause = pace.breathe();
    if (pause) await pause;
    const match = TASK_FILE.exec(path);
    if (!match) continue;
    const [pid, tid] = [Number(match[1]), Number(match[2])];
    let tasks = byPid.get(pid);
    if (!tasks) byPid.set(pid, (tasks = new Map<number, TaskTexts>()));
    let texts = tasks.get(tid);
    if (!texts) tasks.set(tid, (texts = { stat: undefined, cgroup: '', status: '', schedstat: '' }));
    texts[match[3] as keyof TaskTexts] = text;
  }
  return byPid;
}

const NONE: readonly ToldRole[] = [];

/** Makes threads of tasks. Equal texts are parsed once: ten thousand threads have a handful of affinities. */
export class ThreadBuilder {
  /** See {@link tellsIoWorkers}. */
  readonly ioWorkers: boolean | undefined;
  private readonly affinities = new Map<string, CpuSet | undefined>();

  constructor(
    private readonly raw: RawSnapshot,
    private readonly memberships: MembershipBuilder,
  ) {
    this.ioWorkers = tellsIoWorkers(raw.files.get('/proc/sys/kernel/osrelease') ?? '');
  }

  thread(process: Process, { stat, cgroup, status, schedstat: times }: Task, role: Role, disagreement: readonly ToldRole[] = NONE): Thread {
    const schedstat = parseSchedstat(times);
    return {
      key: `${stat.tid}:${stat.startTime}`,
      tid: stat.tid,
      pid: process.pid,
      startTime: stat.startTime,
      comm: stat.comm,
      role,
      disagreement,
      membership: this.memberships.of(cgroup),
      cpusAllowed: this.affinity(status),
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

  process({ pid }: Process): Pick<Machine, 'uid' | 'rss' | 'memsAllowed'> {
    const { uid, vmRss, memsAllowed } = parseTaskStatus(this.raw.files.get(`/proc/${pid}/status`) ?? '');
    return { uid, rss: vmRss === undefined ? undefined : vmRss * 1024, memsAllowed };
  }

  private affinity(status: string): CpuSet | undefined {
    if (!this.affinities.has(status)) this.affinities.set(status, parseTaskStatus(status).cpusAllowed);
    return this.affinities.get(status);
  }
}
