import assert from 'node:assert/strict';
import type { HostModel, LibvirtState, Machine } from '../../../src/core/model/hostModel';
import { type CpuSet, parseCpuList } from '../../../src/core/parse/cpuList';
import { makePlan } from '../../../src/core/plan/makePlan';
import { CheckedHost } from '../../../src/core/rules/checkedHost';
import type { Finding, Rule } from '../../../src/core/rules/rule';
import { type HostName, QEMU, SCOPE, modelOf } from '../fixtures';
import { type HostChange, edit, findingsIn } from './checkRule';

/** What libvirt says of a machine's pins. */
export interface Pins {
  readonly vcpus?: Readonly<Record<number, string>>;
  readonly ioThreads?: Readonly<Record<number, string>>;
  readonly emulator?: string;
}

/** The machine's directory of threads is `S`. */
export const shown = (path: string): string => path.replace(`${SCOPE}/libvirt`, 'S');

/** As `findingsOfRule`, with the model. @param pins libvirt's state of each machine; without it, it could not be read */
export async function checked(rule: Rule, host: HostName, change?: HostChange, pins?: Pins | 'as recorded'): Promise<{ model: HostModel; findings: Finding[] }> {
  const built = (await modelOf(host, change)).model;
  const model = pins === 'as recorded' ? built : { ...built, machines: built.machines.map(machine => ({ ...machine, libvirt: pins && stateOf(machine, pins) })) };
  return { model, findings: findingsIn(rule, new CheckedHost(model, undefined), change !== undefined || pins !== undefined) };
}

/** The sentences of all that is found, with the severity. */
export async function sentences(rule: Rule, host: HostName, change?: HostChange, pins?: Pins | 'as recorded'): Promise<string[]> {
  return (await checked(rule, host, change, pins)).findings.map(({ severity, sentence }) => `${severity}: ${sentence(shown)}`);
}

/** What the plan of a fix does, step by step: without expert mode there has to be one. */
export function stepsOf(model: HostModel, finding: Finding | undefined): string[] {
  assert.ok(finding?.fixes[0], 'there is no fix');
  const { plan, refusal } = makePlan(model, finding.machine, finding.fixes[0].changes(), { expert: false });
  assert.ok(plan, `refused: ${JSON.stringify(refusal)}`);
  return plan.steps.map(({ action }) => {
    switch (action.kind) {
      case 'write':
        return `${action.value} > ${shown(action.cgroup.path)}/${action.file}`;
      case 'affinity':
        return `pin ${action.task.tid} to ${action.cpus}`;
      case 'move':
        return `move ${action.task.tid} to ${shown(action.to.path)}`;
      default:
        return action.kind;
    }
  });
}

/** `Cpus_allowed_list` of a thread. */
export function allow(copy: Parameters<HostChange>[0], pid: number, tid: number, cpus: string): void {
  edit(copy, `/proc/${pid}/task/${tid}/status`, text => text.replace(/^Cpus_allowed_list:.*$/m, `Cpus_allowed_list:\t${cpus}`));
}

/** As if the host had been read half a minute after a thread began. */
export function begun(copy: Parameters<HostChange>[0], pid: number, tid: number): void {
  const ticks = Number(copy.files.get(`/proc/${pid}/task/${tid}/stat`)!.replace(/^.*\) /s, '').split(' ')[19]);
  set(copy, '/proc/uptime', `${ticks / 100 + 30} 0.00`);
}

/** What a cgroup's file reads. */
export function set(copy: Parameters<HostChange>[0], file: string, value: string): void {
  edit(copy, file, () => `${value}\n`);
}

/** A pod's container, with CPUs of its own. */
export const POD = '/kubepods.slice/kubepods-pod01234567_89ab.slice/cri-containerd-0123456789abcdef.scope';
const POD_DIRECTORY = `/sys/fs/cgroup${POD}`;

/**
 * `numa-isolated` as KubeVirt has a machine with dedicated CPUs on a host without isolated ones: all threads in one container.
 * @param housekeeping the CPUs of the emulator, where it was given its own; else it has all of them
 */
export function inPod(copy: Parameters<HostChange>[0], { cpus, housekeeping }: { readonly cpus: string; readonly housekeeping?: string }): void {
  copy.files.delete('/run/libvirt/qemu/serial.xml');
  copy.files.set('/sys/devices/system/cpu/isolated', '\n');
  for (const files of [copy.files, copy.directories]) for (const path of [...files.keys()]) if (path.includes(SCOPE)) files.delete(path);
  const make = (directory: string, set: string, granted: string): void => {
    copy.directories.add(directory);
    for (const [file, value] of Object.entries({ 'cpuset.cpus': set, 'cpuset.cpus.effective': granted, 'cgroup.controllers': 'cpuset cpu pids' })) copy.files.set(`${directory}/${file}`, `${value}\n`);
  };
  for (let above = POD_DIRECTORY.lastIndexOf('/'); above > '/sys/fs/cgroup'.length; above = POD_DIRECTORY.lastIndexOf('/', above - 1)) make(POD_DIRECTORY.slice(0, above), '', '0-7');
  make(POD_DIRECTORY, cpus, cpus);
  if (housekeeping !== undefined) make(`${POD_DIRECTORY}/housekeeping`, housekeeping, housekeeping);
  for (const path of [...copy.files.keys()]) {
    const tid = Number(new RegExp(`^/proc/${QEMU}/task/(\\d+)/cgroup$`).exec(path)?.[1]);
    if (!tid) continue;
    const isVcpu = tid >= 528 && tid <= 531;
    copy.files.set(path, `0::${POD}${housekeeping === undefined || isVcpu ? '' : '/housekeeping'}\n`);
    if (!isVcpu) copy.files.set(`/proc/${QEMU}/task/${tid}/status`, `Cpus_allowed_list:\t${housekeeping ?? cpus}\n`);
  }
}

/** The machine of `numa-isolated` as libvirt has it that may not use cpu and cpuset (`cgroup_controllers`): all threads in its directory. */
export function withoutGroups(copy: Parameters<HostChange>[0]): void {
  const group = /\/libvirt\/(emulator|vcpu\d+|iothread\d+)(?=\/|$)/m;
  for (const files of [copy.files, copy.directories]) for (const path of [...files.keys()]) if (path.includes(SCOPE) && group.test(path)) files.delete(path);
  for (const [path, text] of [...copy.files]) if (/^\/proc\/\d+\/task\/\d+\/cgroup$/.test(path)) copy.files.set(path, text.replace(group, '/libvirt'));
}

function stateOf(machine: Machine, { vcpus = {}, ioThreads = {}, emulator }: Pins): LibvirtState {
  const sets = (of: Readonly<Record<number, string>>): Map<number, CpuSet> => new Map(Object.entries(of).map(([n, cpus]) => [Number(n), parseCpuList(cpus)!]));
  const known = machine.threads.flatMap(({ role, tid }) => (role.kind === 'vcpu' ? [[Number(role.id), tid] as const] : []));
  return { vcpus: new Map(known), vcpuPins: sets(vcpus), ioThreadPins: sets(ioThreads), emulatorPin: emulator === undefined ? undefined : parseCpuList(emulator) };
}
