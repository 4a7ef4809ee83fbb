import { t } from '@vscode/l10n';
import { V2_KEY } from '../model/hierarchies';
import type { Cgroup, Machine } from '../model/hostModel';
import { ownThreads } from '../model/machines';
import { visible } from '../visible';
import { fileOf } from './asRead';
import { threadsText } from './cpuWords';
import type { Rule } from './rule';

/**
 * `pressure-high`: for a minute, and still, threads of a cgroup have waited for a CPU.
 *
 * **Cause.** As of `cpu-wait` and `throttled`: too many on the same CPUs, or a quota that runs out. The kernel keeps the
 * averages itself, so that one look tells.
 *
 * **Signature.** `some avg60` and `some avg10` of `cpu.pressure` both read 20 or more, in a v2 cgroup in which threads of the
 * machine are; of several the worst is named. Not that of the whole machine: with many vCPUs one of them nearly always waits; so it is information where
 * several vCPUs are right in one, as in a scope without groups. Not in a user's session, where it may be that of anything else. Not where two looks show that this cgroup's quota ran out: then `throttled` says it.
 *
 * **Cost.** In that share of the time at least one of these threads was ready to run and did not.
 *
 * **Fix.** See who else may run on these CPUs, and give one of them others; or raise the quota, if it is that.
 *
 * **Sources.** Documentation/accounting/psi.rst; admin-guide/cgroup-v2.rst ("cpu.pressure").
 */
export const pressureHigh: Rule = {
  id: 'pressure-high',
  title: () => t('CPU pressure is high'),
  check: (host, machine) => {
    const { kind } = host.layoutOf(machine);
    if (kind === 'user session' || kind === 'unmanaged') return [];
    const places = new Set(ownThreads(machine).map(({ membership }) => membership.places.get(V2_KEY)?.cgroup));
    let worst: Cgroup | undefined;
    for (const cgroup of places) {
      // In the root it is the whole host's, and in a slice that of all in it.
      if (!cgroup?.cpuPressure || !isHigh(cgroup) || cgroup.path === '/' || cgroup.path.endsWith('.slice') || host.recent?.throttling(cgroup)) continue;
      if (!worst || cgroup.cpuPressure.avg60 > worst.cpuPressure!.avg60) worst = cgroup;
    }
    if (!worst) return [];
    const { path } = worst;
    const { avg10, avg60 } = worst.cpuPressure!;
    const threads = host.threadsWithin(machine, worst);
    return [{
      rule: pressureHigh.id,
      severity: holdsSeveralVcpus(machine, worst) ? 'information' : 'warning',
      machine,
      threads,
      at: { kind: 'value', hierarchy: V2_KEY, path, name: 'pressure' },
      evidence: fileOf(worst, 'cpu.pressure', `some avg10=${avg10.toFixed(2)} avg60=${avg60.toFixed(2)}`),
      sentence: shown => t('threads in {0} waited for a CPU {1} % of the last minute ({2})', visible(shown(path)), Math.round(avg60), threadsText(threads)),
      cost: () => t('so long at least one of them was ready to run and did not: the guest sees stolen time'),
      advice: () => t('see who else may run on their CPUs, and whether a quota at or above this cgroup runs out'),
      fixes: [],
    }];
  },
};

/** Percent. */
const HIGH = 20;

function holdsSeveralVcpus(machine: Machine, cgroup: Cgroup): boolean {
  return machine.threads.filter(({ role, membership }) => role.kind === 'vcpu' && membership.places.get(V2_KEY)?.cgroup === cgroup).length > 1;
}

function isHigh({ cpuPressure }: Cgroup): boolean {
  return cpuPressure !== undefined && cpuPressure.avg10 >= HIGH && cpuPressure.avg60 >= HIGH;
}
