import * as vscode from 'vscode';
import type { CgroupTree, HierarchyTree } from '../../core/model/cgroupTree';
import type { Cgroup, Hierarchy } from '../../core/model/hostModel';
import type { EffectiveLimit } from '../../core/model/limits';
import type { CgroupOwner, ValuesOwner } from '../../core/model/owner';
import { tell, worstFirst } from '../findingText';
import { findingsIn } from '../findings';
import type { HostView } from '../hostService';
import { core } from '../lazyCore';
import { Markdown } from '../text';

/** The whole story of one cgroup: what it is, whose, what it asks for and what holds. */
export function cgroupTooltip(view: HostView, tree: CgroupTree, hierarchy: Hierarchy, cgroup: Cgroup): vscode.MarkdownString {
  const text = new Markdown().own('**').host(core().unescapeUnit(core().cgroupName(cgroup))).own('**\n');
  text.entry(vscode.l10n.t('Hierarchy'), hierarchy.key).entry(vscode.l10n.t('Path'), cgroup.path);
  describe(text, view, tree, hierarchy, cgroup);
  return text.build();
}

export function hierarchyTooltip(view: HostView, tree: CgroupTree, { hierarchy, root, strays }: HierarchyTree): vscode.MarkdownString {
  const text = new Markdown().own('**').host(hierarchy.key).own(`** (cgroup v${hierarchy.version})\n`);
  text.entry(vscode.l10n.t('Mounted at'), hierarchy.mountPoint ?? vscode.l10n.t('nowhere that the reader sees'));
  if (hierarchy.mountRoot !== '/') text.entry(vscode.l10n.t('Its top, seen from here'), hierarchy.mountRoot);
  if (root) describe(text, view, tree, hierarchy, root);
  if (strays.length > 0) text.entry(vscode.l10n.t('Threads in removed cgroups'), String(strays.length));
  return text.build();
}

function describe(text: Markdown, view: HostView, tree: CgroupTree, hierarchy: Hierarchy, cgroup: Cgroup): void {
  const { model } = view;
  for (const finding of worstFirst(findingsIn(model).atCgroup(model, cgroup))) tell(text, model, finding);
  text.own('\n');
  if (cgroup.type !== undefined) text.entry(cgroup.type, typeText(cgroup.type));
  const owner = core().cgroupOwner(model, hierarchy, cgroup.path);
  const values = core().valuesOwner(model, hierarchy, cgroup.path);
  text.entry(vscode.l10n.t('Owner of the cgroup'), ownerText(owner)).entry(vscode.l10n.t('Owner of its values'), valuesText(values));
  // Delegation protects what is below a unit, not the unit's own cgroup (systemd, CGROUP_DELEGATION.md).
  if (owner.kind === 'unit' && values.kind !== 'systemd') text.entry(vscode.l10n.t('And'), vscode.l10n.t('systemd writes what it knows of {0} again at daemon-reload', owner.unit));
  const nodes = model.topology.nodes.size;
  const asked = new Map(core().valuesOf(cgroup, nodes).map(({ name, value }) => [name, value]));
  for (const limit of core().effectiveLimits(cgroup)) {
    if (limit.kind !== 'mems' || nodes > 1) text.entry(limit.kind, limitText(limit, cgroup, asked.get(limit.kind)));
    asked.delete(limit.kind);
  }
  for (const [name, value] of asked) if (name !== 'type' && name !== 'effective') text.entry(name, value || vscode.l10n.t('yes'));
  const { throttled, pidsCurrent, subtreeControl } = cgroup;
  if (throttled && throttled.times > 0) text.entry('cpu.stat', vscode.l10n.t('throttled in {0} of {1} periods, {2} s in all', throttled.times, throttled.periods, (throttled.time / 1e9).toFixed(1)));
  if (pidsCurrent !== undefined) text.entry('pids.current', String(pidsCurrent));
  if (subtreeControl !== undefined) text.entry('cgroup.subtree_control', subtreeControl.join(' ') || vscode.l10n.t('none'));
  const own = tree.occupants(cgroup).length;
  text.entry(vscode.l10n.t('QEMU threads'), vscode.l10n.t('{0} here, {1} below', own, tree.population(cgroup).threads - own));
}

/** cgroup-v2.rst, "Threads". */
function typeText(type: NonNullable<Cgroup['type']>): string {
  switch (type) {
    case 'domain':
      return vscode.l10n.t('holds whole processes; every controller works here');
    case 'domain threaded':
      return vscode.l10n.t('top of a threaded subtree: processes belong here, their threads may be in threaded cgroups below; memory and I/O are counted here');
    case 'threaded':
      return vscode.l10n.t('holds single threads of the processes of the domain above; only cpu, cpuset, perf_event and pids work here; its cgroup.procs cannot be read');
    case 'domain invalid':
      return vscode.l10n.t('can hold nothing: it is below a threaded cgroup, and "threaded" was not written to its cgroup.type');
  }
}

function ownerText(owner: CgroupOwner): string {
  switch (owner.kind) {
    case 'unit':
      return owner.manager === 'system'
        ? vscode.l10n.t('systemd: unit {0}, by its path; PID 1 is systemd', owner.unit)
        : vscode.l10n.t('a user\'s own systemd: unit {0}, by its path', owner.unit);
    case 'delegated':
      return vscode.l10n.t('delegated: it is below {0}, and left to what runs there', owner.by);
    case 'kubelet':
      return vscode.l10n.t('the kubelet, by its path');
    case 'nobody':
      switch (owner.because) {
        case 'root':
          return vscode.l10n.t('nobody: the root of the hierarchy');
        case 'no systemd':
          return vscode.l10n.t('nobody: PID 1 is not systemd');
        case 'not of systemd':
          return vscode.l10n.t('nobody: systemd does not manage this controller in cgroup v1, even where a name looks like a unit');
        case 'no unit':
          return vscode.l10n.t('nobody: systemd has no unit of such a path');
      }
      break;
    case 'unknown':
      return owner.because === 'outside' ? vscode.l10n.t('unknown: it is outside what the reader\'s PID 1 manages') : vscode.l10n.t('unknown: the name of PID 1 could not be read');
  }
}

/** Who writes the values, how that is known, and who will undo a change. */
function valuesText({ kind, knownBy = '' }: ValuesOwner): string {
  switch (kind) {
    case 'systemd':
      return vscode.l10n.t('systemd, as the settings of {0} say; it writes them again at daemon-reload: use systemctl set-property', knownBy);
    case 'libvirt':
      return vscode.l10n.t('libvirt, by the name {0}; it writes them when the machine starts and when virsh or a tool on top of it says so, and does not notice other changes', knownBy);
    case 'nova':
      return vscode.l10n.t('nova through libvirt, by the name {0}; it writes them again when the instance is started, resized or migrated', knownBy);
    case 'KubeVirt':
      return vscode.l10n.t('KubeVirt, by the name {0}; it writes them when the machine starts', knownBy);
    case 'Proxmox VE':
      return vscode.l10n.t('Proxmox VE, by the path {0}; it has systemd write them when the machine starts and at qm set', knownBy);
    case 'kubelet':
      return vscode.l10n.t('the kubelet, by the path below {0}; its CPU manager writes cpuset.cpus again every few seconds', knownBy);
    case 'unknown':
      return vscode.l10n.t('unknown: the administrator, or a tool that no name tells');
  }
}

/** What holds and where it is set, and what the cgroup asks for where that is something else. */
function limitText(limit: EffectiveLimit, cgroup: Cgroup, asked: string | undefined): string {
  const value = limit.kind === 'frozen' ? vscode.l10n.t('yes') : limit.kind === 'quota' ? `${limit.effective.quota}/${limit.effective.period}` : String(limit.effective);
  const set = limit.at === cgroup ? vscode.l10n.t('{0}, set here', value) : vscode.l10n.t('{0}, set at {1}', value, limit.at.path);
  return asked === undefined || asked === '' || asked === value ? set : vscode.l10n.t('asks for {0}; effective: {1}', asked, set);
}
