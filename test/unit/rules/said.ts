import { makePlan } from '../../../src/core/plan/makePlan';
import type { Finding } from '../../../src/core/rules/rule';
import { type HostName, SCOPE, modelOf } from '../fixtures';
import type { HostChange } from './checkRule';

export const shown = (path: string): string => path.replace(`${SCOPE}/libvirt`, 'S');

/** `warning: sentence [fix, fix]`, as a person reads it. */
export function said(findings: readonly Finding[]): string[] {
  return findings.map(({ severity, sentence, fixes }) => `${severity}: ${sentence(shown)}${fixes.length > 0 ? ` [${fixes.map(fix => fix.title(shown)).join(', ')}]` : ''}`);
}

/** `/…/cpu.max   50000 100000` */
export function read({ evidence }: Finding): string[] {
  return evidence.map(({ file, value }) => `${file.replace(SCOPE, 'SCOPE')}   ${value.replace(SCOPE, 'SCOPE')}`);
}

/** What the plan of a finding's first fix does, or why there is none; without expert mode. */
export async function planned(host: HostName, change: HostChange, finding: Finding): Promise<readonly string[]> {
  const { model } = await modelOf(host, change);
  const { plan, refusal } = makePlan(model, model.machines.find(({ key }) => key === finding.machine.key), finding.fixes[0]!.changes(), { expert: false });
  if (!plan) return [`refused: ${refusal.because.id}`];
  return plan.steps.map(({ action }) => {
    switch (action.kind) {
      case 'write':
        return `${action.value} to ${action.file} of ${shown(action.cgroup.path)}`;
      case 'move':
        return `${action.task.tid} to ${action.file} of ${shown(action.to.path)}`;
      case 'affinity':
        return `${action.task.tid} on ${action.cpus}`;
      default:
        return action.kind;
    }
  });
}
