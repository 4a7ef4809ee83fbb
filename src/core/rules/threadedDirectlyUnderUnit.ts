import { t } from '@vscode/l10n';
import { V2_KEY } from '../model/hierarchies';
import { cgroupOwner } from '../model/owner';
import { machineScope } from '../parse/systemdName';
import { visible } from '../visible';
import { fileOf } from './asRead';
import type { Finding, Rule } from './rule';

/**
 * `threaded-directly-under-unit`: the cgroup of a unit of systemd itself has become the root of a threaded domain.
 *
 * **Cause.** A threaded group was made right below the unit's own cgroup. libvirt before 7.1 does that with v2: then nobody has
 * done anything wrong, and a newer libvirt has the level `libvirt` in between.
 *
 * **Signature.** In v2 `cgroup.type` of a service's or scope's own cgroup reads `domain threaded`. That of `SCOPE/libvirt` does in
 * every healthy machine of libvirt, and is not meant.
 *
 * **Cost.** systemd puts the processes of `ExecReload=`, `ExecStop=` and the like into `UNIT/.control`, which is `domain invalid`
 * now: they end with 219/CGROUP, so that the service can neither be reloaded nor stopped in its own way. A scope has no such
 * processes; in it only `systemctl status` is disturbed.
 *
 * **Fix.** One level more: processes in `UNIT/NAME`, groups of threads in `UNIT/NAME/…`. Nothing turns a threaded group back:
 * it has to be removed, or the unit started anew.
 *
 * **Sources.** systemd/systemd#22486; systemd docs/CGROUP_DELEGATION.md; libvirt commit 184245f53b94 (7.1.0, `libvirt/`);
 * admin-guide/cgroup-v2.rst ("Threads").
 */
export const threadedDirectlyUnderUnit: Rule = {
  id: 'threaded-directly-under-unit',
  title: () => t('Groups of threads right below a unit of systemd'),
  check: (host, machine) => {
    const v2 = host.model.hierarchies.find(({ key }) => key === V2_KEY);
    if (!v2) return [];
    return [...host.around(machine)].filter(({ hierarchy, type, path }) => hierarchy === V2_KEY && type === 'domain threaded' && cgroupOwner(host.model, v2, path).kind === 'unit').map((unit): Finding => {
      const { path } = unit;
      const isScope = path.endsWith('.scope');
      const isOfLibvirt = machineScope(path)?.scope === path;
      return {
        rule: threadedDirectlyUnderUnit.id,
        severity: isScope ? 'information' : 'warning',
        machine,
        threads: host.threadsWithin(machine, unit).filter(({ membership }) => membership.places.get(V2_KEY)?.path !== path),
        at: { kind: 'value', hierarchy: V2_KEY, path, name: 'type' },
        evidence: fileOf(unit, 'cgroup.type'),
        sentence: shown => (isOfLibvirt ? t('threads are in groups right below {0}, as libvirt before 7.1 has them', visible(shown(path))) : t('threads are in groups right below {0}: systemd can put no process of its own there', visible(shown(path)))),
        cost: () => (isScope ? t('systemctl status cannot list the processes of the scope; the machine itself is not disturbed') : t('reload and stop of the service fail with 219/CGROUP')),
        advice: shown => (isOfLibvirt ? t('nothing, or libvirt 7.1 or newer') : t('one level more: processes in {0}/NAME, groups of threads below that; then start the unit anew', visible(shown(path)))),
        fixes: [],
      };
    });
  },
};
