import { accepted, refusal, refused, unless } from './answers';
import { reason } from './because';
import { effectsOf } from './cpuset';
import { parseSigned, parseUnsigned } from './kernelNumber';
import type { Outcome, Prediction } from './outcome';
import { type CgroupState, type World, parentOf } from './world';

const FEWEST_SHARES = 2;
const MOST_SHARES = 1 << 18;
/** Shares of a cgroup that is idle, and of one that is so no more. */
const IDLE_SHARES = 3;
const NORMAL_SHARES = 1024;
/** sched_prio_to_weight: nice −20 to 19 as shares (kernel/sched/core.c). */
const NICE_SHARES: readonly number[] = [
  88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916, 9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991, 1586, 1277,
  1024, 820, 655, 526, 423, 335, 272, 215, 172, 137, 110, 87, 70, 56, 45, 36, 29, 23, 18, 15,
];

/** What the cgroup is after an accepted write, and what can be read of it. */
function set(world: World, cgroup: CgroupState, facts: Partial<CgroupState>, written: { readonly file: string; readonly value: string }, because?: ReturnType<typeof reason>): Prediction {
  const after = world.with({ cgroups: [{ ...cgroup, ...facts }] });
  return accepted(after, effectsOf(world, after, cgroup.hierarchy, [cgroup.path], written), because);
}

/** v1: clamped without a word (sched_group_set_shares). */
export function writeShares(world: World, cgroup: CgroupState, file: string, value: string): Prediction {
  const asked = parseUnsigned(value);
  if (typeof asked === 'string') return refused(world, asked, reason('bad-value', { file, value }));
  if (cgroup.path === '/') return refused(world, 'EINVAL', reason('root-cgroup', { file }));
  if (cgroup.idle === true) return refused(world, 'EINVAL', reason('idle-group', { path: cgroup.path }));
  const shares = Math.min(Math.max(Number(asked), FEWEST_SHARES), MOST_SHARES);
  return set(world, cgroup, { shares }, { file, value }, BigInt(shares) === asked ? undefined : reason('clamped', { value, becomes: shares }));
}

/** v2: 1 to 10000 (cpu_weight_write_u64). */
export function writeWeight(world: World, cgroup: CgroupState, file: string, value: string): Prediction {
  const weight = parseUnsigned(value);
  if (typeof weight === 'string') return refused(world, weight, reason('bad-value', { file, value }));
  if (weight < 1n || weight > 10_000n) return refused(world, 'ERANGE', reason('out-of-range', { file, value, least: 1, most: 10_000 }));
  if (cgroup.idle === true) return refused(world, 'EINVAL', reason('idle-group', { path: cgroup.path }));
  return set(world, cgroup, { weight: Number(weight) }, { file, value });
}

export function writeWeightNice(world: World, cgroup: CgroupState, file: string, value: string): Prediction {
  const nice = parseSigned(value);
  if (typeof nice === 'string') return refused(world, nice, reason('bad-value', { file, value }));
  if (nice < -20n || nice > 19n) return refused(world, 'ERANGE', reason('out-of-range', { file, value, least: -20, most: 19 }));
  if (cgroup.idle === true) return refused(world, 'EINVAL', reason('idle-group', { path: cgroup.path }));
  return set(world, cgroup, { weight: weightOf(NICE_SHARES[Number(nice) + 20]!) }, { file, value });
}

/** Shares as `cpu.weight` shows them. */
function weightOf(shares: number): number {
  return Math.floor((shares * 100 + 512) / 1024);
}

/** sched_group_set_idle: the weight is another while it is 1, and the common one after that. */
export function writeIdle(world: World, cgroup: CgroupState, file: string, value: string): Prediction {
  const asked = parseSigned(value);
  if (typeof asked === 'string') return refused(world, asked, reason('bad-value', { file, value }));
  if (cgroup.path === '/') return refused(world, 'EINVAL', reason('root-cgroup', { file }));
  if (asked < 0n || asked > 1n) return refused(world, 'EINVAL', reason('out-of-range', { file, value, least: 0, most: 1 }));
  const idle = asked === 1n;
  if (cgroup.idle === idle) return accepted(world);
  const shares = idle ? IDLE_SHARES : NORMAL_SHARES;
  return set(world, cgroup, cgroup.version === 1 ? { idle, shares } : { idle, weight: weightOf(shares) }, { file, value });
}

/** Where the kernel has groups of real-time tasks: kernel/sched/rt.c, tg_set_rt_bandwidth. */
export function writeRtRuntime(world: World, cgroup: CgroupState, file: string, value: string): Prediction {
  const asked = parseSigned(value);
  if (typeof asked === 'string') return refused(world, asked, reason('bad-value', { file, value }));
  const runtime = asked < 0n ? -1 : Number(asked);
  return setRt(world, cgroup, runtime, cgroup.rtPeriod, { file, value });
}

export function writeRtPeriod(world: World, cgroup: CgroupState, file: string, value: string): Prediction {
  const asked = parseUnsigned(value);
  if (typeof asked === 'string') return refused(world, asked, reason('bad-value', { file, value }));
  if (asked > ((1n << 64n) - 1n) / 1000n) return refused(world, 'EINVAL', reason('rt-too-much', { file, value }));
  return setRt(world, cgroup, cgroup.rtRuntime, Number(asked), { file, value });
}

/** The period of the host's own limit: /proc/sys/kernel/sched_rt_period_us, which hardly anybody changes. */
const HOST_RT_PERIOD = 1_000_000;

function setRt(world: World, cgroup: CgroupState, runtime: number | undefined, period: number | undefined, written: { readonly file: string; readonly value: string }): Prediction {
  const { file, value } = written;
  const { hierarchy, path } = cgroup;
  const host = world.model.rtRuntime;
  const tooMuch = refusal('EINVAL', reason('rt-too-much', { file, value }));
  if (runtime === undefined || period === undefined || host === undefined) return unless(accepted(world), tooMuch);
  if (path === '/') return runtime === 0 ? refused(world, 'EINVAL', reason('root-cgroup', { file })) : unless(accepted(world), tooMuch);
  if (period === 0 || runtime > 2 ** 44 - 1 || (runtime > period && runtime >= 0)) return { outcomes: [tooMuch], after: world };
  const possible: Outcome[] = [];
  const insides = world.tasksIn(hierarchy, path).filter(({ policy }) => policy === 'fifo' || policy === 'rr');
  if (host >= 0 && runtime === 0) {
    const inside = refusal('EBUSY', reason('rt-tasks-inside', { path }));
    if (insides.length > 0) return { outcomes: [inside], after: world };
    if (!cgroup.made && cgroup.rtRuntime !== 0) possible.push(inside);
  }
  const share = rtShare(runtime, period);
  if (share > rtShare(host, HOST_RT_PERIOD)) return { outcomes: [tooMuch], after: world };
  const own = world.children(hierarchy, path).map(child => rtShare(child.rtRuntime ?? 0, child.rtPeriod ?? HOST_RT_PERIOD));
  if (sum(own) > share) return { outcomes: [refusal('EINVAL', reason('rt-children', { path })), ...possible], after: world };
  if (!cgroup.childrenKnown && share < rtShare(cgroup.rtRuntime ?? 0, cgroup.rtPeriod ?? period)) possible.push(refusal('EINVAL', reason('rt-children', { path })));
  const parent = world.cgroup(hierarchy, parentOf(path) ?? '/');
  const all = parent ? world.children(hierarchy, parent.path).map(child => (child.path === path ? share : rtShare(child.rtRuntime ?? 0, child.rtPeriod ?? HOST_RT_PERIOD))) : [];
  if (parent?.rtRuntime !== undefined && parent.rtPeriod !== undefined && sum(all) > rtShare(parent.rtRuntime, parent.rtPeriod)) return { outcomes: [tooMuch, ...possible], after: world };
  const grows = share > rtShare(cgroup.rtRuntime ?? 0, cgroup.rtPeriod ?? period);
  if (!parent || parent.rtRuntime === undefined || (grows && !parent.childrenKnown)) possible.push(tooMuch);
  return unless(set(world, cgroup, { rtRuntime: runtime, rtPeriod: period }, written), ...possible);
}

/** to_ratio; −1: all there is. */
function rtShare(runtime: number, period: number): bigint {
  return runtime < 0 ? 1n << 20n : (BigInt(runtime) << 20n) / BigInt(period);
}

function sum(shares: readonly bigint[]): bigint {
  return shares.reduce((a, b) => a + b, 0n);
}
