import type { HostModel } from '../model/hostModel';
import { type Steps, atOnce } from '../model/pace';
import type { Rates } from '../model/rates';
import { CheckedHost } from './checkedHost';
import type { Finding, Rule } from './rule';
import { vcpuInEmulator } from './vcpuInEmulator';

/** The only list. */
export const ALL_RULES: readonly Rule[] = [
  vcpuInEmulator,
];

/** All that is wrong on a host, machine by machine in the model's order. */
export function* checking(host: CheckedHost): Steps<Finding[]> {
  const findings: Finding[] = [];
  for (const machine of host.model.machines) {
    for (const rule of ALL_RULES) {
      yield;
      for (const finding of rule.check(host, machine)) findings.push(finding);
    }
  }
  return findings;
}

/** {@link checking}, at once. */
export function findingsOf(model: HostModel, rates?: Rates): Finding[] {
  return atOnce(checking(new CheckedHost(model, rates)));
}
