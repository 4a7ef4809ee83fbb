import type { WriteValue } from './action';
import { accepted, refusal, refused, unless } from './answers';
import { writeBurst, writeCpuMax, writePeriod, writeQuota } from './bandwidth';
import { reason } from './because';
import { writeIdle, writeRtPeriod, writeRtRuntime, writeShares, writeWeight, writeWeightNice } from './cpuController';
import { effectsOf, writeSet } from './cpuset';
import { hasFile } from './files';
import { parseSigned } from './kernelNumber';
import type { Prediction } from './outcome';
import { writePartition } from './partition';
import { writeSubtreeControl } from './subtreeControl';
import { writeType } from './threadedType';
import { type CgroupState, type World, parentOf } from './world';

/** `value` as it reaches the kernel: without the newline that ends it. */
type Writer = (world: World, cgroup: CgroupState, file: string, value: string) => Prediction;

const V1: Readonly<Record<string, Writer>> = {
  'cpuset.cpus': writeSet,
  'cpuset.mems': writeSet,
  'cpu.shares': writeShares,
  'cpu.cfs_quota_us': writeQuota,
  'cpu.cfs_period_us': writePeriod,
  'cpu.cfs_burst_us': writeBurst,
  'cpu.idle': writeIdle,
  'cpu.rt_runtime_us': writeRtRuntime,
  'cpu.rt_period_us': writeRtPeriod,
  'pids.max': writePidsMax,
  'freezer.state': writeFreezerState,
};

const V2: Readonly<Record<string, Writer>> = {
  'cgroup.type': writeType,
  'cgroup.subtree_control': writeSubtreeControl,
  'cgroup.freeze': writeFreeze,
  'cpuset.cpus': writeSet,
  'cpuset.mems': writeSet,
  'cpuset.cpus.partition': writePartition,
  'cpu.max': writeCpuMax,
  'cpu.max.burst': writeBurst,
  'cpu.weight': writeWeight,
  'cpu.weight.nice': writeWeightNice,
  'cpu.idle': writeIdle,
  'pids.max': writePidsMax,
};

/** An interface file is written with a newline at its end, by root. */
export function predictWrite(world: World, { cgroup: { hierarchy, path }, file, value }: WriteValue): Prediction {
  if (world.exists(hierarchy, path) === false) return refused(world, 'ENOENT', reason('cgroup-gone', { path }));
  const cgroup = world.cgroup(hierarchy, path);
  if (!cgroup) return unless(accepted(world), refusal('ENOENT', reason('cgroup-unknown', { path })));
  const noFile = refusal('ENOENT', reason('no-such-file', { file, path }));
  const of = world.model.hierarchies.find(({ key }) => key === hierarchy);
  // What a partition reads after a write may not be known, but that the file is there is.
  const isThere = hasFile({ ...cgroup, partition: cgroup.partition ?? of?.cgroups.get(path)?.partition }, file, of?.controllers ?? []);
  if (isThere === false) return { outcomes: [noFile], after: world };
  const write = (cgroup.version === 1 ? V1 : V2)[file];
  if (!write) return unless(accepted(world), ...(['EINVAL', 'ERANGE'] as const).map(errno => refusal(errno, reason('not-modelled', { file }))), isThere === undefined ? noFile : undefined);
  return unless(write(world, cgroup, file, value), isThere === undefined ? noFile : undefined);
}

function set(world: World, cgroup: CgroupState, facts: Partial<CgroupState>, file: string, value: string): Prediction {
  const after = world.with({ cgroups: [{ ...cgroup, ...facts }] });
  return accepted(after, effectsOf(world, after, cgroup.hierarchy, [cgroup.path], { file, value }));
}

/** PID_MAX_LIMIT of a 64-bit kernel. */
const MOST_PIDS = 4_194_304n;

function writePidsMax(world: World, cgroup: CgroupState, file: string, value: string): Prediction {
  if (value.trim() === 'max') return set(world, cgroup, { pidsMax: 'max' }, file, value);
  const most = parseSigned(value.trim());
  if (typeof most === 'string') return refused(world, most, reason('bad-value', { file, value }));
  if (most < 0n || most > MOST_PIDS) return refused(world, 'EINVAL', reason('out-of-range', { file, value, least: 0, most: Number(MOST_PIDS) }));
  return set(world, cgroup, { pidsMax: Number(most) }, file, value);
}

/** v2: a cgroup's own wish; whether it is frozen in fact, those above decide too. */
function writeFreeze(world: World, cgroup: CgroupState, file: string, value: string): Prediction {
  const asked = parseSigned(value.trim());
  if (typeof asked === 'string') return refused(world, asked, reason('bad-value', { file, value }));
  if (asked < 0n || asked > 1n) return refused(world, 'ERANGE', reason('out-of-range', { file, value, least: 0, most: 1 }));
  return set(world, cgroup, { frozen: asked === 1n }, file, value);
}

/** v1: a cgroup is frozen by its own wish or with one above (Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst). */
function writeFreezerState(world: World, cgroup: CgroupState, file: string, value: string): Prediction {
  const word = value.trim();
  if (word !== 'FROZEN' && word !== 'THAWED') return refused(world, 'EINVAL', reason('bad-value', { file, value }));
  const above = world.cgroup(cgroup.hierarchy, parentOf(cgroup.path) ?? '/');
  const all: CgroupState[] = [withState({ ...cgroup, frozenItself: word === 'FROZEN' }, above)];
  for (const one of all) for (const child of world.children(one.hierarchy, one.path)) all.push(withState(child, one));
  const after = world.with({ cgroups: all });
  return accepted(after, effectsOf(world, after, cgroup.hierarchy, all.map(({ path }) => path), { file, value }));
}

function withState(cgroup: CgroupState, above: CgroupState | undefined): CgroupState {
  const isBelowFrozen = above?.path === '/' ? false : above?.frozen; // a root cannot be
  return { ...cgroup, frozen: cgroup.frozenItself === true || isBelowFrozen === true ? true : cgroup.frozenItself === false ? isBelowFrozen : undefined };
}
