import { t } from '@vscode/l10n';
import { V2_KEY } from '../model/hierarchies';
import { fileOf } from './asRead';
import type { Rule } from './rule';

/**
 * `stale-tools-on-threaded`: tools that list the processes of a cgroup fail at this machine's, and nothing is wrong with it.
 *
 * **Cause.** In v2 `cgroup.procs` of a threaded cgroup cannot be read: EOPNOTSUPP. systemd before PR#22095, and in places up
 * to 255, runc and others read it all the same.
 *
 * **Signature.** A thread of the machine is in a cgroup whose `cgroup.type` reads `threaded`, and PID 1 is systemd. So it is in
 * every machine of libvirt in v2: a hint, for who has just met the message.
 *
 * **Cost.** None to the guest. `systemctl status` says "Failed to dump process list … Operation not supported" or "Input/output
 * error"; `systemd-cgls` leaves threads out.
 *
 * **Fix.** A newer systemd; threads are listed by `cgroup.threads`.
 *
 * **Sources.** systemd/systemd#22089, PR#22095, #32259; opencontainers/runc#3821, #3894; kernel/cgroup/cgroup.c
 * (cgroup_procs_start).
 */
export const staleToolsOnThreaded: Rule = {
  id: 'stale-tools-on-threaded',
  title: () => t('Tools may fail at groups of threads'),
  check: (host, machine) => {
    if (host.model.init !== 'systemd') return [];
    for (const cgroup of host.around(machine)) {
      if (cgroup.hierarchy !== V2_KEY || cgroup.type !== 'threaded') continue;
      return [{
        rule: staleToolsOnThreaded.id,
        severity: 'hint',
        machine,
        threads: [],
        at: { kind: 'machine' },
        evidence: fileOf(cgroup, 'cgroup.type'),
        sentence: () => t('cgroup.procs cannot be read in groups of threads: systemctl status may say "Operation not supported" or "Input/output error"'),
        cost: () => t('nothing: it is the tool that fails, not the machine'),
        advice: () => t('read cgroup.threads instead, or update systemd'),
        fixes: [],
      }];
    }
    return [];
  },
};
