import assert from 'node:assert/strict';
import type { HostModel, LibvirtState, Machine } from '../../../src/core/model/hostModel';
import { type CpuSet, parseCpuList } from '../../../src/core/parse/cpuList';
import { makePlan } from '../../../src/core/plan/makePlan';
import { CheckedHost } from '../../../src/core/rules/checkedHost';
import type { Finding, Rule } from '../../../src/core/rules/rule';
import { type HostName, SCOPE, modelOf } from '../fixtures';
import { type HostChange, edit } from './checkRule';

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
  const facts = new CheckedHost(model, undefined);
  return { model, findings: model.machines.flatMap(machine => [...rule.check(facts, machine)]) };
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

/** What a cgroup's file reads. */
export function set(copy: Parameters<HostChange>[0], file: string, value: string): void {
  edit(copy, file, () => `${value}\n`);
}

function stateOf(machine: Machine, { vcpus = {}, ioThreads = {}, emulator }: Pins): LibvirtState {
  const sets = (of: Readonly<Record<number, string>>): Map<number, CpuSet> => new Map(Object.entries(of).map(([n, cpus]) => [Number(n), parseCpuList(cpus)!]));
  const known = machine.threads.flatMap(({ role, tid }) => (role.kind === 'vcpu' ? [[Number(role.id), tid] as const] : []));
  return { vcpus: new Map(known), vcpuPins: sets(vcpus), ioThreadPins: sets(ioThreads), emulatorPin: emulator === undefined ? undefined : parseCpuList(emulator) };
}
