import { taskFlags } from '../parse/taskStat';
import type { MoveTask } from './action';
import { type Confinement, confine, cpusetHierarchy, cpusetOf, effectiveOf, granted } from './affinity';
import { type Verdict, accepted, refusal, refused, unless } from './answers';
import { reason } from './because';
import type { Outcome, Prediction } from './outcome';
import { repopulate, retype } from './threaded';
import { vetMoveV2 } from './v2';
import type { CgroupState, TaskState, World } from './world';

/** A TID written to `tasks`, `cgroup.threads` or `cgroup.procs`, by root. The order of the checks is the kernel's (kernel-rules §3). */
export function predictMove(world: World, action: MoveTask): Prediction {
  const { hierarchy, path } = action.to;
  const { tid, pid, comm } = action.task;
  const isThere = world.exists(hierarchy, path);
  if (isThere === false) return refused(world, 'ENOENT', reason('cgroup-gone', { path }));
  const target = world.cgroup(hierarchy, path);
  if (target && !fileIsThere(target, action.file)) return refused(world, 'ENOENT', reason('no-such-file', { file: action.file, path }));
  if (tid === 2) return refused(world, 'EINVAL', reason('kthreadd', {}));
  const task = world.task(tid);
  if (!task) return unless(accepted(world), refusal('ESRCH', reason('task-unknown', { tid })));
  const wholeProcess = action.file === 'cgroup.procs';
  if (!target) {
    // Where it is then is known all the same, but not what it is granted there.
    const there = (wholeProcess ? world.process(pid) : [task]).map(one => ({ ...one, places: new Map([...one.places, [hierarchy, path]]), ...(cpusetHierarchy(world) === hierarchy ? { allowed: undefined } : {}) }));
    return unless(accepted(world.with({ tasks: there })), refusal('ENOENT', reason('cgroup-unknown', { path })));
  }
  const leader = wholeProcess ? (world.task(pid) ?? task) : task;
  if ((leader.flags & taskFlags.noSetAffinity) !== 0) return refused(world, 'EINVAL', reason('task-immovable', { tid: leader.tid, comm }));
  const structure: Verdict = target.version === 2 ? vetMoveV2(world, task, target, wholeProcess) : { possible: [] };
  if (structure.certain) return { outcomes: [structure.certain, ...structure.possible], after: world };
  const movers = (wholeProcess ? world.process(pid) : [task]).filter(one => one.places.get(hierarchy) !== path);
  if (movers.length === 0) return unless(accepted(world), ...structure.possible);
  const controllers = vetControllers(world, movers, target);
  if (controllers.certain) return { outcomes: [controllers.certain, ...structure.possible], after: world };
  return unless(moved(world, movers, target), ...structure.possible, ...controllers.possible);
}

function fileIsThere({ version, type, path }: CgroupState, file: MoveTask['file']): boolean {
  if (version === 1) return file !== 'cgroup.threads';
  return file === 'cgroup.procs' || (file === 'cgroup.threads' && (type !== undefined || path === '/'));
}

/** cpuset_can_attach, cpu_cgroup_can_attach */
function vetControllers(world: World, movers: readonly TaskState[], target: CgroupState): Verdict {
  const { hierarchy, path, version } = target;
  const possible: Outcome[] = [];
  if (cpusetHierarchy(world) === hierarchy) {
    const cpuset = cpusetOf(world, hierarchy, path);
    const comes = movers.some(task => cpusetOf(world, hierarchy, task.places.get(hierarchy) ?? '/')?.path !== cpuset?.path);
    const cpus = cpuset && effectiveOf(cpuset);
    if (comes && version === 1) {
      if (cpus?.isEmpty === true) return { certain: refusal('ENOSPC', reason('no-cpus', { path })), possible };
      if (cpuset?.mems?.isEmpty === true) return { certain: refusal('ENOSPC', reason('no-mems', { path })), possible };
      if (cpus === undefined || cpuset?.mems === undefined) possible.push(refusal('ENOSPC', reason('no-cpus', { path })));
    } else if (comes && cpus?.isEmpty === true) return { certain: refusal('ENOSPC', reason('cpus-given-away', { path })), possible };
  }
  const realTime = movers.find(({ policy }) => policy === 'fifo' || policy === 'rr');
  if (realTime && world.model.controllers.get('cpu') === `v${version}`) {
    const refusedRt = refusal('EINVAL', reason('no-rt-runtime', { path, tid: realTime.tid }));
    if (version === 1 && target.rtRuntime === 0) return { certain: refusedRt, possible };
    // v2 has no file that tells whether the kernel has groups of real-time tasks.
    if (version === 2 && path !== '/' && target.bandwidth !== undefined) possible.push(refusedRt);
  }
  return { possible };
}

function moved(world: World, movers: readonly TaskState[], target: CgroupState): Prediction {
  const { hierarchy, path } = target;
  const sources = [...new Set(movers.map(task => task.places.get(hierarchy)).filter(source => source !== undefined))];
  const placed = movers.map(task => ({ ...task, places: new Map([...task.places, [hierarchy, path]]) }));
  const confinements = confinementsOf(world, placed, movers, target);
  const withOthers = (isAlone: boolean): ReturnType<typeof retype> => retype(repopulate(world.with({ tasks: placed }), hierarchy, path, sources, isAlone), hierarchy, [path, ...sources]);
  const [alone, among] = [withOthers(true), withOthers(false)];
  const answer = ({ world: after, effects }: ReturnType<typeof retype>): Prediction => {
    const type = effects[0]?.kind === 'type' ? reason('type-changes', { path: effects[0].path, type: effects[0].type }) : undefined;
    return confine(after, confinements, effects, type);
  };
  if (alone.effects.length === among.effects.length) return answer(among);
  // Whether others are left behind is not known, so neither is what those cgroups are then.
  const open = alone.effects.flatMap(effect => (effect.kind === 'type' ? (among.world.cgroup(hierarchy, effect.path) ?? []) : []));
  const { outcomes, after } = answer(among);
  return { outcomes: [...answer(alone).outcomes, ...outcomes], after: after.with({ cgroups: open.map(cgroup => ({ ...cgroup, type: undefined })) }) };
}

/** Of those that come into another cpuset, what it lets them have. */
function confinementsOf(world: World, placed: readonly TaskState[], movers: readonly TaskState[], target: CgroupState): Confinement[] {
  const { hierarchy, path, version } = target;
  if (cpusetHierarchy(world) !== hierarchy) return [];
  const cpuset = cpusetOf(world, hierarchy, path);
  const set = granted(world, cpuset);
  if (!set) return [];
  const { leavesEqualCpusets } = world.kernel;
  const from = movers.map(task => cpusetOf(world, hierarchy, task.places.get(hierarchy) ?? '/'));
  const cpus = cpuset && effectiveOf(cpuset); // not known where the file could not be read
  const isEqual = (source: CgroupState | undefined): boolean =>
    source !== undefined && cpuset !== undefined && cpus !== undefined && effectiveOf(source)?.equals(cpus) === true && source.memsEffective?.toString() === cpuset.memsEffective?.toString();
  const comers = placed.map((task, i) => ({ task, from: from[i] })).filter(one => one.from?.path !== cpuset?.path || cpuset === undefined);
  const equal = comers.filter(one => isEqual(one.from)).length;
  if (version === 1 || leavesEqualCpusets === false || equal === 0) return comers.map(({ task, from: source }) => ({ task, set, from: granted(world, source) }));
  if (leavesEqualCpusets === true && equal === comers.length) return [];
  // The kernel looks at the first task alone, whichever that is (cpuset_attach: oldcs).
  return comers.map(({ task, from: source }) => ({ task, set, from: granted(world, source), perhaps: true }));
}
