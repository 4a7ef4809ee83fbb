import type { HostModel } from '../model/hostModel';
import { type Steps, atOnce } from '../model/pace';
import type { Rates } from '../model/rates';
import { affinityLost } from './affinityLost';
import { CheckedHost } from './checkedHost';
import { cpuOutOfRange } from './cpuOutOfRange';
import { emulatorOverVcpus } from './emulatorOverVcpus';
import { hotpluggedVcpuUnpinned } from './hotpluggedVcpuUnpinned';
import { isolcpusNoBalance } from './isolcpusNoBalance';
import { liveEmulatorpinMismatch } from './liveEmulatorpinMismatch';
import { maskNarrowerThanCpuset } from './maskNarrowerThanCpuset';
import { numaSplit } from './numaSplit';
import { parentNarrower } from './parentNarrower';
import { partitionInvalid } from './partitionInvalid';
import { pinDiffersFromLibvirt } from './pinDiffersFromLibvirt';
import type { Finding, Rule } from './rule';
import { silentInherit } from './silentInherit';
import { v1EmptyCpuset } from './v1EmptyCpuset';
import { v1HotplugShrink } from './v1HotplugShrink';
import { vcpuInEmulator } from './vcpuInEmulator';
import { vcpusShareCpu } from './vcpusShareCpu';

/** The only list. */
export const ALL_RULES: readonly Rule[] = [
  affinityLost,
  cpuOutOfRange,
  emulatorOverVcpus,
  hotpluggedVcpuUnpinned,
  isolcpusNoBalance,
  liveEmulatorpinMismatch,
  maskNarrowerThanCpuset,
  numaSplit,
  parentNarrower,
  partitionInvalid,
  pinDiffersFromLibvirt,
  silentInherit,
  v1EmptyCpuset,
  v1HotplugShrink,
  vcpuInEmulator,
  vcpusShareCpu,
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
