import type { HostModel } from '../model/hostModel';
import { type Steps, atOnce } from '../model/pace';
import type { Rates } from '../model/rates';
import { CheckedHost } from './checkedHost';
import type { Finding, Rule } from './rule';
import { accidentalThreadRoot } from './accidentalThreadRoot';
import { controllerMissing } from './controllerMissing';
import { cpuWait } from './cpuWait';
import { delegateIncomplete } from './delegateIncomplete';
import { deletedCgroup } from './deletedCgroup';
import { domainInvalid } from './domainInvalid';
import { frozen } from './frozen';
import { helperKthreadOutside } from './helperKthreadOutside';
import { hybridNoControllers } from './hybridNoControllers';
import { ioUringWorkers } from './ioUringWorkers';
import { movedOutReverts } from './movedOutReverts';
import { noMachinedFallback } from './noMachinedFallback';
import { nsHidden } from './nsHidden';
import { pressureHigh } from './pressureHigh';
import { rtRefused } from './rtRefused';
import { sessionOrRootless } from './sessionOrRootless';
import { sharesTooBig } from './sharesTooBig';
import { staleToolsOnThreaded } from './staleToolsOnThreaded';
import { startIncomplete } from './startIncomplete';
import { strangerInVcpuCgroup } from './strangerInVcpuCgroup';
import { subtreeControlStripped } from './subtreeControlStripped';
import { threadCreateEagain } from './threadCreateEagain';
import { threadedDirectlyUnderUnit } from './threadedDirectlyUnderUnit';
import { threadOutsideLayout } from './threadOutsideLayout';
import { throttled } from './throttled';
import { vcpuInEmulator } from './vcpuInEmulator';
import { vhostElsewhere } from './vhostElsewhere';

/** The only list. */
export const ALL_RULES: readonly Rule[] = [
  accidentalThreadRoot,
  controllerMissing,
  cpuWait,
  delegateIncomplete,
  deletedCgroup,
  domainInvalid,
  frozen,
  helperKthreadOutside,
  hybridNoControllers,
  ioUringWorkers,
  movedOutReverts,
  noMachinedFallback,
  nsHidden,
  pressureHigh,
  rtRefused,
  sessionOrRootless,
  sharesTooBig,
  staleToolsOnThreaded,
  startIncomplete,
  strangerInVcpuCgroup,
  subtreeControlStripped,
  threadCreateEagain,
  threadedDirectlyUnderUnit,
  threadOutsideLayout,
  throttled,
  vcpuInEmulator,
  vhostElsewhere,
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
