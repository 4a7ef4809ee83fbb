import { t } from '@vscode/l10n';
import { isStaged } from '../layout/layout';
import { V2_KEY } from '../model/hierarchies';
import type { Cgroup, HostModel, Machine, Thread } from '../model/hostModel';
import type { CpuSet } from '../parse/cpuList';
import { commandText } from '../shellWord';
import { visible } from '../visible';
import { fileOf } from './asRead';
import type { CheckedHost } from './checkedHost';
import type { Evidence, ShowPath } from './rule';
import { someOf, threadText } from './words';

/** `CPU 1`, `CPUs 0-3`. */
export function cpusText(cpus: CpuSet): string {
  if (cpus.isEmpty) return t('no CPU');
  return cpus.size === 1 ? t('CPU {0}', cpus.toString()) : t('CPUs {0}', cpus.toString());
}

/** The first of them by role, and how many there are besides. */
export function threadsText(threads: readonly Thread[]): string {
  return someOf(threads, threadText);
}

/** By hand. A unit of systemd has its values from it, and would be given them again. */
export function widenText(host: HostModel, cgroup: Cgroup, cpus: CpuSet, shown: ShowPath): string {
  const unit = cgroup.path.slice(cgroup.path.lastIndexOf('/') + 1);
  const byUnit = host.init === 'systemd' && cgroup.hierarchy === V2_KEY && /\.(slice|scope|service)$/.test(unit);
  return byUnit ? t('run: {0}', commandText(['systemctl', 'set-property', '--runtime', unit, `AllowedCPUs=${cpus.toString()}`])) : t('write {0} to cpuset.cpus of {1}', cpus.toString(), visible(shown(cgroup.path)));
}

/** Where it may run, as its status says. */
export function allowedOf({ pid, tid, cpusAllowed }: Thread): Evidence[] {
  return cpusAllowed ? [{ file: `/proc/${pid}/task/${tid}/status`, value: `Cpus_allowed_list: ${cpusAllowed.toString()}` }] : [];
}

/** The files of a cgroup, as far as they were read; each of those names that its version has. */
export function filesOf(cgroup: Cgroup | undefined, ...files: readonly string[]): Evidence[] {
  return files.flatMap(file => fileOf(cgroup, file));
}

/** What a cpuset was given, and what its threads may have of that. */
export function cpusetFiles(cgroup: Cgroup | undefined): Evidence[] {
  return filesOf(cgroup, 'cpuset.cpus', 'cpuset.cpus.effective', 'cpuset.effective_cpus');
}

export function onlineOf({ topology: { online } }: HostModel): Evidence[] {
  return online ? [{ file: '/sys/devices/system/cpu/online', value: online.toString() }] : [];
}

export function isolatedOf({ topology: { isolated } }: HostModel): Evidence[] {
  return isolated && !isolated.isEmpty ? [{ file: '/sys/devices/system/cpu/isolated', value: isolated.toString() }] : [];
}

export function nohzFullOf({ topology: { nohzFull } }: HostModel): Evidence[] {
  return nohzFull && !nohzFull.isEmpty ? [{ file: '/sys/devices/system/cpu/nohz_full', value: nohzFull.toString() }] : [];
}

/** What libvirt has for a thread. */
export function pinEvidence({ name }: Machine, { role, tid, pid }: Thread, pin: CpuSet): Evidence {
  const what = tid === pid ? 'emulatorpin' : role.kind === 'iothread' ? `iothreadpin ${role.id ?? '?'}` : `vcpupin ${role.id ?? '?'}`;
  return { file: `/run/libvirt/qemu/${name}.xml`, value: `${what}: ${pin.toString()}` };
}

/**
 * The command that gives a thread its CPUs: by libvirt, so that it knows of it, where that has placed the machine. That of a
 * user's session, or in a container of KubeVirt, is not the one that `virsh` asks on the host.
 */
export function pinCommand(host: CheckedHost, machine: Machine, thread: Thread, cpus: string): string {
  return isStaged(host.layoutOf(machine)) ? virshPin(machine, thread, cpus) : commandText(['taskset', '-pc', cpus, String(thread.tid)]);
}

function virshPin({ name, pid }: Machine, { role, tid }: Thread, cpus: string): string {
  if (tid === pid) return commandText(['virsh', 'emulatorpin', name, cpus, '--live']);
  return commandText(['virsh', role.kind === 'iothread' ? 'iothreadpin' : 'vcpupin', name, role.id?.replace(/^iothread/, '') ?? '?', cpus, '--live']);
}
