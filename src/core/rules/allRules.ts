import type { HostModel } from '../model/hostModel';
import type { Finding, Rule } from './rule';
import { vcpuInEmulator } from './vcpuInEmulator';

/** The only list. */
export const ALL_RULES: readonly Rule[] = [vcpuInEmulator];

/** All that is wrong on a host, machine by machine in the model's order. */
export function findingsOf(model: HostModel): Finding[] {
  return ALL_RULES.flatMap(rule => rule.check(model));
}
