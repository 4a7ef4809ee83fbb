import type { HostModel } from '../model/hostModel';
import { type Steps, atOnce } from '../model/pace';
import type { Rates } from '../model/rates';
import { CheckedHost } from './checkedHost';
import type { Finding, Rule } from './rule';
import { threadOutsideLayout } from './threadOutsideLayout';
import { vcpuInEmulator } from './vcpuInEmulator';

/** The only list. */
export const ALL_RULES: readonly Rule[] = [
  threadOutsideLayout,
  vcpuInEmulator,
];

/** All that is wrong on a host, machine by machine in the model's order. */
export function* checking(model: HostModel, rates?: Rates): Steps<Finding[]> {
  const host = new CheckedHost(model, rates);
  const findings: Finding[] = [];
  for (const machine of model.machines) {
    for (const rule of ALL_RULES) {
      yield;
      for (const finding of rule.check(host, machine)) findings.push(finding);
    }
  }
  return findings;
}

/** {@link checking}, at once. */
export function findingsOf(model: HostModel, rates?: Rates): Finding[] {
  return atOnce(checking(model, rates));
}
