import { confine } from './affinity';
import { accepted, refused, valueEffect } from './answers';
import { reason } from './because';
import { confinements, siblingPartitions, spread } from './cpuset';
import type { Effect, Prediction } from './outcome';
import { type CgroupState, type World, parentOf } from './world';

/**
 * `cpuset.cpus.partition` takes its three words always (kernel/cgroup/cpuset.c, update_prstate). What then comes of it
 * depends on all partitions of the host and on the kernel, and must be read back: only what is invalid for certain is told.
 */
export function writePartition(world: World, cgroup: CgroupState, file: string, value: string): Prediction {
  const word = value.trim();
  const { hierarchy, path, cpus, partition } = cgroup;
  if (!['member', 'root', 'isolated'].includes(word)) return refused(world, 'EINVAL', reason('bad-value', { file, value }));
  if (partition === word) return accepted(world);
  const set = (reads: string): Prediction => {
    const after = world.with({ cgroups: [{ ...cgroup, partition: reads }] });
    // One below that is invalid may become so for another reason: its parent is the one that was written.
    const below = world.children(hierarchy, path).filter(one => one.partition?.includes('invalid')).map((one): Effect => ({ ...valueEffect(one, file, one.partition!), open: true }));
    return confine(after, confinements(world, after, hierarchy, affected(after, hierarchy, path)), [...(reads === word ? [] : [valueEffect(cgroup, file, reads)]), ...below], reads === word ? undefined : reason('partition-invalid', { reads }));
  };
  if (word === 'member' && partition?.includes('invalid') === true) return set(word);
  const parent = world.cgroup(hierarchy, parentOf(path) ?? '/');
  const { explainsPartitions, remotePartitions } = world.kernel;
  if (word !== 'member' && partition === 'member' && explainsPartitions === true && remotePartitions === false && parent?.partition === 'member' && cpus && parent.childrenKnown) {
    const isShared = world.children(hierarchy, parent.path).some(one => one.path !== path && one.cpus?.intersect(cpus).isEmpty === false);
    return set(`${word} invalid (${cpus.isEmpty ? 'cpuset.cpus is empty' : isShared ? 'Cpu list in cpuset.cpus not exclusive' : 'Parent is not a partition root'})`);
  }
  const { outcomes } = accepted(world, [{ ...valueEffect(cgroup, file, word), open: true }], reason('partitions-around', { path }));
  return { outcomes, after: world.with({ cgroups: [{ ...cgroup, partition: undefined, cpusEffective: undefined }] }) };
}

/** update_prstate: whose tasks are given their CPUs anew though these are the same, which makes older kernels forget a pin. */
function affected(after: World, hierarchy: string, path: string): string[] {
  const below = after.children(hierarchy, path).filter(child => child.cpusEffective !== undefined);
  if (after.cgroup(hierarchy, path)?.partition !== 'member') return below.length === 0 ? [] : [...spread(after, hierarchy, path, true).changed];
  const all = below.length === 0 ? [] : [path];
  for (const one of all) for (const child of after.children(hierarchy, one)) if (child.cpusEffective !== undefined) all.push(child.path);
  return [parentOf(path) ?? '/', ...all, ...siblingPartitions(after, hierarchy, path)];
}
