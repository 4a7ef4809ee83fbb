import { t } from '@vscode/l10n';
import { isWithin } from '../model/subtree';
import { visible } from '../visible';
import { fileOf } from './asRead';
import type { Rule } from './rule';

/**
 * `shares-too-big`: the machine will not start on a host with v2.
 *
 * **Cause.** v1 takes `cpu.shares` up to 262144, v2 `cpu.weight` up to 10000. libvirt writes `<cputune><shares>` as it is to
 * either; nova before Zed gave 1024 for each vCPU.
 *
 * **Signature.** `cpu.shares` of the machine's own v1 cgroup reads more than 10000. On v2 there is nothing to be read: such a
 * machine is not there.
 *
 * **Cost.** None here. After a migration, or once the host is switched to v2, its start fails: ERANGE, "Numerical result out of range".
 *
 * **Fix.** Shares of 10000 at most in the domain's definition, of all machines in the same proportion.
 *
 * **Sources.** admin-guide/cgroup-v2.rst ("cpu.weight"); nova bug 1978489; apache/cloudstack#6744.
 */
export const sharesTooBig: Rule = {
  id: 'shares-too-big',
  title: () => t('CPU shares that v2 does not take'),
  check: (host, machine) => {
    for (const cgroup of host.around(machine)) {
      const { shares, hierarchy, path } = cgroup;
      if (shares === undefined || shares <= MOST_WEIGHT) continue;
      const top = host.topOf(machine, hierarchy);
      if (top === undefined || !isWithin(path, top)) continue;
      return [{
        rule: sharesTooBig.id,
        severity: 'hint',
        machine,
        threads: [],
        at: { kind: 'value', hierarchy, path, name: 'shares' },
        evidence: fileOf(cgroup, 'cpu.shares'),
        sentence: shown => t('{0} has {1} CPU shares, and v2 takes a weight of at most {2}', visible(shown(path)), shares, MOST_WEIGHT),
        cost: () => t('nothing here; on a host with v2 the machine does not start: ERANGE'),
        advice: () => t('set at most {0} shares in the domain\'s definition (virsh schedinfo --config), of all machines in the same proportion', MOST_WEIGHT),
        fixes: [],
      }];
    }
    return [];
  },
};

const MOST_WEIGHT = 10000;
