import { t } from '@vscode/l10n';
import { machineDirectories } from '../model/subtree';
import { visible } from '../visible';
import { placeLine } from './asRead';
import type { Rule } from './rule';

/**
 * `no-machined-fallback`: libvirt has placed the machine by itself, although the host has systemd.
 *
 * **Cause.** libvirt asks systemd-machined for a scope. Where that is not installed or does not answer, it makes `/machine` and a
 * directory in it by itself, and says nothing. It looks for machined once in its life: one that is installed later counts
 * from libvirtd's next start on, and for machines that are started then.
 *
 * **Signature.** PID 1 is systemd, and the machine is in `qemu-ID-NAME.libvirt-qemu` with no scope or service above it. In v1 its
 * `name=systemd` is `libvirtd.service`. Not for libvirt in a container, which has no machined.
 *
 * **Cost.** systemd does not know of the machine: `machinectl` and `systemctl set-property` do not reach it, slices do not hold
 * it, and in v1 it counts as part of `libvirtd.service` (TasksMax=, `systemctl status`).
 *
 * **Fix.** Install systemd-machined (Debian: systemd-container), restart libvirtd, and start the machine anew.
 *
 * **Sources.** libvirt src/util/virsystemd.c (virSystemdHasMachined), src/util/vircgroup.c (virCgroupNewMachine);
 * systemd/systemd#13629; made in a guest: libvirt 9.0 with machined's D-Bus service away.
 */
export const noMachinedFallback: Rule = {
  id: 'no-machined-fallback',
  title: () => t('libvirt has placed the machine without systemd-machined'),
  check: (host, machine) => {
    const home = host.model.init === 'systemd' && host.layoutOf(machine).kind === 'libvirt alone' ? machineDirectories(host.model, machine)?.home : undefined;
    if (home === undefined || /\.(scope|service)\//.test(home) || home.startsWith('/../')) return [];
    const leader = machine.threads.find(({ tid }) => tid === machine.pid);
    const where = host.model.hierarchies.filter(({ key }) => key === 'name=systemd' || leader?.membership.places.get(key)?.path.startsWith(home)).slice(-2);
    return [{
      rule: noMachinedFallback.id,
      severity: 'information',
      machine,
      threads: [],
      at: { kind: 'machine' },
      evidence: leader ? where.map(hierarchy => placeLine(leader, hierarchy)) : [],
      sentence: shown => t('libvirt has made {0} by itself, without systemd-machined', visible(shown(home))),
      cost: () => t('systemd does not know of the machine: machinectl, slices and systemctl set-property do not reach it'),
      advice: () => t('install systemd-machined (Debian: systemd-container), restart libvirtd, and start the machine anew'),
      fixes: [],
    }];
  },
};
