import { t } from '@vscode/l10n';
import { isStaged } from '../layout/layout';
import type { Cgroup, Machine, Thread } from '../model/hostModel';
import { ownThreads } from '../model/machines';
import type { Rates, Throttling } from '../model/rates';
import { commandText } from '../shellWord';
import { visible } from '../visible';
import { fileOf } from './asRead';
import type { CheckedHost } from './checkedHost';
import { threadsText } from './cpuWords';
import type { Evidence, Finding, Fix, Rule } from './rule';
import { hasVcpu, percent, timesText } from './words';

/**
 * `throttled`: a CPU quota ran out, and threads stood still because of it.
 *
 * **Cause.** A cgroup at or above the threads has a quota (`cpu.max`, v1 `cpu.cfs_quota_us`), set by libvirt (`<vcpu_quota>`,
 * `<emulator_quota>`, `<iothread_quota>`, `virsh schedinfo`), by a cloud's flavor, by Proxmox VE (`cpulimit`), by the kubelet (a
 * pod's `resources.limits.cpu`), or by systemd (`CPUQuota=`) for a whole slice. Once the threads have used it up, none of them runs until the next period begins, however idle the CPUs are.
 *
 * **Signature.** Between two looks `nr_throttled` of the cgroup's `cpu.stat` grew, and the time that was lost is 5 % or more:
 * a warning, with the cgroup whose own quota it was. Of one look only the sums since the cgroup was made are known: then
 * it is a hint, from a quarter of all periods on. A machine that was throttled while it booted has such sums for ever.
 *
 * **Cost.** A vCPU stands still in the middle of what it does: the guest sees stolen time, late timers, and with a lock held
 * its other vCPUs wait as well. In `emulator` the quota stops QEMU's main loop: the monitor, disks, the network.
 *
 * **Fix.** Raise the quota or remove it, where it is the machine's own (`virsh schedinfo DOMAIN --live --config
 * vcpu_quota=-1`; Proxmox VE: `qm set ID --cpulimit`). A pod's limit is raised in the spec of its VirtualMachineInstance. The
 * quota of a slice is shared by all in it: that is its administrator's decision.
 *
 * **Sources.** Documentation/scheduler/sched-bwc.rst, admin-guide/cgroup-v2.rst ("CPU Interface Files"); v1 and v2 add up the
 * time of each CPU on which threads were held back, so that it can be more than the time that passed.
 */
export const throttled: Rule = {
  id: 'throttled',
  title: () => t('A CPU quota ran out'),
  check: (host, machine) => (host.recent ? sinceLook(host, host.recent, machine) : sinceMade(host, machine)),
};

/** Of the time between two looks. */
const LOST = 0.05;
/** Of all periods, and at least so often, since the cgroup was made. */
const PERIODS = 0.25;
const TIMES = 10;

function sinceLook(host: CheckedHost, rates: Rates, machine: Machine): Finding[] {
  const held = new Map<Cgroup, { readonly throttling: Throttling; readonly threads: Thread[] }>();
  for (const thread of ownThreads(machine)) {
    const throttling = rates.throttled(thread);
    if (!throttling || throttling.share < LOST) continue;
    const known = held.get(throttling.cgroup);
    if (known) known.threads.push(thread);
    else held.set(throttling.cgroup, { throttling, threads: [thread] });
  }
  return [...held.values()].map(({ throttling: { cgroup, share, times }, threads }): Finding => {
    const own = host.isOwnLimit(machine, cgroup);
    return {
      ...about(machine, cgroup, threads),
      severity: 'warning',
      sentence: shown => t('{0} ran out of its CPU quota{1} {2}, {3} of the time: {4} stood still', visible(shown(cgroup.path)), quotaText(cgroup), timesText(times), percent(share), threadsText(threads)),
      advice: shown => advice(host, machine, cgroup, visible(shown(cgroup.path))),
      fixes: own && cgroup.bandwidth && host.layoutOf(machine).kind !== 'KubeVirt' ? [withoutLimit(cgroup)] : [],
    };
  });
}

/** By what set it. */
function advice(host: CheckedHost, machine: Machine, cgroup: Cgroup, path: string): string {
  const layout = host.layoutOf(machine);
  if (layout.kind === 'KubeVirt' && POD.test(cgroup.path)) return t('{0} has the limit of the pod: raise resources.limits.cpu in the spec of the VirtualMachineInstance, or leave it out there', path);
  if (!host.isOwnLimit(machine, cgroup)) return t('the quota of {0} is shared by all that is in it: ask who set it (systemctl set-property … CPUQuota=) for more', path);
  const id = layout.kind === 'Proxmox VE' ? /\/qemu\.slice\/(\d+)\.scope$/.exec(cgroup.path)?.[1] : undefined;
  if (id !== undefined) return t('raise the limit, in CPUs, 0 for none: {0}', commandText(['qm', 'set', id, '--cpulimit', 'CPUS']));
  return isStaged(layout) ? t('raise the quota of {0} or remove it, with what set it: virsh schedinfo, the cloud\'s flavor', path) : t('raise the quota of {0} or remove it, with what set it', path);
}

/** A pod's cgroup or one in it, by either of the kubelet's drivers. */
const POD = /\/kubepods(\.slice)?\/.*\bpod/;

function sinceMade(host: CheckedHost, machine: Machine): Finding[] {
  const often = [...host.around(machine)].filter(({ throttled: sums }) => sums !== undefined && sums.times >= TIMES && sums.times >= sums.periods * PERIODS);
  return often.map((cgroup): Finding => {
    const { times, periods } = cgroup.throttled!;
    const threads = host.threadsWithin(machine, cgroup);
    return {
      ...about(machine, cgroup, threads),
      severity: 'hint',
      sentence: shown => t('{0} ran out of its CPU quota{1} in {2} of {3} periods since it was made', visible(shown(cgroup.path)), quotaText(cgroup), times, periods),
      advice: () => t('look a second time: what happens in between tells whether it still goes on'),
      fixes: [],
    };
  });
}

function about(machine: Machine, cgroup: Cgroup, threads: readonly Thread[]): Pick<Finding, 'rule' | 'machine' | 'threads' | 'at' | 'evidence' | 'cost'> {
  return {
    rule: throttled.id,
    machine,
    threads,
    at: { kind: 'value', hierarchy: cgroup.hierarchy, path: cgroup.path, name: 'quota' },
    evidence: evidence(cgroup),
    cost: () => (threads.length === 0 || hasVcpu(threads)
      ? t('all threads that it holds stand still until the next period begins: the guest sees stolen time and late timers')
      : t('all threads that it holds stand still until the next period begins: disks, network and the monitor are served late')),
  };
}

function quotaText({ bandwidth }: Cgroup): string {
  return bandwidth ? ` (${bandwidth.quota}/${bandwidth.period})` : '';
}

function evidence(cgroup: Cgroup): Evidence[] {
  const { periods, times, time } = cgroup.throttled!;
  const lost = cgroup.hierarchy === '0::' ? `throttled_usec ${time / 1000}` : `throttled_time ${time}`;
  const stat = fileOf(cgroup, 'cpu.stat', `nr_periods ${periods}, nr_throttled ${times}, ${lost}`);
  return [...stat, ...['cpu.max', 'cpu.cfs_quota_us', 'cpu.cfs_period_us'].flatMap(file => fileOf(cgroup, file))];
}

function withoutLimit({ hierarchy, path, bandwidth }: Cgroup): Fix {
  return {
    title: shown => t('Remove the CPU quota of {0}', visible(shown(path))),
    changes: () => [{ kind: 'quota', hierarchy, path, to: { quota: 'max', period: bandwidth!.period } }],
  };
}
