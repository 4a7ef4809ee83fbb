import type { HostModel, Machine } from '../model/hostModel';
import { type Steps, atOnce } from '../model/pace';
import type { Rates } from '../model/rates';
import { CheckedHost } from './checkedHost';
import type { Finding, Rule } from './rule';
import { accidentalThreadRoot } from './accidentalThreadRoot';
import { affinityLost } from './affinityLost';
import { controllerMissing } from './controllerMissing';
import { cpuOutOfRange } from './cpuOutOfRange';
import { cpuWait } from './cpuWait';
import { delegateIncomplete } from './delegateIncomplete';
import { deletedCgroup } from './deletedCgroup';
import { domainInvalid } from './domainInvalid';
import { emulatorOverVcpus } from './emulatorOverVcpus';
import { frozen } from './frozen';
import { helperKthreadOutside } from './helperKthreadOutside';
import { hotpluggedVcpuUnpinned } from './hotpluggedVcpuUnpinned';
import { hybridNoControllers } from './hybridNoControllers';
import { ioUringWorkers } from './ioUringWorkers';
import { isolcpusNoBalance } from './isolcpusNoBalance';
import { liveEmulatorpinMismatch } from './liveEmulatorpinMismatch';
import { maskNarrowerThanCpuset } from './maskNarrowerThanCpuset';
import { movedOutReverts } from './movedOutReverts';
import { namelessThreads } from './namelessThreads';
import { noMachinedFallback } from './noMachinedFallback';
import { nsHidden } from './nsHidden';
import { numaSplit } from './numaSplit';
import { parentNarrower } from './parentNarrower';
import { partitionInvalid } from './partitionInvalid';
import { pinDiffersFromLibvirt } from './pinDiffersFromLibvirt';
import { pressureHigh } from './pressureHigh';
import { rolesDisagree } from './rolesDisagree';
import { rtRefused } from './rtRefused';
import { sessionOrRootless } from './sessionOrRootless';
import { sharesTooBig } from './sharesTooBig';
import { silentInherit } from './silentInherit';
import { staleToolsOnThreaded } from './staleToolsOnThreaded';
import { startIncomplete } from './startIncomplete';
import { strangerInVcpuCgroup } from './strangerInVcpuCgroup';
import { subtreeControlStripped } from './subtreeControlStripped';
import { threadCreateEagain } from './threadCreateEagain';
import { threadedDirectlyUnderUnit } from './threadedDirectlyUnderUnit';
import { threadOutsideLayout } from './threadOutsideLayout';
import { throttled } from './throttled';
import { v1EmptyCpuset } from './v1EmptyCpuset';
import { v1HotplugShrink } from './v1HotplugShrink';
import { vcpuInEmulator } from './vcpuInEmulator';
import { vcpusShareCpu } from './vcpusShareCpu';
import { vhostElsewhere } from './vhostElsewhere';

/** The only list. */
export const ALL_RULES: readonly Rule[] = [
  accidentalThreadRoot,
  affinityLost,
  controllerMissing,
  cpuOutOfRange,
  cpuWait,
  delegateIncomplete,
  deletedCgroup,
  domainInvalid,
  emulatorOverVcpus,
  frozen,
  helperKthreadOutside,
  hotpluggedVcpuUnpinned,
  hybridNoControllers,
  ioUringWorkers,
  isolcpusNoBalance,
  liveEmulatorpinMismatch,
  maskNarrowerThanCpuset,
  movedOutReverts,
  namelessThreads,
  noMachinedFallback,
  nsHidden,
  numaSplit,
  parentNarrower,
  partitionInvalid,
  pinDiffersFromLibvirt,
  pressureHigh,
  rolesDisagree,
  rtRefused,
  sessionOrRootless,
  sharesTooBig,
  silentInherit,
  staleToolsOnThreaded,
  startIncomplete,
  strangerInVcpuCgroup,
  subtreeControlStripped,
  threadCreateEagain,
  threadedDirectlyUnderUnit,
  threadOutsideLayout,
  throttled,
  v1EmptyCpuset,
  v1HotplugShrink,
  vcpuInEmulator,
  vcpusShareCpu,
  vhostElsewhere,
];

/** A rule that threw, which none should: what it would have found of this machine is not known. */
export interface RuleFailure {
  readonly rule: string;
  readonly machine: Machine;
  readonly error: unknown;
}

/**
 * All that is wrong on a host, machine by machine in the model's order.
 *
 * @param failed told of each rule that throws, and the others go on: a host that nobody can look at is worse than a finding
 *   that is missing, as long as that is said. Without it what is thrown goes on to the caller
 */
export function* checking(host: CheckedHost, failed?: (failure: RuleFailure) => void, rules: readonly Rule[] = ALL_RULES): Steps<Finding[]> {
  const findings: Finding[] = [];
  for (const machine of host.model.machines) {
    for (const rule of rules) {
      yield;
      try {
        for (const finding of rule.check(host, machine)) {
          yield;
          findings.push(finding);
        }
      } catch (error) {
        if (!failed) throw error;
        failed({ rule: rule.id, machine, error });
      }
    }
  }
  return findings;
}

/** {@link checking}, at once. */
export function findingsOf(model: HostModel, rates?: Rates): Finding[] {
  return atOnce(checking(new CheckedHost(model, rates)));
}
