import { t } from '@vscode/l10n';
import type { Misplaced } from '../layout/misplaced';
import type { Machine } from '../model/hostModel';
import { roleText } from '../model/roles';
import { visible } from '../visible';
import type { CheckedHost } from './checkedHost';
import { type Together, adviceOf, differences, evidenceOf, fixOf, togetherOf } from './misplaced';
import type { Finding, Rule } from './rule';
import { hierarchyText } from './words';

/**
 * `vcpu-in-emulator`: a vCPU's thread is in the emulator's group, and not in the one that libvirt made for it.
 *
 * **Cause.** libvirt starts QEMU in `emulator`, learns from QEMU which threads are vCPUs, and moves each into its `vcpuN`.
 * One that is back in `emulator` was moved by hand, by a script that wrote the whole process back (`cgroup.procs`, `cgclassify`),
 * or by a restore of "all tasks". libvirt does not notice: `virsh vcpupin N` with the CPUs that it has written before
 * answers 0 and moves nothing, and one with others fails with EINVAL.
 *
 * **Signature.** In a hierarchy where the machine has groups of threads, the thread `CPU N/KVM` is in `emulator`, and `vcpuN`
 * exists. Not while the machine starts: until QEMU has answered all of them are in `emulator`, and then libvirt makes one
 * `vcpuN` after the other, each just before it moves the thread there. Where its `vcpuN` is not there and the guest has run
 * (the machine is more than a minute old, and a vCPU has used a second of CPU), the start is over, and the group was
 * removed or never made. One that was plugged in later and has none, while others have, is `hotplugged-vcpu-unpinned`.
 *
 * **Cost.** It shares the emulator's quota and CPUs with QEMU's main loop, and `schedinfo` and `vcpupin` have no effect on it.
 *
 * **Fix.** Writing its TID to `tasks` (v1) or `cgroup.threads` (v2) of `vcpuN`, which is made first where it is not there.
 *
 * **Sources.** libvirt src/qemu/qemu_process.c (qemuProcessSetupPid), src/util/vircgroup.c (virCgroupNewThread); measured
 * with libvirt 9.0 on v1, hybrid and v2.
 */
export const vcpuInEmulator: Rule = {
  id: 'vcpu-in-emulator',
  title: () => t('A vCPU is in the emulator\'s cgroup'),
  check: ofMachine,
};

/** The group in which libvirt starts all threads of a machine, beside the vCPU's own. */
export function isInEmulator({ thread, from, to }: Misplaced): boolean {
  return thread.role.kind === 'vcpu' && from === `${to.slice(0, to.lastIndexOf('/'))}/emulator`;
}

function* ofMachine(host: CheckedHost, machine: Machine): Iterable<Finding> {
  const misplaced = host.misplacedIn(machine);
  const together = togetherOf(host.model, misplaced);
  for (const one of misplaced) if (isInEmulator(one)) yield finding(host, machine, one, together);
}

function finding({ model }: CheckedHost, machine: Machine, one: Misplaced, { ofThread: everywhere, allBack }: Together): Finding {
  const { thread, hierarchy, from, at, to, target } = one;
  const costs = differences(at, target);
  const ofThread = everywhere.get(thread) ?? [];
  const title = (misplaced: readonly Misplaced[]) => (shown: (path: string) => string): string => t('Move {0} to {1} ({2})', roleText(thread.role), visible(shown(to)), misplaced.map(({ hierarchy: of }) => hierarchyText(of)).join(', '));
  return {
    rule: vcpuInEmulator.id,
    severity: 'warning',
    machine,
    threads: [thread],
    at: { kind: 'place', thread, hierarchy: hierarchy.key, path: from, expected: to },
    evidence: evidenceOf(one),
    sentence: shown => {
      const where = t('{0} is in {1} ({2}), expected {3}', roleText(thread.role), visible(shown(from)), hierarchyText(hierarchy), visible(shown(to)));
      return costs.length === 0 ? where : `${where} (${costs.join(', ')})`;
    },
    cost: () => t('it has the CPUs and the quota of who else is there, and what libvirt sets for this vCPU has no effect on it'),
    advice: shown => adviceOf(one, shown),
    fixes: [...fixOf(model, [one], title([one])), ...(ofThread.length > 1 ? fixOf(model, ofThread, title(ofThread)) : []), ...allBack],
  };
}
