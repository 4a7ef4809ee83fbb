import { t } from '@vscode/l10n';
import { V2_KEY } from '../model/hierarchies';
import { visible } from '../visible';
import { placeLine } from './asRead';
import type { Rule } from './rule';

/**
 * `hybrid-no-controllers`: the machine's path in v2 limits nothing here.
 *
 * **Cause.** systemd's hybrid mode: controllers are in v1, and v2 is mounted besides, without any, for systemd's own
 * bookkeeping.
 *
 * **Signature.** There are v1 controllers, `cgroup.controllers` of the v2 mount is empty, and the `0::` line of a thread names a
 * cgroup below the root: `0::/machine.slice/…` looks as if the machine were placed by v2. Where it reads `0::/` nobody is
 * misled, and nothing is said.
 *
 * **Cost.** None. Who reads the `0::` line looks for limits in the wrong place, and who moves a thread there changes nothing.
 *
 * **Fix.** Read and write the v1 lines.
 *
 * **Sources.** systemd docs/CGROUP_DELEGATION.md ("Three Different Tree Setups"); cgroups(7).
 */
export const hybridNoControllers: Rule = {
  id: 'hybrid-no-controllers',
  title: () => t('v2 is here without controllers'),
  check: ({ model }, machine) => {
    const v2 = model.mode === 'hybrid' ? model.hierarchies.find(({ key }) => key === V2_KEY) : undefined;
    const leader = machine.threads.find(({ tid }) => tid === machine.pid);
    const place = v2 && leader?.membership.places.get(V2_KEY);
    if (!v2 || !leader || !place || place.path === v2.mountRoot) return [];
    const { path } = place;
    return [{
      rule: hybridNoControllers.id,
      severity: 'hint',
      machine,
      threads: [],
      at: { kind: 'place', thread: leader, hierarchy: V2_KEY, path, expected: undefined },
      evidence: [placeLine(leader, v2), ...(v2.mountPoint === undefined ? [] : [{ file: `${v2.mountPoint}/cgroup.controllers`, value: '' }])],
      sentence: shown => t('{0} (v2) limits nothing: on this host v2 has no controllers', visible(shown(path))),
      cost: () => t('nothing; who looks for limits there finds none'),
      advice: () => t('read and write the v1 hierarchies'),
      fixes: [],
    }];
  },
};
