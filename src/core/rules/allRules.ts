import type { HostModel } from '../model/hostModel';
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

/** All that is wrong on a host, machine by machine in the model's order. */
export function* checking(host: CheckedHost): Steps<Finding[]> {
  const findings: Finding[] = [];
  for (const machine of host.model.machines) {
    for (const rule of ALL_RULES) {
      yield;
      for (const finding of rule.check(host, machine)) {
        yield;
        findings.push(finding);
      }
    }
  }
  return findings;
}

/** {@link checking}, at once. */
export function findingsOf(model: HostModel, rates?: Rates): Finding[] {
  return atOnce(checking(new CheckedHost(model, rates)));
}
