import type { Action, CgroupRef, TaskRef } from '../../src/core/cgroup/action';
import { type CgroupState, type TaskState, type World } from '../../src/core/cgroup/world';
import type { Random } from './random';

/** A hierarchy that the oracle works in, and our own cgroup in it, below which all happens. */
export interface Tree {
  readonly key: string;
  readonly version: 1 | 2;
  readonly mountPoint: string;
  readonly controllers: readonly string[];
  readonly base: string;
}

const MOST_CGROUPS = 10;
const DEEPEST = 4;

/** One action, sensible or not, on our own tasks and cgroups. */
export function generate(random: Random, world: World, trees: readonly Tree[]): Action {
  return random.choose<() => Action>([
    [26, () => move(random, world, trees)],
    [13, () => affinity(random, world)],
    [5, () => scheduling(random, world)],
    [9, () => make(random, world, random.pick(trees))],
    [4, () => remove(random, world, random.pick(trees))],
    [43, () => write(random, world, random.pick(trees))],
  ])();
}

function ownTasks(world: World): TaskState[] {
  return world.model.machines.flatMap(({ threads }) => threads.flatMap(({ tid }) => world.task(tid) ?? []));
}

function ownCgroups(world: World, tree: Tree): CgroupState[] {
  const found = [world.cgroup(tree.key, tree.base)!];
  for (const one of found) found.push(...world.children(tree.key, one.path));
  return found;
}

function refOf(tree: Tree, path: string): CgroupRef {
  return { hierarchy: tree.key, path, directory: path === '/' ? tree.mountPoint : tree.mountPoint + path };
}

function task(random: Random, world: World): TaskRef {
  const { tid, pid, startTime, comm } = random.pick(ownTasks(world));
  if (random.chance(0.01)) return { tid: 2, pid: 2, startTime: 0, comm: 'kthreadd' };
  if (random.chance(0.004)) return { tid: 4_000_000, pid: 4_000_000, startTime: 0, comm: 'nobody' };
  return { tid, pid, startTime, comm };
}

/** Mostly one of ours; now and then the root, or one that is not there. */
function somewhere(random: Random, world: World, tree: Tree): CgroupRef {
  const own = refOf(tree, random.pick(ownCgroups(world, tree)).path);
  return random.choose([[93, own], [5, refOf(tree, '/')], [2, refOf(tree, `${tree.base}/nowhere`)]]);
}

function move(random: Random, world: World, trees: readonly Tree[]): Action {
  const tree = random.pick(trees);
  const moved = task(random, world);
  const file = random.chance(0.25) ? 'cgroup.procs' : tree.version === 1 ? 'tasks' : 'cgroup.threads';
  return { kind: 'move', task: moved, from: world.task(moved.tid)?.places.get(tree.key) ?? '/', to: somewhere(random, world, tree), file };
}

function affinity(random: Random, world: World): Action {
  const target = task(random, world);
  const last = world.model.topology.possible?.ranges.at(-1)?.[1] ?? 0;
  const some = Array.from({ length: last + 1 }, (_, cpu) => cpu).filter(() => random.chance(0.5)).join(',');
  const cpus = random.choose([[4, String(random.below(last + 1))], [3, `0-${last}`], [2, some], [1, `0-${last + 5}`], [1, String(last + 1)], [1, '']]);
  return { kind: 'affinity', task: target.tid === 2 ? task(random, world) : target, cpus };
}

function scheduling(random: Random, world: World): Action {
  const target = random.pick(ownTasks(world));
  const policy = random.choose([[6, 'other'], [3, 'fifo'], [2, 'rr'], [3, 'batch'], [2, 'idle']] as const);
  const isRealTime = policy === 'fifo' || policy === 'rr';
  const priority = random.chance(0.1) ? random.pick([0, 5, 100, -1]) : isRealTime ? 1 + random.below(99) : 0;
  return { kind: 'scheduling', task: target, policy, priority, nice: random.below(44) - 22 };
}

function make(random: Random, world: World, tree: Tree): Action {
  const own = ownCgroups(world, tree);
  const parent = random.pick(own);
  const odd = random.choose([[90, ''], [3, 'newline'], [3, 'there'], [3, 'orphan']]);
  if (odd === 'newline') return { kind: 'make', cgroup: refOf(tree, `${parent.path}/a\nb`) };
  if (odd === 'there' || own.length >= MOST_CGROUPS) return { kind: 'make', cgroup: refOf(tree, random.pick(own).path) };
  if (odd === 'orphan') return { kind: 'make', cgroup: refOf(tree, `${tree.base}/nowhere/child`) };
  const name = random.pick(['a', 'b', 'c', 'machine-qemu\\x2d1', 'ü $(x) `y`', '-n', "it's"]);
  const path = parent.path.split('/').length - 1 < DEEPEST ? `${parent.path}/${name}` : `${tree.base}/${name}`;
  return { kind: 'make', cgroup: refOf(tree, path) };
}

function remove(random: Random, world: World, tree: Tree): Action {
  const own = ownCgroups(world, tree).slice(1);
  const target = own.length === 0 || random.chance(0.05) ? refOf(tree, `${tree.base}/nowhere`) : refOf(tree, random.pick(own).path);
  return { kind: 'remove', cgroup: target };
}

function write(random: Random, world: World, tree: Tree): Action {
  const candidates = FILES.filter(({ version, controller }) => version === tree.version && (controller === 'cgroup' || tree.controllers.includes(controller)));
  if (candidates.length === 0) return move(random, world, [tree]);
  const { file, values, controller } = random.choose(candidates.map(one => [one.weight, one] as const));
  const all = ownCgroups(world, tree);
  const having = all.filter(({ controllers }) => controllers?.includes(controller)); // v2: elsewhere there is no such file
  const own = having.length > 0 && random.chance(0.9) ? having : all;
  const path = random.chance(0.97) ? random.pick(own.length > 1 && random.chance(0.9) ? own.slice(1) : own).path : '/';
  // The root's own values are everybody's: it is only ever asked for what it refuses.
  const isRefused = !['cgroup.subtree_control', 'cpu.rt_runtime_us', 'cpu.rt_period_us'].includes(file);
  const value = values(random, world);
  // A partition takes CPUs from all of the host; below a cgroup that is none it does not.
  const isPartition = file === 'cpuset.cpus.partition' && path === tree.base;
  return { kind: 'write', cgroup: refOf(tree, path === '/' && !isRefused ? tree.base : path), file, value: isPartition ? 'member' : value };
}

type Values = (random: Random, world: World) => string;

const cpus: Values = (random, world) => {
  const last = world.model.topology.possible?.ranges.at(-1)?.[1] ?? 0;
  const one = (): number => random.below(last + 1);
  return random.choose([
    [24, `0-${last}`], [12, String(one())], [4, `${one()},${one()}`], [2, ''], [1, 'all'], [1, `0-${last}:1/2`], [1, ' 0 , 1 '], [1, 'N'], [1, String(last + 1)], [1, '0-9999'], [1, 'abc'], [1, '1-0'], [1, '0-'], [1, '-1'], [1, '0,x'],
  ]);
};
const mems: Values = random => random.choose([[14, '0'], [1, ''], [1, '1'], [1, '0-1'], [1, 'x'], [1, '5000']]);
const quota: Values = random => random.choose([[3, '-1'], [12, String(1000 * (1 + random.below(400)))], [1, '999'], [1, '0'], [1, '-7'], [1, 'abc'], [1, '17592186044416'], [1, '999999999999999999999'], [1, '0x4e20']]);
const period: Values = random => random.choose([[12, String(1000 * (1 + random.below(300)))], [3, '100000'], [1, '999'], [1, '1000001'], [1, '0'], [1, '-1'], [1, '']]);
const burst: Values = random => random.choose([[3, '0'], [5, String(1000 * random.below(200))], [1, '-1'], [1, 'x'], [1, '99999999999999']]);
const idle: Values = random => random.choose([[4, '0'], [3, '1'], [1, '2'], [1, '-1'], [1, '']]);
const pidsMax: Values = random => random.choose([[3, 'max'], [6, String(100 + random.below(30_000))], [1, '0x100'], [1, '-1'], [1, '4194304'], [1, '4194305'], [1, 'many']]);
const RT = ['0', '0', '1000', '20000', '100000', '400000', '950000', '-1', '1000000', '2000000', 'x'];

interface Writable {
  readonly version: 1 | 2;
  readonly controller: string;
  readonly file: string;
  readonly weight: number;
  readonly values: Values;
}

const FILES: readonly Writable[] = [
  { version: 1, controller: 'cpuset', file: 'cpuset.cpus', weight: 8, values: cpus },
  { version: 1, controller: 'cpuset', file: 'cpuset.mems', weight: 5, values: mems },
  { version: 1, controller: 'cpu', file: 'cpu.cfs_quota_us', weight: 5, values: quota },
  { version: 1, controller: 'cpu', file: 'cpu.cfs_period_us', weight: 4, values: period },
  { version: 1, controller: 'cpu', file: 'cpu.cfs_burst_us', weight: 1, values: burst },
  { version: 1, controller: 'cpu', file: 'cpu.shares', weight: 3, values: random => random.pick(['0', '1', '2', '512', '1024', '262144', '9999999', '-1', 'x', '077', '18446744073709551616', ' 5']) },
  { version: 1, controller: 'cpu', file: 'cpu.idle', weight: 1, values: idle },
  { version: 1, controller: 'cpu', file: 'cpu.rt_runtime_us', weight: 3, values: random => random.pick(RT) },
  { version: 1, controller: 'cpu', file: 'cpu.rt_period_us', weight: 1, values: random => random.pick(['0', '1000', '100000', '1000000', '2000000', '-1']) },
  { version: 1, controller: 'pids', file: 'pids.max', weight: 4, values: pidsMax },
  { version: 1, controller: 'freezer', file: 'freezer.state', weight: 2, values: random => random.pick(['FROZEN', 'THAWED', 'THAWED', 'frozen', '']) },
  { version: 2, controller: 'cgroup', file: 'cgroup.type', weight: 5, values: random => random.choose([[12, 'threaded'], [1, 'domain'], [1, 'x']]) },
  {
    version: 2,
    controller: 'cgroup',
    file: 'cgroup.subtree_control',
    weight: 8,
    values: (random, world) => {
      const names = world.model.hierarchies.find(({ version }) => version === 2)?.controllers ?? [];
      const word = (): string => `${random.pick(['+', '+', '-'])}${random.choose([[30, random.pick([...names, 'cpu', 'cpuset'])], [1, 'bogus'], [1, 'freezer']])}`;
      return random.choose([[20, word()], [6, `${word()} ${word()}`], [1, 'cpu'], [1, ''], [1, `${word()} bogus`]]);
    },
  },
  { version: 2, controller: 'cgroup', file: 'cgroup.freeze', weight: 1, values: random => random.pick(['0', '0', '1', '2', 'x']) },
  { version: 2, controller: 'cpuset', file: 'cpuset.cpus', weight: 8, values: cpus },
  { version: 2, controller: 'cpuset', file: 'cpuset.mems', weight: 2, values: mems },
  { version: 2, controller: 'cpuset', file: 'cpuset.cpus.partition', weight: 0.6, values: random => random.pick(['member', 'root', 'isolated', 'x', 'Root']) },
  {
    version: 2,
    controller: 'cpu',
    file: 'cpu.max',
    weight: 4,
    values: random => random.choose([[4, 'max'], [6, `${1000 * (1 + random.below(400))} ${1000 * (1 + random.below(300))}`], [3, String(1000 * (1 + random.below(300)))], [1, 'max 50000'], [1, 'max 500'], [1, '500 100000'], [1, '-1'], [1, 'abc'], [1, '5000 x'], [1, '2000x 9000'], [1, '10000 2000000'], [1, '']]),
  },
  { version: 2, controller: 'cpu', file: 'cpu.max.burst', weight: 1, values: burst },
  { version: 2, controller: 'cpu', file: 'cpu.weight', weight: 2, values: random => random.pick(['1', '100', '200', '10000', '0', '10001', '-1', 'x', '0x64', '']) },
  { version: 2, controller: 'cpu', file: 'cpu.weight.nice', weight: 2, values: random => random.pick(['0', '-20', '19', '5', '-21', '20', 'x', '']) },
  { version: 2, controller: 'cpu', file: 'cpu.idle', weight: 1, values: idle },
  { version: 2, controller: 'pids', file: 'pids.max', weight: 2, values: pidsMax },
];
