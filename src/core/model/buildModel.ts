import { type RawSnapshot, isGone } from '../rawSnapshot';
import { HierarchyBuilder } from './hierarchies';
import type { HiddenTasks, HostModel, Problem } from './hostModel';
import { type ProgramNames, buildMachines } from './machines';
import { MembershipBuilder } from './membership';
import { Outside } from './outside';
import { Pace } from './pace';
import { ThreadBuilder, readProcesses } from './processes';
import { buildTopology } from './topology';
import { parseInteger } from '../parse/cgroupValues';
import { machineScope } from '../parse/systemdName';

/**
 * Gives a snapshot its meaning. Never throws: what is not there is `undefined` in the model, what could not be read or
 * understood is a problem beside it. Lets other work have its turn every few milliseconds.
 */
export async function buildModel(
  raw: RawSnapshot,
  host: { readonly id: string; readonly label: string },
  names: ProgramNames,
): Promise<{ model: HostModel; problems: readonly Problem[] }> {
  const pace = new Pace();
  const problems: Problem[] = [];
  for (const [path, errno] of raw.errors) if (!isGone(errno)) problems.push({ path, errno });
  const hierarchies = new HierarchyBuilder(raw, problems);
  for (const directory of raw.directories) {
    await pace.breathe();
    hierarchies.ofDirectory(directory);
  }
  for (const directory of raw.walked ?? []) hierarchies.wasWalked(directory);
  const processes = await readProcesses(raw, problems, pace);
  const threads = new ThreadBuilder(raw, new MembershipBuilder(hierarchies));
  const outside = await Outside.read(raw, problems, pace);
  const machines = await buildMachines(processes, names, threads, outside, pace);
  const hidden = await hiddenTasks(raw, hierarchies, pace);
  const text = (path: string): string => (raw.files.get(path) ?? '').trim();
  const uptime = Number.parseFloat(text('/proc/uptime'));
  const model: HostModel = {
    hostId: host.id,
    label: host.label,
    kernel: text('/proc/sys/kernel/osrelease'),
    init: text('/proc/1/comm'),
    ...hierarchies.finish(),
    topology: buildTopology(raw),
    machines,
    hidden,
    rtRuntime: parseInteger(text('/proc/sys/kernel/sched_rt_runtime_us')),
    uptime: Number.isFinite(uptime) ? uptime : undefined,
    collection: raw.collection,
  };
  return { model, problems };
}

/** Tasks in machines' cgroups that /proc does not show: the collector lists them where `hidepid` is on. */
async function hiddenTasks(raw: RawSnapshot, hierarchies: HierarchyBuilder, pace: Pace): Promise<HiddenTasks[]> {
  const found = new Map<string, { hierarchy: string; scope: string; name: string; tids: number[] }>();
  for (const [path, text] of raw.files) {
    const pause = pace.breathe();
    if (pause) await pause;
    if (!path.endsWith('/tasks') && !path.endsWith('/cgroup.threads')) continue; // quicker than an expression, for 40,000 paths
    const match = /^(.*)\/(?:tasks|cgroup\.threads)$/s.exec(path);
    const cgroup = match && hierarchies.ofDirectory(match[1]!);
    const machine = cgroup && machineScope(cgroup.path);
    if (!machine) continue;
    const tids = text.split('\n').filter(line => /^\d+$/.test(line)).map(Number);
    const shown = tids.filter(tid => raw.errors.get(`/proc/${tid}/stat`) === 'EACCES');
    if (shown.length === 0) continue;
    const key = `${cgroup.hierarchy} ${machine.scope}`;
    const entry = found.get(key) ?? { hierarchy: cgroup.hierarchy, ...machine, tids: [] };
    for (const tid of shown) entry.tids.push(tid); // a call with 150,000 arguments throws
    found.set(key, entry);
  }
  // One machine is in many hierarchies: the one that knows most of its tasks speaks for it.
  const best = new Map<string, HiddenTasks>();
  for (const entry of found.values()) {
    const tids = [...new Set(entry.tids)].sort((a, b) => a - b);
    if (tids.length > (best.get(entry.scope)?.tids.length ?? 0)) best.set(entry.scope, { ...entry, tids });
  }
  return [...best.values()];
}
