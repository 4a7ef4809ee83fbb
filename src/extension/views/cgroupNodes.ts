import * as vscode from 'vscode';
import type { CgroupTree, HierarchyTree, Population } from '../../core/model/cgroupTree';
import type { Cgroup, HostModel, Machine, Thread } from '../../core/model/hostModel';
import type { CpuSet } from '../../core/parse/cpuList';
import type { Finding } from '../../core/rules/rule';
import { type Tally, tallyOf } from '../findingText';
import { findingsIn } from '../findings';
import type { HostState, HostView } from '../hostService';
import { core } from '../lazyCore';
import { plain } from '../text';
import { cgroupTooltip, hierarchyTooltip } from './cgroupTooltip';
import { badge, hurtColor, hurtTexts } from './decorations';
import { contextOf as withFindings, findingFacts, hurting } from './findingFacts';
import type { HostNode } from './hostNodes';
import { type HostsRow, ROLE_ICONS, hostItem, row, textItem } from './machineNodes';
import { hostTooltip, threadTooltip } from './tooltips';
import { percent, trouble } from './trouble';

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
    case 'host':
      return hostTooltip(node.state);
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
  const { hierarchy } = node.at;
  const population = { ...node.at.population, ...tallyWithin(node) };
  const facts = [...populationFacts(population)];
  if (hierarchy.version === 2) facts.push(hierarchy.controllers.length === 0 ? vscode.l10n.t('no controllers') : plain(hierarchy.controllers.join(' ')));
  if (hierarchy.mountPoint === undefined) facts.push(vscode.l10n.t('not mounted here'));
  const item = row(`${plain(hierarchy.key)} (v${hierarchy.version})`, facts.join(' · '), 'type-hierarchy');
  item.collapsibleState = vscode.TreeItemCollapsibleState.Collapsed;
  item.contextValue = contextOf(node);
  badge(item, node.id, population);
  return item;
}

function cgroupItem(node: CgroupNode): vscode.TreeItem {
  const { cgroup, tree, state } = node;
  const view = state.view!;
  const population = { ...tree.population(cgroup), ...tallyWithin(node) };
  const own = hurting(findingsIn(view.model).atCgroup(view.model, cgroup));
  const throttling = view.rates.throttling(cgroup);
  const values = core().valuesOf(cgroup, view.model.topology.nodes.size).map(({ name, value }) => plain(name === 'type' ? value : `${name} ${value}`.trim()));
  const facts = [...findingFacts(own), ...(throttling ? [vscode.l10n.t('throttled {0} of the time', percent(throttling.share))] : []), ...values, ...populationFacts(population)];
  const invalid = cgroup.type === 'domain invalid';
  const color = hurtColor({ ...tallyOf(own), held: 0 }) ?? (invalid || throttling ? 'list.warningForeground' : population.threads > 0 ? undefined : 'disabledForeground');
  const item = row(plain(core().unescapeUnit(core().cgroupName(cgroup))), facts.join(' · '), invalid ? 'warning' : 'folder', color);
  const hasChildren = tree.children(cgroup).length + tree.occupants(cgroup).length > 0;
  item.collapsibleState = hasChildren ? vscode.TreeItemCollapsibleState.Collapsed : vscode.TreeItemCollapsibleState.None;
  item.contextValue = contextOf(node);
  badge(item, node.id, population);
  return item;
}

/** Findings about it, about a cgroup below it, and about threads that should not be there. */
function tallyWithin({ state, cgroup }: HierarchyNode | CgroupNode): Tally {
  const { model } = state.view!;
  return tallyOf(cgroup ? findingsIn(model).withinCgroup(model, cgroup) : []);
}

/** `cgroup.files`, with `.cpus` where "who else is here" has CPUs to ask about. */
function contextOf({ kind, tree, cgroup, state: { view } }: HierarchyNode | CgroupNode): string {
  if (!cgroup) return kind;
  const hasCpus = core().effectiveCpus(cgroup)?.isEmpty === false || tree.population(cgroup).threads > 0;
  return withFindings(`${kind}.files${hasCpus ? '.cpus' : ''}`, findingsIn(view!.model).atCgroup(view!.model, cgroup));
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

function populationFacts(population: Population & Tally): string[] {
  const { threads } = population;
  if (threads === 0) return hurtTexts(population);
  return [...hurtTexts(population), threads === 1 ? vscode.l10n.t('1 QEMU thread') : vscode.l10n.t('{0} QEMU threads', threads)];
}

function occupantItem(node: OccupantNode): vscode.TreeItem {
  const { thread, machine, cgroup, at, state } = node;
  const view = state.view!;
  const isHeld = heldIn(view, thread) === at.hierarchy.key;
  const findings = findingsAt(node);
  const hurt = { ...tallyOf(findings), held: isHeld ? 1 : 0 };
  const removed = cgroup ? [] : [vscode.l10n.t('in {0}, which was removed', plain(thread.membership.places.get(at.hierarchy.key)?.path ?? ''))];
  const cpus = thread.cpusAllowed === undefined ? vscode.l10n.t('CPUs unknown') : vscode.l10n.t('CPUs {0}', thread.cpusAllowed.toString());
  const description = [...findingFacts(hurting(findings)), ...(isHeld ? [trouble(view, thread)!.text] : []), plain(machine.name), ...removed, cpus, vscode.l10n.t('last on {0}', thread.lastCpu)].join(' · ');
  const item = row(plain(core().roleText(thread.role)), description, ROLE_ICONS[thread.role.kind] ?? 'circle-outline', hurtColor(hurt));
  item.contextValue = withFindings('thread', findings);
  badge(item, node.id, hurt);
  return item;
}

/** Those about a thread's place are told in its hierarchy, those about its CPUs or itself in that of its CPUs. */
function findingsAt({ state, at: { hierarchy }, thread }: OccupantNode): Finding[] {
  const { model } = state.view!;
  const isOfCpus = hierarchyOfCpus(model, thread) === hierarchy.key;
  return findingsIn(model).ofThread(thread).filter(({ at }) => 'thread' in at && at.thread === thread && ('hierarchy' in at ? at.hierarchy === hierarchy.key : isOfCpus));
}
