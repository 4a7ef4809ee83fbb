import { accepted, refused, valueEffect } from './answers';
import { reason } from './because';
import type { Prediction } from './outcome';
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
  const set = (reads: string): Prediction => accepted(world.with({ cgroups: [{ ...cgroup, partition: reads }] }), reads === word ? [] : [valueEffect(cgroup, file, reads)], reads === word ? undefined : reason('partition-invalid', { reads }));
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
