import type { Cgroup, Hierarchy, HostModel, LibvirtState, Machine, Membership, Problem, Thread } from '../../../src/core/model/hostModel';
import type { CpuSet } from '../../../src/core/parse/cpuList';

/** Everything a model says, as text for people to review and for diffs. What is `undefined` in the model is `?` or left out. */
export function modelText(model: HostModel, problems: readonly Problem[]): string {
  const { topology } = model;
  const byVersion = (version: string): string => [...model.controllers].filter(([, v]) => v === version).map(([name]) => name).join(' ') || '-';
  const lines = [
    `mode ${model.mode}   kernel ${model.kernel}   init ${model.init || '?'}   uptime ${model.uptime ?? '?'}`,
    `collected ${new Date(model.collection.startedAt).toISOString()}   took ${model.collection.took}   uid ${model.collection.user?.uid ?? '?'}   complete ${model.collection.complete}`,
    `controllers   v1: ${byVersion('v1')}   v2: ${byVersion('v2')}   none: ${byVersion('none')}`,
    `cpus online ${set(topology.online)}   possible ${set(topology.possible)}   isolated ${set(topology.isolated)}   nohz_full ${set(topology.nohzFull)}`,
    ...[...topology.cpus].map(([cpu, t]) => `  cpu ${cpu}   package ${t.package ?? '?'}   core ${t.core ?? '?'}   siblings ${set(t.siblings)}`),
    ...[...topology.nodes].map(([node, cpus]) => `  node ${node}   cpus ${cpus}`),
    '',
    ...model.machines.flatMap(machine => [...machineLines(machine), '']),
    ...model.hidden.map(h => `hidden   ${h.name}   ${h.hierarchy}   ${h.scope}   ${h.tids.join(' ')}`),
    ...model.hierarchies.flatMap(hierarchy => [...hierarchyLines(hierarchy), '']),
    ...(problems.length === 0 ? ['no problems'] : problems.map(p => `problem   ${p.errno}   ${p.path}`)),
  ];
  return `${lines.join('\n')}\n`;
}

function machineLines(machine: Machine): string[] {
  const memberships = [...new Set(machine.threads.map(thread => thread.membership))];
  const letter = (membership: Membership): string => String.fromCharCode(65 + memberships.indexOf(membership));
  return [
    `machine ${machine.name}   pid ${machine.pid}   ${machine.state}   ${machine.emulator}   uuid ${machine.uuid ?? '?'}   uid ${machine.uid ?? '?'}   key ${machine.key}`,
    ...(machine.libvirt ? [libvirtLine(machine.libvirt)] : []),
    ...table(machine.threads.map(thread => [...threadCells(thread), `in ${letter(thread.membership)}`])),
    ...memberships.flatMap(membership => placeLines(letter(membership), membership)),
  ];
}

function libvirtLine({ vcpus, vcpuPins, ioThreadPins, emulatorPin }: LibvirtState): string {
  const pins = (of: ReadonlyMap<number, CpuSet>): string => [...of].map(([n, cpus]) => `${n}→${cpus}`).join(' ') || '-';
  return `  libvirt   vcpus ${[...vcpus].map(([n, tid]) => `${n}=${tid}`).join(' ') || '-'}   pins ${pins(vcpuPins)}   emulator ${set(emulatorPin)}   iothreads ${pins(ioThreadPins)}`;
}

function threadCells(thread: Thread): string[] {
  const { role } = thread;
  return [
    `${role.kind}${role.id === undefined ? '' : ` ${role.id}`}`,
    `tid ${thread.tid}`,
    `pid ${thread.pid}`,
    `started ${thread.startTime}`,
    thread.comm,
    `by ${role.knownBy}${thread.disagreement.map(told => `, ${told.role.knownBy} says ${told.role.kind} ${told.role.id ?? ''}`).join('')}`,
    `${thread.policy} ${thread.rtPriority} nice ${thread.nice}`,
    `cpus ${set(thread.cpusAllowed)} last ${thread.lastCpu}`,
    `${thread.state} ${thread.flags.toString(16)}`,
    `ran ${thread.runTime ?? '?'} waited ${thread.runDelay ?? '?'}`,
  ];
}

/** Hierarchies with the same path share a line. */
function placeLines(letter: string, membership: Membership): string[] {
  const byPath = new Map<string, string[]>();
  for (const [key, place] of membership.places) {
    const path = `${place.path}${place.deleted ? ' DELETED' : ''}${place.cgroup ? '' : ' UNKNOWN'}`;
    byPath.set(path, [...(byPath.get(path) ?? []), key]);
  }
  return [...byPath].map(([path, keys]) => `  ${letter}   ${path}   ${keys.join(' ')}`);
}

function hierarchyLines(hierarchy: Hierarchy): string[] {
  const { key, version, mountPoint, mountRoot, controllers } = hierarchy;
  const cgroups = [...hierarchy.cgroups.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  return [
    `hierarchy ${key}   v${version}   controllers ${controllers.join(' ') || '-'}   at ${mountPoint ?? '?'}   root ${mountRoot}`,
    ...cgroups.map(cgroup => `  ${cgroup.path}   ${values(cgroup) || '-'}`),
  ];
}

function values(cgroup: Cgroup): string {
  const { bandwidth, throttled } = cgroup;
  const all: [string, string | number | boolean | undefined][] = [
    ['directory', cgroup.directory === undefined ? 'none' : undefined],
    ['parent', cgroup.parent === undefined ? 'none' : undefined],
    ['type', cgroup.type],
    ['controllers', cgroup.controllers?.join(',')],
    ['subtree', cgroup.subtreeControl?.join(',')],
    ['cpus', cgroup.cpus?.toString()],
    ['effective', cgroup.cpusEffective?.toString()],
    ['exclusive', cgroup.cpusExclusive?.toString()],
    ['mems', cgroup.mems?.toString()],
    ['memsEffective', cgroup.memsEffective?.toString()],
    ['migrate', cgroup.memoryMigrate],
    ['partition', cgroup.partition],
    ['bandwidth', bandwidth && `${bandwidth.quota}/${bandwidth.period}`],
    ['weight', cgroup.weight],
    ['shares', cgroup.shares],
    ['idle', cgroup.idle],
    ['throttled', throttled && `${throttled.times}/${throttled.periods} ${throttled.time}`],
    ['pids', cgroup.pidsMax === undefined && cgroup.pidsCurrent === undefined ? undefined : `${cgroup.pidsCurrent ?? '?'}/${cgroup.pidsMax ?? '?'}`],
    ['frozen', cgroup.frozen],
    ['pressure', cgroup.cpuPressure && `${cgroup.cpuPressure.avg10}/${cgroup.cpuPressure.avg60}`],
  ];
  return all.filter(([, value]) => value !== undefined).map(([name, value]) => `${name} ${value === '' ? '-' : value}`).join('  ');
}

function set(cpus: CpuSet | undefined): string {
  return cpus === undefined ? '?' : cpus.toString() || '-';
}

/** Columns as wide as their widest cell. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => row[column]!.length)));
  return rows.map(row => `  ${row.map((cell, column) => cell.padEnd(widths[column]!)).join('   ').trimEnd()}`);
}
