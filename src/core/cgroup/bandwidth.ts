import type { CpuBandwidth } from '../parse/cgroupValues';
import { accepted, refusal, refused, unless } from './answers';
import { reason } from './because';
import { effectsOf } from './cpuset';
import { parseSigned, parseUnsigned } from './kernelNumber';
import type { Outcome, Prediction } from './outcome';
import { type CgroupState, type World, parentOf } from './world';

const SHORTEST = 1000;
const LONGEST_PERIOD = 1_000_000;
/** max_cfs_runtime: 44 bits of microseconds. */
const MOST = 2 ** 44 - 1;
/** Where there is no quota it need only be so many nanoseconds. */
const LONGEST_BURST = 2 ** 64 / 1000;

/** v2 `cpu.max`: `QUOTA`, `max`, either with a period behind it. */
export function writeCpuMax(world: World, cgroup: CgroupState, file: string, value: string): Prediction {
  const match = /^\s*(\S+)(?:\s+(\d+))?/.exec(value);
  const bad = refused(world, 'EINVAL', reason('bad-value', { file, value }));
  if (!match || match[1]!.length > 20) return bad;
  const quota = /^\d+/.exec(match[1]!)?.[0]; // sscanf: what follows the digits is not looked at
  if (quota === undefined && match[1] !== 'max') return bad;
  const period = match[2] === undefined ? cgroup.bandwidth?.period : Number(match[2]);
  if (period === undefined) return notModelled(world, file);
  return setBandwidth(world, cgroup, { quota: quota === undefined ? 'max' : Number(quota), period }, cgroup.burst, { file, value });
}

/** v1 `cpu.cfs_quota_us`: any negative number is no quota. */
export function writeQuota(world: World, cgroup: CgroupState, file: string, value: string): Prediction {
  const quota = parseSigned(value);
  if (typeof quota === 'string') return refused(world, quota, reason('bad-value', { file, value }));
  if (!cgroup.bandwidth) return notModelled(world, file);
  return setBandwidth(world, cgroup, { quota: quota < 0n ? 'max' : Number(quota), period: cgroup.bandwidth.period }, cgroup.burst, { file, value });
}

export function writePeriod(world: World, cgroup: CgroupState, file: string, value: string): Prediction {
  const period = parseUnsigned(value);
  if (typeof period === 'string') return refused(world, period, reason('bad-value', { file, value }));
  if (!cgroup.bandwidth) return notModelled(world, file);
  return setBandwidth(world, cgroup, { quota: cgroup.bandwidth.quota, period: Number(period) }, cgroup.burst, { file, value });
}

export function writeBurst(world: World, cgroup: CgroupState, file: string, value: string): Prediction {
  const burst = parseUnsigned(value);
  if (typeof burst === 'string') return refused(world, burst, reason('bad-value', { file, value }));
  if (!cgroup.bandwidth) return notModelled(world, file);
  return setBandwidth(world, cgroup, cgroup.bandwidth, Number(burst), { file, value });
}

function notModelled(world: World, file: string): Prediction {
  return unless(accepted(world), refusal('EINVAL', reason('not-modelled', { file })));
}

/** kernel/sched/core.c: tg_set_cfs_bandwidth, __cfs_schedulable */
function setBandwidth(world: World, cgroup: CgroupState, bandwidth: CpuBandwidth, burst: number | undefined, written: { readonly file: string; readonly value: string }): Prediction {
  const { file, value } = written;
  const { quota, period } = bandwidth;
  if (cgroup.path === '/') return refused(world, 'EINVAL', reason('root-cgroup', { file }));
  const isOff = (us: number): boolean => us < SHORTEST || us > MOST;
  if (period < SHORTEST || period > LONGEST_PERIOD || (quota !== 'max' && isOff(quota))) return refused(world, 'EINVAL', reason('bandwidth-range', { file, value }));
  if (burst !== undefined && (burst > LONGEST_BURST || (quota !== 'max' && (burst > quota || burst + quota > MOST)))) return refused(world, 'EINVAL', reason('below-burst', { burst }));
  const possible = cgroup.version === 1 ? vetRatios(world, cgroup, bandwidth) : { possible: [] };
  if (possible.certain) return { outcomes: [possible.certain, ...possible.possible], after: world };
  const after = world.with({ cgroups: [{ ...cgroup, bandwidth, burst }] });
  return unless(accepted(after, effectsOf(world, after, cgroup.hierarchy, [cgroup.path], written)), ...possible.possible);
}

/** v1: nobody may have more, in proportion, than the one above who has a quota (tg_cfs_schedulable_down). */
function vetRatios(world: World, cgroup: CgroupState, bandwidth: CpuBandwidth): { readonly certain?: Outcome; readonly possible: readonly Outcome[] } {
  const own = ratio(bandwidth);
  const possible: Outcome[] = [];
  const above = limitAbove(world, cgroup);
  if (above === 'unknown') possible.push(refusal('EINVAL', reason('above-parent', { parent: '' })));
  else if (above && own !== undefined && own > above.ratio) return { certain: refusal('EINVAL', reason('above-parent', { parent: above.text })), possible: [] };
  const limit = own ?? (above === 'unknown' ? undefined : above?.ratio);
  if (limit === undefined) return { possible };
  const below = world.children(cgroup.hierarchy, cgroup.path).map(child => vetBelow(world, child, limit));
  const certain = below.find(one => one.certain)?.certain;
  if (certain) return { certain, possible: [] };
  const before = ratio(cgroup.bandwidth);
  const lowers = own !== undefined && (before === undefined || own < before);
  if (lowers && !cgroup.childrenKnown) possible.push(refusal('EINVAL', reason('children-unknown', { path: cgroup.path })));
  return { possible: [...possible, ...below.flatMap(one => one.possible)].slice(0, 1) };
}

function vetBelow(world: World, cgroup: CgroupState, limit: bigint): { readonly certain?: Outcome; readonly possible: readonly Outcome[] } {
  const { hierarchy, path, bandwidth } = cgroup;
  if (!bandwidth) return { possible: [refusal('EINVAL', reason('below-child', { child: path }))] };
  const own = ratio(bandwidth);
  if (own !== undefined) return own > limit ? { certain: refusal('EINVAL', reason('below-child', { child: path })), possible: [] } : { possible: [] }; // what is below it is below it still
  const below = world.children(hierarchy, path).map(child => vetBelow(world, child, limit));
  return { certain: below.find(one => one.certain)?.certain, possible: below.flatMap(one => one.possible) } as ReturnType<typeof vetBelow>;
}

/** The nearest above that has a quota. */
function limitAbove(world: World, cgroup: CgroupState): { readonly ratio: bigint; readonly text: string } | 'unknown' | undefined {
  for (let path = parentOf(cgroup.path); path !== undefined && path !== '/'; path = parentOf(path)) {
    const bandwidth = world.cgroup(cgroup.hierarchy, path)?.bandwidth;
    if (!bandwidth) return 'unknown';
    const own = ratio(bandwidth);
    if (own !== undefined) return { ratio: own, text: `${bandwidth.quota}/${bandwidth.period}` };
  }
  return undefined;
}

/** to_ratio: twenty bits behind the point, rounded down. `undefined`: no quota. */
function ratio(bandwidth: CpuBandwidth | undefined): bigint | undefined {
  return bandwidth === undefined || bandwidth.quota === 'max' ? undefined : (BigInt(bandwidth.quota) << 20n) / BigInt(bandwidth.period);
}
