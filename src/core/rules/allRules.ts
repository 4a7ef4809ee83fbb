import type { HostModel } from '../model/hostModel';
import { type Steps, atOnce } from '../model/pace';
import type { Finding, Rule } from './rule';
import { vcpuInEmulator } from './vcpuInEmulator';

/** The only list. */
export const ALL_RULES: readonly Rule[] = [vcpuInEmulator];

/** All that is wrong on a host, machine by machine in the model's order. */
export function* checking(model: HostModel): Steps<Finding[]> {
  const findings: Finding[] = [];
  for (const machine of model.machines) {
    for (const rule of ALL_RULES) {
      yield;
      for (const finding of rule.check(model, machine)) findings.push(finding);
    }
  }
  return findings;
}

/** {@link checking}, at once. */
export function findingsOf(model: HostModel): Finding[] {
  return atOnce(checking(model));
}
