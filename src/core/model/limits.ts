import type { CpuBandwidth } from '../parse/cgroupValues';
import type { CpuSet } from '../parse/cpuList';
import { effectiveCpus, withAncestors } from './hierarchies';
import type { Cgroup } from './hostModel';

/** What limits a thread in a cgroup, and the cgroup at or above it that sets the limit. */
export type EffectiveLimit =
  | { readonly kind: 'cpus' | 'mems'; readonly effective: string; readonly at: Cgroup }
  | { readonly kind: 'quota'; readonly effective: CpuBandwidth; readonly at: Cgroup }
  | { readonly kind: 'pids'; readonly effective: number; readonly at: Cgroup }
  | { readonly kind: 'frozen'; readonly at: Cgroup };

/**
 * Limits that hold in a cgroup, its own or inherited, the tightest of each kind. Weights and shares are not among them:
 * they only count against the cgroup's own siblings (cgroup-v2.rst, "Weights").
 */
export function effectiveLimits(cgroup: Cgroup): EffectiveLimit[] {
  const limits: EffectiveLimit[] = [];
  const cpus = setLimit(cgroup, cgroup.cpus, effectiveCpus);
  if (cpus) limits.push({ kind: 'cpus', ...cpus });
  const mems = setLimit(cgroup, cgroup.mems, at => at.memsEffective ?? at.mems);
  if (mems) limits.push({ kind: 'mems', ...mems });
  let quota: { effective: CpuBandwidth; at: Cgroup } | undefined;
  let pids: { effective: number; at: Cgroup } | undefined;
  let frozen: Cgroup | undefined;
  for (const at of withAncestors(cgroup)) {
    const { bandwidth, pidsMax } = at;
    if (bandwidth && ratio(bandwidth) < (quota ? ratio(quota.effective) : Number.POSITIVE_INFINITY)) quota = { effective: bandwidth, at };
    if (typeof pidsMax === 'number' && pidsMax < (pids?.effective ?? Number.POSITIVE_INFINITY)) pids = { effective: pidsMax, at };
    if (at.frozen === true) frozen = at; // the highest: thawing a lower one does nothing
  }
  if (quota) limits.push({ kind: 'quota', ...quota });
  if (pids) limits.push({ kind: 'pids', ...pids });
  if (frozen) limits.push({ kind: 'frozen', at: frozen });
  return limits;
}

function ratio({ quota, period }: CpuBandwidth): number {
  return quota === 'max' ? Number.POSITIVE_INFINITY : quota / period;
}

/**
 * A set is granted from above, and each level can only take away: the limit is set where the set that is effective here
 * is effective first, or, if that is not what the cgroup asks for, where the rest was taken away. Nothing where that is
 * the top: it has all there is.
 */
function setLimit(cgroup: Cgroup, asked: CpuSet | undefined, effectiveOf: (at: Cgroup) => CpuSet | undefined): { effective: string; at: Cgroup } | undefined {
  let found: { effective: CpuSet; at: Cgroup } | undefined;
  let narrowed: Cgroup | undefined;
  let differs = false;
  for (const at of withAncestors(cgroup)) {
    const effective = effectiveOf(at);
    if (effective === undefined) continue; // the controller does not reach so far down
    differs ||= found?.effective.equals(effective) === false;
    if (!differs) found = { effective, at };
    if (at !== cgroup && asked?.isSubsetOf(effective) === false) narrowed = at;
  }
  const at = narrowed ?? found?.at;
  return found && at?.parent ? { effective: found.effective.toString(), at } : undefined;
}
