import { accepted, refused } from './answers';
import { reason } from './because';
import type { Prediction } from './outcome';
import type { CgroupState, World } from './world';

/**
 * `cpuset.cpus.partition` takes its three words always; what then comes of it (`root invalid (…)`, CPUs that leave the
 * parent) depends on all partitions of the host and on the kernel, and must be read back.
 */
export function writePartition(world: World, cgroup: CgroupState, file: string, value: string): Prediction {
  const word = value.trim();
  if (!['member', 'root', 'isolated'].includes(word)) return refused(world, 'EINVAL', reason('bad-value', { file, value }));
  if (cgroup.partition === word) return accepted(world);
  return accepted(world.with({ cgroups: [{ ...cgroup, partition: undefined, cpusEffective: undefined }] }));
}
