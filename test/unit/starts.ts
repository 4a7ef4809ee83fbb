import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { HostModel } from '../../src/core/model/hostModel';
import { type Changeable, HOSTS, type STARTED_HOSTS, machine, modelOf, snapshot, statText } from './fixtures';

/** A task at one moment of a start. */
interface Task {
  readonly pid: number;
  readonly tid: number;
  readonly ppid: number;
  readonly cpus: string;
  /** Its /proc/PID/task/TID/cgroup. */
  readonly cgroup: string;
  readonly comm: string;
}

/** What there was at one moment of `virsh start serial`. */
export interface Moment {
  readonly ms: number;
  readonly tasks: readonly Task[];
  /** Whether QEMU runs: before, the machine is a child of libvirtd. */
  readonly isQemu: boolean;
  readonly pid: number;
}

/** Every moment of a recorded start: test/fixtures/timeline.mjs says what the lines are. */
export function momentsOf(name: (typeof STARTED_HOSTS)[number]): readonly Moment[] {
  const lines = readFileSync(join(HOSTS, `../starts/${name}.start`), 'utf8').trimEnd().split('\n');
  const pid = Number(/^(\d+) \1 .* qemu-system-x86$/m.exec(lines.join('\n'))![1]);
  const memberships = new Map<string, string>();
  const tasks = new Map<number, Task>();
  const moments: Moment[] = [];
  let ms: number | undefined;
  let last = '';
  const end = (): void => {
    if (ms !== undefined) moments.push({ ms, tasks: [...tasks.values()], isQemu: tasks.get(pid)?.comm === 'qemu-system-x86', pid });
  };
  for (const line of lines.filter(one => !one.startsWith('#'))) {
    const [first, second, ppid, cpus, membership, ...comm] = line.split(' ');
    if (line.startsWith('\t')) memberships.set(last, `${memberships.get(last)!}${line.slice(1)}\n`);
    else if (first === 'membership') memberships.set((last = second!), '');
    else if (first === 'moment') {
      end();
      ms = Number(second);
    } else if (ppid === 'gone') tasks.delete(Number(second));
    else tasks.set(Number(second), { pid: Number(first), tid: Number(second), ppid: Number(ppid), cpus: cpus!, cgroup: memberships.get(membership!)!, comm: comm.join(' ') });
  }
  end();
  return moments;
}

/**
 * The host of a recorded start at each of its moments: the capture with these tasks in place of the machine's, and without
 * the cgroups in which none of them has been yet.
 * @param next with those that libvirt makes next as well: it makes a group before it moves the thread there
 */
export async function replay(name: (typeof STARTED_HOSTS)[number], { next }: { readonly next: boolean }): Promise<{ readonly moment: Moment; readonly raw: Changeable }[]> {
  const { model } = await modelOf(name);
  const serial = machine(model, 'serial');
  const cmdline = snapshot(name).files.get(`/proc/${serial.pid}/cmdline`)!;
  const moments = momentsOf(name);
  const been = new Set<string>();
  return moments.map((moment, i) => {
    for (const { cgroup } of moment.tasks) addDirectories(been, model, cgroup);
    const there = new Set(been);
    for (const cgroup of next ? nextOf(moments, i) : []) addDirectories(there, model, cgroup);
    const raw = snapshot(name, copy => {
      for (const files of [copy.files, copy.links, copy.errors]) for (const path of [...files.keys()]) if (path.startsWith(`/proc/${serial.pid}/`)) files.delete(path);
      for (const directory of [...copy.directories]) if (/qemu(\\x2d|-)1(\\x2d|-)serial/.test(directory) && !there.has(directory)) copy.directories.delete(directory);
      for (const task of moment.tasks) addTask(copy, task);
      for (const pid of new Set(moment.tasks.map(task => task.pid))) {
        const isQemu = pid === moment.pid && moment.isQemu;
        copy.links.set(`/proc/${pid}/exe`, isQemu ? '/usr/bin/qemu-system-x86_64' : '/usr/sbin/libvirtd');
        copy.files.set(`/proc/${pid}/cmdline`, isQemu ? cmdline : '/usr/sbin/libvirtd\0');
      }
    });
    return { moment, raw };
  });
}

function addTask(copy: Changeable, { pid, tid, ppid, cpus, cgroup, comm }: Task): void {
  const task = `/proc/${pid}/task/${tid}`;
  copy.files.set(`${task}/stat`, statText(tid, comm, { 4: ppid, 22: 1000 + tid }));
  copy.files.set(`${task}/cgroup`, cgroup);
  copy.files.set(`${task}/status`, `Cpus_allowed_list:\t${cpus}\n`);
}

/** Where the machine's leader is a moment later, or else where the first thread will be that libvirt has still to place. */
function nextOf(moments: readonly Moment[], i: number): readonly string[] {
  const [now, then, end] = [moments[i]!, moments[i + 1], moments.at(-1)!];
  const at = (moment: Moment, tid: number): string => moment.tasks.find(task => task.tid === tid)?.cgroup ?? '';
  if (then && at(now, now.pid) !== at(then, now.pid)) return [at(then, now.pid)];
  if (now.tasks.filter(({ comm }) => comm.startsWith('CPU')).length < end.tasks.filter(({ comm }) => comm.startsWith('CPU')).length) return []; // nor does it before QEMU answers
  const rank = ({ comm }: Task): string => `${comm.startsWith('CPU') ? 0 : 1}${comm}`;
  const first = now.tasks.filter(task => /^(CPU|IO iothread)/.test(task.comm) && task.cgroup !== at(end, task.tid)).sort((a, b) => (rank(a) < rank(b) ? -1 : 1))[0];
  return first ? [at(end, first.tid)] : [];
}

/** The directories of one membership, and all above. */
function addDirectories(into: Set<string>, model: HostModel, cgroup: string): void {
  for (const line of cgroup.trimEnd().split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line)!;
    const hierarchy = model.hierarchies.find(({ key }) => key === (controllers === '' ? '0::' : controllers));
    assert.ok(hierarchy, `the capture has no ${controllers}`);
    for (let at = hierarchy.cgroups.get(path!); at; at = at.parent) if (at.directory !== undefined) into.add(at.directory);
  }
}
