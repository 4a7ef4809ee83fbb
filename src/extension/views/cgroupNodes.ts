import * as vscode from 'vscode';
import type { CgroupTree, HierarchyTree, Population } from '../../core/model/cgroupTree';
import type { Cgroup, HostModel, Machine, Thread } from '../../core/model/hostModel';
import type { CpuSet } from '../../core/parse/cpuList';
import type { HostState, HostView } from '../hostService';
import { core } from '../lazyCore';
import { plain } from '../text';
import { cgroupTooltip, hierarchyTooltip } from './cgroupTooltip';
import { badge, heldText } from './decorations';
import type { HostNode } from './hostNodes';
import { type HostsRow, ROLE_ICONS, hostItem, percent, row, textItem, threadTooltip, trouble } from './machineNodes';

/** A row of the Cgroups view. Ids are made of what stays: host, hierarchy, path, TID and start time. */
export type CgroupsNode =
  | HostNode
  | HierarchyNode
  | CgroupNode
  | OccupantNode
  | HostsRow;

/** What every row below a host knows: the tree that it is of, and which hierarchy. */
interface InTree {
  readonly id: string;
  readonly state: HostState;
  readonly tree: CgroupTree;
  readonly at: HierarchyTree;
}

/** A hierarchy, which is its root cgroup too. */
export interface HierarchyNode extends InTree {
  readonly kind: 'hierarchy';
  readonly cgroup: Cgroup | undefined;
}

export interface CgroupNode extends InTree {
  readonly kind: 'cgroup';
  readonly cgroup: Cgroup;
}

/** A thread; `cgroup` is `undefined` when its cgroup was removed under it. */
export interface OccupantNode extends InTree {
  readonly kind: 'thread';
  readonly cgroup: Cgroup | undefined;
  readonly machine: Machine;
  readonly thread: Thread;
}

export function hierarchyNode(state: HostState, tree: CgroupTree, at: HierarchyTree): HierarchyNode {
  return { kind: 'hierarchy', id: idOf(state, 'hierarchy', at.hierarchy.key), state, tree, at, cgroup: at.root };
}

/** A root is the row of its hierarchy. */
export function cgroupNode({ state, tree, at }: InTree, cgroup: Cgroup): HierarchyNode | CgroupNode {
  return cgroup === at.root ? hierarchyNode(state, tree, at) : { kind: 'cgroup', id: idOf(state, 'cgroup', at.hierarchy.key, cgroup.path), state, tree, at, cgroup };
}

export function occupantNode({ state, tree, at }: InTree, cgroup: Cgroup | undefined, machine: Machine, thread: Thread): OccupantNode {
  return { kind: 'thread', id: idOf(state, 'thread', at.hierarchy.key, thread.key), state, tree, at, cgroup, machine, thread };
}

/** The hierarchy that says on which CPUs a thread may run, or else for how long, or else any. */
export function hierarchyOfCpus({ hierarchies }: HostModel, { membership }: Thread): string | undefined {
  const of = (controller: string): string | undefined => hierarchies.find(h => h.controllers.includes(controller) && membership.places.has(h.key))?.key;
  return of('cpuset') ?? of('cpu') ?? [...membership.places.keys()][0];
}

/** Where a thread is held back: in the hierarchy that throttles it, or in that of the CPUs it waits for. The others have no part in it. */
export function heldIn(view: HostView, thread: Thread): string | undefined {
  if (trouble(view, thread)?.isBad !== true) return undefined;
  return view.rates.throttled(thread)?.cgroup.hierarchy ?? hierarchyOfCpus(view.model, thread);
}

/** No two rows may have the same, whatever a capture calls its hierarchies and cgroups. */
function idOf({ source }: HostState, kind: CgroupsNode['kind'], ...names: readonly string[]): string {
  return `${source.id}/${kind}/${JSON.stringify(names)}`;
}

export function cgroupTreeItem(node: CgroupsNode): vscode.TreeItem {
  const item = build(node);
  item.id = node.id;
  return item;
}

/** The whole story, made when somebody asks for it. */
export function cgroupTooltipOf(node: CgroupsNode): vscode.MarkdownString | undefined {
  switch (node.kind) {
    case 'hierarchy':
      return hierarchyTooltip(node.state.view!, node.tree, node.at);
    case 'cgroup':
      return cgroupTooltip(node.state.view!, node.tree, node.at.hierarchy, node.cgroup);
    case 'thread':
      return threadTooltip(node.state.view!, node.thread);
    default:
      return undefined;
  }
}

function build(node: CgroupsNode): vscode.TreeItem {
  switch (node.kind) {
    case 'host':
      return hostItem(node);
    case 'hierarchy':
      return hierarchyItem(node);
    case 'cgroup':
      return cgroupItem(node);
    case 'thread':
      return occupantItem(node);
    default:
      return textItem(node);
  }
}

function hierarchyItem(node: HierarchyNode): vscode.TreeItem {
  const { hierarchy, population } = node.at;
  const facts = [...populationFacts(population)];
  if (hierarchy.version === 2) facts.push(hierarchy.controllers.length === 0 ? vscode.l10n.t('no controllers') : plain(hierarchy.controllers.join(' ')));
  if (hierarchy.mountPoint === undefined) facts.push(vscode.l10n.t('not mounted here'));
  const item = row(`${plain(hierarchy.key)} (v${hierarchy.version})`, facts.join(' · '), 'type-hierarchy');
  item.collapsibleState = vscode.TreeItemCollapsibleState.Collapsed;
  item.contextValue = contextOf(node);
  badge(item, node.id, population.held);
  return item;
}

function cgroupItem(node: CgroupNode): vscode.TreeItem {
  const { cgroup, tree, state } = node;
  const view = state.view!;
  const population = tree.population(cgroup);
  const throttling = view.rates.throttling(cgroup);
  const values = core().valuesOf(cgroup, view.model.topology.nodes.size).map(({ name, value }) => plain(name === 'type' ? value : `${name} ${value}`.trim()));
  const facts = [...(throttling ? [vscode.l10n.t('throttled {0} of the time', percent(throttling.share))] : []), ...values, ...populationFacts(population)];
  const invalid = cgroup.type === 'domain invalid';
  const item = row(plain(core().unescapeUnit(core().cgroupName(cgroup))), facts.join(' · '), invalid ? 'warning' : 'folder', invalid || throttling ? 'list.warningForeground' : population.threads > 0 ? undefined : 'disabledForeground');
  const hasChildren = tree.children(cgroup).length + tree.occupants(cgroup).length > 0;
  item.collapsibleState = hasChildren ? vscode.TreeItemCollapsibleState.Collapsed : vscode.TreeItemCollapsibleState.None;
  item.contextValue = contextOf(node);
  badge(item, node.id, population.held);
  return item;
}

/** `cgroup.files`, with `.cpus` where "who else is here" has CPUs to ask about. */
function contextOf({ kind, tree, cgroup }: HierarchyNode | CgroupNode): string {
  if (!cgroup) return kind;
  const hasCpus = core().effectiveCpus(cgroup)?.isEmpty === false || tree.population(cgroup).threads > 0;
  return `${kind}.files${hasCpus ? '.cpus' : ''}`;
}

/** The CPUs of a cgroup: those of its cpuset, or else those on which the QEMU threads in it and below may run. */
export function cpusOfCgroup({ tree, cgroup }: HierarchyNode | CgroupNode): CpuSet | undefined {
  const own = core().effectiveCpus(cgroup);
  if (!cgroup || own?.isEmpty === false) return own;
  let cpus: CpuSet | undefined;
  const within = [cgroup];
  for (const at of within) { // which grows: a host decides how deep its cgroups are
    for (const { thread: { cpusAllowed } } of tree.occupants(at)) cpus = cpusAllowed && cpus ? cpus.union(cpusAllowed) : (cpus ?? cpusAllowed);
    for (const child of tree.children(at)) if (tree.population(child).threads > 0) within.push(child);
  }
  return cpus;
}

function populationFacts({ threads, held }: Population): string[] {
  if (threads === 0) return [];
  return [...(held === 0 ? [] : [heldText(held)]), threads === 1 ? vscode.l10n.t('1 QEMU thread') : vscode.l10n.t('{0} QEMU threads', threads)];
}

function occupantItem(node: OccupantNode): vscode.TreeItem {
  const { thread, machine, cgroup, at, state } = node;
  const view = state.view!;
  const isHeld = heldIn(view, thread) === at.hierarchy.key;
  const removed = cgroup ? [] : [vscode.l10n.t('in {0}, which was removed', plain(thread.membership.places.get(at.hierarchy.key)?.path ?? ''))];
  const cpus = thread.cpusAllowed === undefined ? vscode.l10n.t('CPUs unknown') : vscode.l10n.t('CPUs {0}', thread.cpusAllowed.toString());
  const description = [...(isHeld ? [trouble(view, thread)!.text] : []), plain(machine.name), ...removed, cpus, vscode.l10n.t('last on {0}', thread.lastCpu)].join(' · ');
  const item = row(plain(core().roleText(thread.role)), description, ROLE_ICONS[thread.role.kind] ?? 'circle-outline', isHeld ? 'list.warningForeground' : undefined);
  item.contextValue = 'thread';
  badge(item, node.id, isHeld ? 1 : 0);
  return item;
}
