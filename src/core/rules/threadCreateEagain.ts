import { t } from '@vscode/l10n';
import type { Cgroup, Machine } from '../model/hostModel';
import { isWithin } from '../model/subtree';
import { visible } from '../visible';
import { fileOf } from './asRead';
import type { CheckedHost } from './checkedHost';
import type { Finding, Rule } from './rule';
import { timesText } from './words';

/**
 * `thread-create-eagain`: there may be no more threads, or nearly none.
 *
 * **Cause.** `pids.max` of a cgroup at or above the machine: systemd's `TasksMax=` (16384 for a machine of machined, 15 % of
 * the kernel's limit for a service), or a limit by hand. Threads count as tasks; QEMU makes up to 64 workers for disks, one
 * thread for each client of VNC, some for a migration.
 *
 * **Signature.** `pids.current` is nine tenths of `pids.max` or more: a warning where fewer than 256 more can be made, or where some
 * were refused in the machine's own cgroup (`pids.events`, `max`); else information, for a machine that has long had its threads needs
 * no more. That new tasks were refused before, while there is room now, is said as information too.
 *
 * **Cost.** The next `pthread_create` fails with EAGAIN. QEMU cannot go on without it: it ends, and the guest with it; or a
 * migration, a snapshot, a hot-plugged vCPU fails.
 *
 * **Fix.** A higher `pids.max` of the machine's own cgroup: `systemctl set-property SCOPE TasksMax=…`, or by hand. Of a slice
 * or a service with others in it, its administrator's decision.
 *
 * **Sources.** admin-guide/cgroup-v2.rst ("PID"), cgroup-v1/pids.rst; util/qemu-thread-posix.c (qemu_thread_create); canonical/lxd#3764.
 */
export const threadCreateEagain: Rule = {
  id: 'thread-create-eagain',
  title: () => t('No more threads may be made'),
  check: (host, machine) => {
    const near = [...host.around(machine)].filter(isNear);
    if (near.length > 0) return near.map(cgroup => full(host, machine, cgroup));
    return [...host.around(machine)].flatMap(cgroup => (wasRefused(host, machine, cgroup) ? [refused(machine, cgroup)] : []));
  },
};

const NEAR = 0.9;

/** QEMU's workers for disks, the threads of a migration and some clients of VNC are fewer. */
const ROOM = 256;

function isNear({ pidsCurrent, pidsMax }: Cgroup): boolean {
  return typeof pidsMax === 'number' && pidsCurrent !== undefined && pidsCurrent >= pidsMax * NEAR;
}

/** Elsewhere it may have been anybody's. */
function wasRefused(host: CheckedHost, machine: Machine, { pidsRefused, hierarchy, path }: Cgroup): boolean {
  if (pidsRefused === undefined || pidsRefused === 0) return false;
  const top = host.topOf(machine, hierarchy);
  return top !== undefined && isWithin(path, top);
}

function full(host: CheckedHost, machine: Machine, cgroup: Cgroup): Finding {
  const { hierarchy, path } = cgroup;
  const [current, max] = [cgroup.pidsCurrent!, Number(cgroup.pidsMax)];
  const left = Math.max(0, max - current);
  const more = Math.max(max, current) * 2;
  return {
    ...about(machine, cgroup),
    severity: left < ROOM || wasRefused(host, machine, cgroup) ? 'warning' : 'information',
    sentence: shown => (left === 0 ? t('{0} has {1} of at most {2} tasks: no thread can be made', visible(shown(path)), current, max) : t('{0} has {1} of at most {2} tasks: {3} more can be made', visible(shown(path)), current, max, left)),
    fixes: host.isOwnLimit(machine, cgroup) ? [{ title: shown => t('Allow {0} tasks in {1}', more, visible(shown(path))), changes: () => [{ kind: 'set', hierarchy, path, file: 'pids.max', value: String(more) }] }] : [],
  };
}

function refused(machine: Machine, cgroup: Cgroup): Finding {
  return {
    ...about(machine, cgroup),
    severity: 'information',
    sentence: shown => t('in {0} a new task was refused {1} since it was made', visible(shown(cgroup.path)), timesText(cgroup.pidsRefused!)),
    fixes: [],
  };
}

function about(machine: Machine, cgroup: Cgroup): Pick<Finding, 'rule' | 'machine' | 'threads' | 'at' | 'evidence' | 'cost' | 'advice'> {
  const { hierarchy, path, pidsRefused, pidsCurrent } = cgroup;
  return {
    rule: threadCreateEagain.id,
    machine,
    threads: [],
    at: { kind: 'value', hierarchy, path, name: 'pids' },
    evidence: [...fileOf(cgroup, 'pids.max'), ...fileOf(cgroup, 'pids.current', pidsCurrent?.toString()), ...fileOf(cgroup, 'pids.events', pidsRefused === undefined ? undefined : `max ${pidsRefused}`)],
    cost: () => t('QEMU ends when it cannot make a thread that it needs, or a disk, a migration, a new vCPU fails with EAGAIN'),
    advice: shown => t('raise pids.max of {0}: systemctl set-property … TasksMax= where it is a unit of systemd', visible(shown(path))),
  };
}
