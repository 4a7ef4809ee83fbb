import { t } from '@vscode/l10n';
import type { Cgroup, Machine } from '../model/hostModel';
import { visible } from '../visible';
import { cpusText, cpusetFiles, filesOf, isolatedOf, threadsText } from './cpuWords';
import type { CheckedHost } from './checkedHost';
import type { Finding, Rule } from './rule';

/**
 * `partition-invalid`: a cpuset was to have CPUs for itself, and has not got them.
 *
 * **Cause.** `cpuset.cpus.partition` takes its words always: whether a partition comes of it, and whether it stays one when
 * CPUs, parents or siblings change, the kernel tells only by what the file reads then. The reason stands in brackets
 * (since Linux 6.1).
 *
 * **Signature.** `cpuset.cpus.partition` of a cgroup at or above the machine's threads reads `root invalid (…)` or
 * `isolated invalid (…)`.
 *
 * **Cost.** The CPUs are shared with everybody, and where `isolated` was wanted the scheduler balances on them: latency as
 * if nothing had been set.
 *
 * **Fix.** By the reason: CPUs that are given to no sibling, a parent that is a partition itself and keeps CPUs of its own, CPUs
 * that are online; CPUs isolated at boot can only be in an `isolated` partition. The kernel makes it valid by itself once
 * the reason is gone.
 *
 * **Sources.** Documentation/admin-guide/cgroup-v2.rst ("cpuset.cpus.partition"); kernel/cgroup/cpuset.c (perr_strings).
 */
export const partitionInvalid: Rule = {
  id: 'partition-invalid',
  title: () => t('A partition of CPUs is not valid'),
  check: (host, machine) => host.cpusetsAround(machine).flatMap(cgroup => (cgroup.partition?.includes(' invalid') === true ? [finding(host, machine, cgroup, cgroup.partition)] : [])),
};

function finding(host: CheckedHost, machine: Machine, cgroup: Cgroup, partition: string): Finding {
  const threads = host.threadsWithin(machine, cgroup);
  const [wanted] = partition.split(' ');
  const reason = /\((.*)\)/s.exec(partition)?.[1];
  return {
    rule: partitionInvalid.id,
    severity: 'warning',
    machine,
    threads,
    at: { kind: 'value', hierarchy: cgroup.hierarchy, path: cgroup.path, name: 'partition' },
    evidence: [...filesOf(cgroup, 'cpuset.cpus.partition'), ...cpusetFiles(cgroup), ...filesOf(cgroup.parent, 'cpuset.cpus.partition'), ...isolatedOf(host.model)],
    sentence: shown => {
      const what = t('{0} was to be a partition ({1}) and is none', visible(shown(cgroup.path)), visible(wanted!));
      return reason === undefined ? what : t('{0}: {1}', what, visible(reason));
    },
    cost: () => (wanted === 'isolated' ? t('others run on the CPUs of {0}, and the scheduler balances on them', threadsText(threads)) : t('others run on the CPUs of {0}', threadsText(threads))),
    advice: () => adviceOf(reason ?? '', cgroup),
    fixes: [],
  };
}

/** By the beginning of the reason: wordings differ between kernels. */
function adviceOf(reason: string, cgroup: Cgroup): string {
  return ADVICE.find(([beginning]) => reason.startsWith(beginning))?.[1](cgroup) ?? t('look at what the cgroups above and beside it have: the kernel makes the partition valid once the reason is gone');
}

const ADVICE: readonly (readonly [string, (cgroup: Cgroup) => string])[] = [
  ['Invalid cpu list', () => t('give it CPUs that its parent has: cpuset.cpus.exclusive must be a part of the parent\'s')],
  ['Parent is an invalid partition root', () => t('make the partition above it valid first')],
  ['Parent is not a partition root', () => t('make its parent a partition first (root), or, since Linux 6.7, write its CPUs to cpuset.cpus.exclusive of it and of all above it')],
  ['Cpu list in cpuset.cpus not exclusive', ({ cpus }) => t('take {0} from the cpuset.cpus of the cgroups beside it', cpus ? cpusText(cpus) : t('its CPUs'))],
  ['Parent unable to distribute cpu downstream', () => t('leave its parent a CPU of its own: it has tasks, or gives all its CPUs away')],
  ['No cpu available due to hotplug', () => t('bring one of its CPUs online')],
  ['cpuset.cpus', () => t('write the CPUs that it is to have to its cpuset.cpus')],
  ['partition config conflicts with housekeeping setup', () => t('write isolated instead of root: CPUs that were isolated at boot (isolcpus) can be in no other partition')],
  ['Enable partition not permitted', () => t('make the partition as root of the host: without CAP_SYS_ADMIN there is none without a parent that is one')],
  ['Have remote partition underneath', () => t('make the partition below it a member first')],
];
