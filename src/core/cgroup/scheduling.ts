import type { SetScheduling } from './action';
import { accepted, refusal, refused, unless } from './answers';
import { reason } from './because';
import type { Prediction } from './outcome';
import type { World } from './world';

/** sched_setscheduler(2), then setpriority(2): kernel/sched/syscalls.c, by root. */
export function predictScheduling(world: World, { task: { tid }, policy, priority, nice }: SetScheduling): Prediction {
  const isRealTime = policy === 'fifo' || policy === 'rr';
  if (!['other', 'fifo', 'rr', 'batch', 'idle'].includes(policy)) return refused(world, 'EINVAL', reason('bad-priority', { policy, priority }));
  const task = world.task(tid);
  if (!task) return unless(accepted(world), refusal('ESRCH', reason('task-unknown', { tid })));
  if (isRealTime ? priority < 1 || priority > 99 : priority !== 0) return refused(world, 'EINVAL', reason('bad-priority', { policy, priority }));
  const after = world.with({ tasks: [{ ...task, policy, rtPriority: priority, nice: isRealTime ? task.nice : Math.min(Math.max(nice, -20), 19) }] });
  if (!isRealTime) return accepted(after);
  const hierarchy = world.model.hierarchies.find(({ version, controllers }) => version === 1 && controllers.includes('cpu'))?.key;
  const path = hierarchy === undefined ? undefined : task.places.get(hierarchy);
  const group = hierarchy === undefined || path === undefined ? undefined : world.cgroup(hierarchy, path);
  // Without a limit of the host's own, groups are not looked at (rt_bandwidth_enabled).
  if (group?.rtRuntime === 0 && (world.model.rtRuntime ?? 0) >= 0) return refused(world, 'EPERM', reason('no-rt-runtime', { path: group.path, tid }));
  return accepted(after);
}
