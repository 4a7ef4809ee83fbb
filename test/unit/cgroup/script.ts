import assert from 'node:assert/strict';
import type { Action, CgroupRef } from '../../../src/core/cgroup/action';
import { textsOf } from '../../../src/core/cgroup/files';
import type { Prediction } from '../../../src/core/cgroup/outcome';
import { predict } from '../../../src/core/cgroup/predict';
import type { World } from '../../../src/core/cgroup/world';
import type { SchedulingPolicy } from '../../../src/core/parse/taskStat';
import { mountOf } from './smallHost';

/**
 * Plays a record of what a kernel answered, a line a step, each predicted from the world that the one before left:
 *
 *     mkdir HIERARCHY PATH [= ERRNO]            rmdir …
 *     HIERARCHY PATH/FILE <- VALUE [= ERRNO]    a TID in `tasks`, `cgroup.threads`, `cgroup.procs` is a move
 *     pin TID CPUS [= ERRNO]                    policy TID fifo 5 [= ERRNO]
 *     allowed TID CPUS                          what must be so now; `?` at its end: it is open
 *     HIERARCHY PATH/FILE reads VALUE
 *
 * `= ERRNO|OK` where both are possible, in any order.
 */
export function play(world: World, record: string): World {
  for (const line of record.split('\n').map(one => one.replace(/ *#.*/, '').trim()).filter(one => one !== '')) {
    const state = /^allowed (\d+) (\S+)$/.exec(line);
    if (state) {
      const allowed = world.task(Number(state[1]))?.allowed;
      assert.equal(`${allowed?.[0]}${allowed?.length === 1 ? '' : '?'}`, state[2], line);
      continue;
    }
    const reads = /^(\S+) (\S*)\/(\S+) reads(?: (.*))?$/.exec(line);
    if (reads) {
      const cgroup = world.cgroup(reads[1]!, reads[2] === '' ? '/' : reads[2]!);
      assert.ok(cgroup, line);
      assert.equal(reads[3] === 'cgroup.type' ? cgroup.type : textsOf(cgroup)[reads[3]!], reads[4] ?? '', line);
      continue;
    }
    const [what, answer] = line.split(/ += */) as [string, string | undefined];
    const prediction = predict(world, actionOf(world, what.trim()));
    assert.deepEqual(answersOf(prediction), (answer ?? 'OK').split('|').sort(), line);
    world = prediction.after;
  }
  return world;
}

export function answersOf({ outcomes }: Prediction): string[] {
  return outcomes.map(({ errno }) => errno ?? 'OK').sort();
}

export function refOf(hierarchy: string, path: string): CgroupRef {
  return { hierarchy, path, directory: mountOf(hierarchy) + (path === '/' ? '' : path) };
}

export function actionOf(world: World, line: string): Action {
  const tree = /^(mkdir|rmdir) (\S+) (.+)$/.exec(line);
  if (tree) return { kind: tree[1] === 'mkdir' ? 'make' : 'remove', cgroup: refOf(tree[2]!, tree[3]!) };
  const task = (tid: number): { tid: number; pid: number; startTime: number; comm: string } => world.task(tid) ?? { tid, pid: tid, startTime: 0, comm: '' };
  const pin = /^pin (\d+)(?: (.*))?$/.exec(line);
  if (pin) return { kind: 'affinity', task: task(Number(pin[1])), cpus: pin[2] ?? '' };
  const policy = /^policy (\d+) (\w+) (-?\d+)$/.exec(line);
  if (policy) return { kind: 'scheduling', task: task(Number(policy[1])), policy: policy[2] as SchedulingPolicy, priority: Number(policy[3]), nice: 0 };
  const write = /^(\S+) (\S*)\/(\S+) <-(?: (.*))?$/.exec(line);
  assert.ok(write, `not understood: ${line}`);
  const [, hierarchy, path, file, value = ''] = write as unknown as [string, string, string, string, string?];
  const to = refOf(hierarchy, path === '' ? '/' : path);
  if (file !== 'tasks' && file !== 'cgroup.threads' && file !== 'cgroup.procs') return { kind: 'write', cgroup: to, file, value };
  return { kind: 'move', task: task(Number(value)), from: world.task(Number(value))?.places.get(hierarchy) ?? '/', to, file };
}
