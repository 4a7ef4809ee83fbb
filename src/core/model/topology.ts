import { type CpuSet, parseCpuList } from '../parse/cpuList';
import { parseInteger } from '../parse/cgroupValues';
import type { RawSnapshot } from '../rawSnapshot';
import type { Topology } from './hostModel';

const CPU = '/sys/devices/system/cpu';

/** CPUs and NUMA nodes as sysfs shows them (Documentation/ABI/stable/sysfs-devices-system-cpu, …-node). */
export function buildTopology(raw: RawSnapshot): Topology {
  const list = (path: string): CpuSet | undefined => {
    const text = raw.files.get(path);
    return text === undefined ? undefined : parseCpuList(text);
  };
  const number = (path: string): number | undefined => parseInteger(raw.files.get(path) ?? '');
  const cpus = new Map<number, { package: number | undefined; core: number | undefined; siblings: CpuSet | undefined }>();
  const nodes = new Map<number, CpuSet>();
  for (const path of raw.files.keys()) {
    if (!path.startsWith('/sys/devices/')) continue;
    const cpu = /^\/sys\/devices\/system\/cpu\/cpu(\d+)\/topology\//.exec(path);
    if (cpu && !cpus.has(Number(cpu[1]))) {
      const topology = `${CPU}/cpu${cpu[1]}/topology`;
      cpus.set(Number(cpu[1]), {
        package: number(`${topology}/physical_package_id`),
        core: number(`${topology}/core_id`),
        siblings: list(`${topology}/thread_siblings_list`),
      });
    }
    const node = /^\/sys\/devices\/system\/node\/node(\d+)\/cpulist$/.exec(path);
    const nodeCpus = node && list(path);
    if (nodeCpus) nodes.set(Number(node[1]), nodeCpus);
  }
  return {
    online: list(`${CPU}/online`),
    possible: list(`${CPU}/possible`),
    isolated: list(`${CPU}/isolated`),
    nohzFull: list(`${CPU}/nohz_full`),
    cpus: new Map([...cpus].sort(([a], [b]) => a - b)),
    nodes: new Map([...nodes].sort(([a], [b]) => a - b)),
  };
}
