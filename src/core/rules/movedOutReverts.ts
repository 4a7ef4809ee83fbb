import { t } from '@vscode/l10n';
import type { Machine } from '../model/hostModel';
import { cgroupOwner } from '../model/owner';
import { ownThreads } from '../model/machines';
import { isWithin } from '../model/subtree';
import { visible } from '../visible';
import { placeLine } from './asRead';
import type { CheckedHost } from './checkedHost';
import { hierarchyText } from './words';
import type { Finding, Rule } from './rule';

/**
 * `moved-out-reverts`: a process was moved out of its unit in one v1 controller, and systemd may put it back.
 *
 * **Cause.** Somebody wrote the PID to another cgroup (`cgclassify`, `cgexec`, a script). systemd knows where a unit is by
 * `name=systemd`, and brings the other controllers in line with that when it is reloaded or sets a value of the unit.
 *
 * **Signature.** PID 1 is systemd; by `name=systemd` the machine is in a unit; and all of its threads are in one cgroup of a
 * controller that systemd uses, which is neither in that unit nor above it. Not for machines of libvirt: their scopes are delegated,
 * and nothing is put back there (measured). In v2 a process has one place only: that it was moved cannot be read.
 *
 * **Cost.** Limits that were set at the other place hold until systemd thinks of the unit again.
 *
 * **Fix.** A unit of one's own for what is to have limits of its own: `Slice=`, `CPUQuota=`, or a scope with `Delegate=yes`.
 *
 * **Sources.** systemd/systemd#15496; systemd CGROUP_DELEGATION.md ("the single-writer rule").
 */
export const movedOutReverts: Rule = {
  id: 'moved-out-reverts',
  title: () => t('A process was moved out of its unit, and systemd may put it back'),
  check(host: CheckedHost, machine: Machine): Finding[] {
    const { init, hierarchies } = host.model;
    const own = ownThreads(machine);
    const unit = own[0]?.membership.places.get('name=systemd')?.path;
    if (init !== 'systemd' || unit === undefined || unit === '/' || host.layoutOf(machine).kind.startsWith('libvirt')) return [];
    const named = hierarchies.find(({ key }) => key === 'name=systemd')!;
    if (cgroupOwner(host.model, named, unit).kind !== 'unit') return [];
    return hierarchies.filter(({ version, controllers }) => version === 1 && controllers.some(controller => SYSTEMDS.has(controller))).flatMap((hierarchy): Finding[] => {
      const paths = new Set(own.map(({ membership }) => membership.places.get(hierarchy.key)?.path));
      const [path] = paths;
      if (paths.size !== 1 || path === undefined || isWithin(path, unit) || isWithin(unit, path)) return [];
      return [{
        rule: movedOutReverts.id,
        severity: 'information',
        machine,
        threads: own,
        at: { kind: 'place', thread: own[0]!, hierarchy: hierarchy.key, path, expected: undefined },
        evidence: [placeLine(own[0]!, hierarchy), placeLine(own[0]!, named)],
        sentence: shown => t('it is in {0} ({1}), out of its unit {2}: systemd may put it back', visible(shown(path)), hierarchyText(hierarchy), visible(shown(unit))),
        cost: () => t('limits that are set there hold until systemd is reloaded, or sets a value of the unit'),
        advice: () => t('give it a unit with the limits that it is to have (Slice=, CPUQuota=), or a scope with Delegate=yes'),
        fixes: [],
      }];
    });
  },
};

/** Controllers of v1 in which systemd makes cgroups for units (v252, CGROUP_MASK_V1). */
const SYSTEMDS = new Set(['cpu', 'cpuacct', 'blkio', 'memory', 'devices', 'pids']);
