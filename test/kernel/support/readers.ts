import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { required } from './cleanUp';

/** What the kernel and the system's own tools say, read without any code that is under test. */

/** Of /proc/PID/task/TID: hierarchy → path, as bytes written in Latin-1, so that any name can be compared. */
export function placesOf(pid: number, tid: number): Record<string, string> {
  const places: Record<string, string> = {};
  for (const line of readFileSync(`/proc/${pid}/task/${tid}/cgroup`, 'latin1').split('\n')) {
    if (line === '') continue;
    const [number, controllers] = line.split(':', 2) as [string, string];
    places[number === '0' ? '0::' : controllers] = line.slice(number.length + controllers.length + 2);
  }
  return places;
}

export function tidsOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).map(Number).sort((a, b) => a - b);
}

export function commOf(pid: number, tid: number): Buffer {
  const text = readFileSync(`/proc/${pid}/task/${tid}/comm`);
  return text.subarray(0, text.length - 1);
}

/** taskset(1): each CPU. */
export function affinityOf(tid: number): number[] {
  const list = run('taskset', '-pc', String(tid)).trim().replace(/^.*: /s, '');
  return list.split(',').flatMap(range => {
    const [first, last] = range.split('-').map(Number) as [number, number?];
    return Array.from({ length: (last ?? first) - first + 1 }, (_, i) => first + i);
  });
}

/** chrt(1): policy in its words, and real-time priority. */
export function policyOf(tid: number): { policy: string; priority: number } {
  const said = run('chrt', '-p', String(tid));
  const policy = /scheduling policy: SCHED_(\w+)/.exec(said)?.[1];
  const priority = /scheduling priority: (\d+)/.exec(said)?.[1];
  if (policy === undefined || priority === undefined) throw new Error(`chrt says: ${said}`);
  return { policy: policy.toLowerCase(), priority: Number(priority) };
}

/** ps(1): nice value of each thread; `-` for real-time ones, which have none. */
export function nicesOf(pid: number): Map<number, string> {
  const lines = run('ps', '-L', '-o', 'tid=,nice=', '-p', String(pid)).trim().split('\n');
  return new Map(lines.map(line => line.trim().split(/\s+/) as [string, string]).map(([tid, nice]) => [Number(tid), nice]));
}

/** Clock ticks after boot at which it began: field 22 of proc(5). */
export function startTimeOf(pid: number, tid: number): number {
  const text = readFileSync(`/proc/${pid}/task/${tid}/stat`, 'latin1');
  return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[19]);
}

/** A line of /proc/PID/status. */
export function statusOf(pid: number, tid: number, name: string): string {
  const line = readFileSync(`/proc/${pid}/task/${tid}/status`, 'latin1').split('\n').find(l => l.startsWith(`${name}:`));
  return (line ?? '').slice(name.length + 1).trim();
}

export function run(command: string, ...args: string[]): string {
  return execFileSync(required(command), args, { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C' }, stdio: ['ignore', 'pipe', 'pipe'] });
}
