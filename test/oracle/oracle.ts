import type { Action } from '../../src/core/cgroup/action';
import type { Prediction, WriteErrno } from '../../src/core/cgroup/outcome';
import { predict } from '../../src/core/cgroup/predict';
import { type World, worldOf } from '../../src/core/cgroup/world';
import { DEFAULT_QEMU_EXECUTABLES, HELPERS, MANAGERS } from '../../src/core/collect/script';
import { buildModel } from '../../src/core/model/buildModel';
import type { RawSnapshot } from '../../src/core/rawSnapshot';
import { visible } from '../../src/core/visible';
import { Agent } from './agent';
import { disagreements, observe, sizeOf } from './compare';
import { type Tree, generate } from './generate';
import { Random } from './random';

export interface OracleOptions {
  /** What runs `sh` on the host. */
  readonly shell: readonly string[];
  readonly operations: number;
  readonly seed: number;
  /** Name of our own cgroups. */
  readonly prefix: string;
  /** May turn cpu and cpuset on in v2's root, and off again at the end: that is no change of our own cgroups alone. */
  readonly enableControllers: boolean;
  readonly signal: AbortSignal;
  report(line: string): void;
}

export interface OracleResult {
  readonly operations: number;
  readonly disagreements: number;
  /** See `sizeOf`. */
  readonly meanSize: number;
  /** How many predictions left something open. */
  readonly open: number;
  /** By kind of action and answer; what came of a partition that was asked for is part of its answer. */
  readonly seen: ReadonlyMap<string, number>;
}

/** After so many operations everything of ours is made anew: `threaded` and the like have no way back. */
const EPISODE = 150;
const TREES: readonly string[] = ['cpu', 'cpuset', 'pids', 'freezer'];

/** Does random things with real cgroups and tasks of our own, and compares what the kernel answers with what was predicted. */
export async function runOracle(options: OracleOptions): Promise<OracleResult> {
  const { operations, seed, prefix, signal, report } = options;
  const agent = await Agent.start(options.shell, prefix);
  const random = new Random(seed);
  const seen = new Map<string, number>();
  let [wrong, total, open, done] = [0, 0, 0, 0];
  let enabled: { readonly directory: string; readonly names: readonly string[] } | undefined;
  try {
    for (const { mountPoint, version, controllers } of treesOf(await worldFrom(agent), prefix)) await agent.watch(mountPoint, version, controllers);
    const trees = treesOf(await worldFrom(agent), prefix); // what v2 has stands in its root, which was not read before
    if (options.enableControllers) enabled = await enable(agent, trees);
    let world = await beginEpisode(agent, random, trees);
    for (let inEpisode = 0; done < operations && !signal.aborted; done++, inEpisode++) {
      if (inEpisode === EPISODE) {
        await checkMemory(agent, world);
        [world, inEpisode] = [await beginEpisode(agent, random, trees), 0];
      }
      const action = generate(random, world, trees);
      const prediction = predict(world, action);
      const { errno, raw } = await agent.do(action);
      const now = await worldIn(raw);
      const size = sizeOf(prediction);
      total += size;
      if (size > 1) open++;
      const name = nameOf(action, errno, now);
      seen.set(name, (seen.get(name) ?? 0) + 1);
      const found = disagreements(world, action, prediction, errno, now);
      if (found.length > 0) {
        wrong++;
        if (wrong <= 20) report(caseOf(seed, done, world, action, prediction, errno, found));
      }
      world = now;
    }
    await checkMemory(agent, world);
  } finally {
    if (enabled) {
      await agent.endProcesses().catch(() => undefined);
      await clear(agent, prefix, enabled.directory);
      await agent.write(`${enabled.directory}/cgroup.subtree_control`, enabled.names.map(name => `-${name}`).join(' ')).catch(() => undefined);
    }
    await agent.end();
  }
  return { operations: done, disagreements: wrong, meanSize: done === 0 ? 0 : total / done, open, seen };
}

async function worldFrom(agent: Agent): Promise<World> {
  return worldIn(await agent.look());
}

async function worldIn(raw: RawSnapshot): Promise<World> {
  const { model } = await buildModel(raw, { id: 'oracle', label: 'oracle' }, { qemu: DEFAULT_QEMU_EXECUTABLES, managers: MANAGERS, helpers: HELPERS });
  return worldOf(model);
}

function nameOf(action: Action, errno: WriteErrno | undefined, now: World): string {
  const file = action.kind === 'write' || action.kind === 'move' ? ` ${action.file}` : '';
  const partition = action.kind === 'write' && action.file === 'cpuset.cpus.partition' && errno === undefined ? now.cgroup(action.cgroup.hierarchy, action.cgroup.path)?.partition : undefined;
  return `${action.kind}${file} ${errno ?? 'accepted'}${partition === undefined ? '' : `: ${partition}`}`;
}

/** All is read from nothing: what was told of it look by look must be the same. */
async function checkMemory(agent: Agent, world: World): Promise<void> {
  const fresh = await worldIn(await agent.lookAnew());
  const [told, read] = [observe(world), observe(fresh)].map(seen => [...seen].map(([key, value]) => `${key} = ${value}`)) as [string[], string[]];
  const different = [...told.filter(line => !read.includes(line)).map(line => `told ${line}`), ...read.filter(line => !told.includes(line)).map(line => `read ${line}`)];
  if (different.length > 0) throw new Error(`The oracle's agent missed a change:\n${different.map(visible).join('\n')}`);
}

function treesOf(world: World, prefix: string): Tree[] {
  return world.model.hierarchies.flatMap(({ key, version, mountPoint, mountRoot, controllers }): Tree[] => {
    if (mountPoint === undefined || mountRoot !== '/' || (version === 1 && !TREES.some(name => controllers.includes(name)))) return [];
    return [{ key, version, mountPoint, controllers, base: `/${prefix}` }];
  }).sort((a, b) => (a.key < b.key ? -1 : 1));
}

async function enable(agent: Agent, trees: readonly Tree[]): Promise<{ directory: string; names: readonly string[] } | undefined> {
  const v2 = trees.find(({ version }) => version === 2);
  if (!v2) return undefined;
  const [has, on] = [await agent.read(`${v2.mountPoint}/cgroup.controllers`), await agent.read(`${v2.mountPoint}/cgroup.subtree_control`)].map(text => text.trim().split(' ')) as [string[], string[]];
  const names = ['cpuset', 'cpu'].filter(name => has.includes(name) && !on.includes(name));
  if (names.length === 0) return undefined;
  await must(agent.write(`${v2.mountPoint}/cgroup.subtree_control`, names.map(name => `+${name}`).join(' ')), 'enabling controllers');
  return { directory: v2.mountPoint, names };
}

/** Everything anew: our own cgroup in each tree, a few below it, and processes in them. */
async function beginEpisode(agent: Agent, random: Random, trees: readonly Tree[]): Promise<World> {
  await agent.endProcesses();
  for (const tree of trees) {
    await clear(agent, agent.prefix, tree.mountPoint);
    const directory = tree.mountPoint + tree.base;
    await must(agent.makeDirectory(directory), `mkdir ${directory}`);
    if (tree.version === 1 && tree.controllers.includes('cpuset')) await fill(agent, tree.mountPoint, directory);
    if (tree.version === 1 && tree.controllers.includes('cpu') && (await agent.read(`${directory}/cpu.rt_runtime_us`)) !== '') await agent.write(`${directory}/cpu.rt_runtime_us`, '400000');
    if (tree.version === 2) {
      const own = (await agent.read(`${directory}/cgroup.controllers`)).trim();
      if (own !== '' && random.chance(0.8)) await agent.write(`${directory}/cgroup.subtree_control`, own.split(' ').filter(() => random.chance(0.7)).map(name => `+${name}`).join(' '));
    }
    for (const child of ['a', 'b'].slice(0, 1 + random.below(2))) {
      await must(agent.makeDirectory(`${directory}/${child}`), `mkdir ${child}`);
      if (tree.version === 1 && tree.controllers.includes('cpuset') && random.chance(0.7)) await fill(agent, directory, `${directory}/${child}`);
    }
  }
  for (let i = 0; i < 3; i++) {
    const pid = await agent.startProcess(1 + random.below(4));
    for (const tree of trees) await must(agent.write(`${tree.mountPoint}${tree.base}${tree.version === 2 ? '/a' : ''}/cgroup.procs`, String(pid)), `moving ${pid} into ${tree.key}`);
  }
  return worldFrom(agent);
}

async function fill(agent: Agent, from: string, to: string): Promise<void> {
  for (const file of ['cpuset.cpus', 'cpuset.mems']) await must(agent.write(`${to}/${file}`, (await agent.read(`${from}/${file}`)).trim()), `${file} of ${to}`);
}

async function must(done: Promise<WriteErrno | undefined>, what: string): Promise<void> {
  const errno = await done;
  if (errno !== undefined) throw new Error(`The oracle cannot begin: ${what}: ${errno}`);
}

/** Removes what an episode left in a tree. */
async function clear(agent: Agent, prefix: string, mountPoint: string): Promise<void> {
  const own = [...(await agent.look()).directories].filter(path => path === `${mountPoint}/${prefix}` || path.startsWith(`${mountPoint}/${prefix}/`)).sort((a, b) => b.length - a.length);
  for (const path of own) {
    for (let tries = 0; tries < 200; tries++) if ((await agent.removeDirectory(path)) !== 'EBUSY') break; // a process that was ended leaves a moment later
  }
}

function caseOf(seed: number, operation: number, world: World, action: Action, { outcomes }: Prediction, errno: WriteErrno | undefined, found: readonly string[]): string {
  const state = [...observe(world)].map(([key, value]) => `    ${key} = ${value}`);
  return [
    `✗ --seed ${seed}, operation ${operation}: ${JSON.stringify(action)}`,
    `  predicted ${JSON.stringify(outcomes)}`,
    `  answer    ${errno ?? 'accepted'}`,
    ...found.map(line => `  ${line}`),
    `  before, kernel ${world.model.kernel}:`,
    ...state,
  ].map(visible).join('\n');
}
