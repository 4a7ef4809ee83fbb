/** `max` where the kernel says there is no limit. Never −1: that would compare as less. */
export type Limit = number | 'max';

/** CPU bandwidth: `quota` microseconds of CPU time in each `period` microseconds. */
export interface CpuBandwidth {
  readonly quota: Limit;
  readonly period: number;
}

export const CGROUP_TYPES = ['domain', 'domain threaded', 'threaded', 'domain invalid'] as const;
/** `cgroup.type` (cgroup-v2.rst, "Threads"). */
export type CgroupType = (typeof CGROUP_TYPES)[number];

export function parseCgroupType(text: string): CgroupType | undefined {
  return CGROUP_TYPES.find(type => type === text.trim());
}

/** v2 `cpu.max`: `max 100000` or `50000 100000`. */
export function parseCpuMax(text: string): CpuBandwidth | undefined {
  const match = /^(max|\d+) (\d+)\s*$/.exec(text);
  return match ? { quota: match[1] === 'max' ? 'max' : Number(match[1]), period: Number(match[2]) } : undefined;
}

/** v1 `cpu.cfs_quota_us` and `cpu.cfs_period_us`; −1 is "no quota". */
export function parseCfs(quotaText: string, periodText: string): CpuBandwidth | undefined {
  const quota = parseInteger(quotaText);
  const period = parseInteger(periodText);
  if (quota === undefined || period === undefined) return undefined;
  return { quota: quota < 0 ? 'max' : quota, period };
}

/** `max` or a number: `pids.max`, `cpu.max.burst`. */
export function parseLimit(text: string): Limit | undefined {
  return text.trim() === 'max' ? 'max' : parseInteger(text);
}

export function parseInteger(text: string): number | undefined {
  return /^-?\d+\s*$/.test(text) ? Number(text) : undefined;
}

/** Words separated by spaces: `cgroup.controllers`, `cgroup.subtree_control`. */
export function parseWords(text: string): string[] {
  return text.split(/\s+/).filter(word => word !== '');
}
