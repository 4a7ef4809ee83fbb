import * as vscode from 'vscode';
import type { HostId } from '../../core/host/source';
import type { CgroupTree } from '../../core/model/cgroupTree';
import type { Cgroup, HostModel, Thread } from '../../core/model/hostModel';
import type { HostService, HostState, HostView } from '../hostService';
import { core } from '../lazyCore';
import type { Plans } from '../plans';
import { type CgroupNode, type CgroupsNode, type HierarchyNode, cgroupNode, cgroupTooltipOf, cgroupTreeItem, heldIn, hierarchyNode, hierarchyOfCpus, occupantNode } from './cgroupNodes';
import { DragThreads } from './dragThreads';
import { HostNodes } from './hostNodes';
import { hidesRow, reasonRows } from './machineNodes';

export const CGROUPS_VIEW = 'cgroupLens.cgroups';
const ALL_CGROUPS = 'allCgroups';

/** Host → hierarchy → cgroup → threads: the same facts as in Machines, from the other side. */
export class CgroupsView implements vscode.TreeDataProvider<CgroupsNode>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<CgroupsNode | undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly hostNodes: HostNodes;
  private readonly view: vscode.TreeView<CgroupsNode>;
  private readonly disposables: vscode.Disposable[] = [];
  /** Made when a host is first unfolded here: nobody else needs it. */
  private readonly trees = new WeakMap<HostModel, Promise<CgroupTree>>();
  /** The machines' own directories of a hierarchy, by its key; as the trees. */
  private readonly ownTops = new WeakMap<HostModel, Map<string, ReadonlySet<string>>>();

  constructor(
    private readonly hosts: HostService,
    private readonly memento: vscode.Memento,
    private readonly log: vscode.LogOutputChannel,
    plans: Plans,
  ) {
    this.hostNodes = new HostNodes(hosts);
    hosts.allCgroups = memento.get(ALL_CGROUPS, false);
    this.view = vscode.window.createTreeView(CGROUPS_VIEW, { treeDataProvider: this, showCollapseAll: true, canSelectMany: true, dragAndDropController: new DragThreads((target, dragged) => plans.drop(target, dragged)) });
    this.disposables.push(
      this.view,
      this.changed,
      hosts.onDidChange(id => this.hostsChanged(id)),
      hosts.onDidChangeRuleSettings(() => this.hostsChanged(undefined)),
      this.view.onDidChangeVisibility(() => this.becameVisible()),
      this.view.onDidChangeSelection(({ selection }) => (plans.selection = selection)),
    );
    this.tellFilter();
    this.becameVisible();
  }

  get isVisible(): boolean {
    return this.view.visible;
  }

  getTreeItem(node: CgroupsNode): vscode.TreeItem {
    return cgroupTreeItem(node);
  }

  resolveTreeItem(item: vscode.TreeItem, node: CgroupsNode): vscode.TreeItem {
    item.tooltip ??= cgroupTooltipOf(node);
    return item;
  }

  async getChildren(node?: CgroupsNode): Promise<CgroupsNode[]> {
    if (!node) return this.hosts.hosts.map(state => this.hostNodes.of(state));
    switch (node.kind) {
      case 'host':
        return this.ofHost(node.state);
      case 'hierarchy':
        return [...this.below(node, [...(node.cgroup ? node.tree.children(node.cgroup) : []), ...node.at.apart]), ...occupantsOf(node)];
      case 'cgroup':
        return [...this.below(node, node.tree.children(node.cgroup)), ...occupantsOf(node)];
      default:
        return [];
    }
  }

  getParent(node: CgroupsNode): CgroupsNode | undefined {
    switch (node.kind) {
      case 'host':
        return undefined;
      case 'thread':
        return node.cgroup ? cgroupNode(node, node.cgroup) : hierarchyNode(node.state, node.tree, node.at);
      case 'cgroup':
        return node.cgroup.parent ? cgroupNode(node, node.cgroup.parent) : hierarchyNode(node.state, node.tree, node.at);
      default:
        return this.hostNodes.of(node.state);
    }
  }

  /** Selects a thread where it is in one hierarchy: by default in that of its CPUs. */
  async reveal(state: HostState, thread: Thread, key = state.view && hierarchyOfCpus(state.view.model, thread)): Promise<void> {
    if (!state.view || key === undefined) return;
    const tree = await this.treeOf(state.view);
    const at = tree.hierarchies.find(({ hierarchy }) => hierarchy.key === key);
    const place = thread.membership.places.get(key);
    const found = (place?.cgroup ? tree.occupants(place.cgroup) : at?.strays)?.find(occupant => occupant.thread.key === thread.key);
    if (!at || !found) return;
    const node = occupantNode(hierarchyNode(state, tree, at), place?.cgroup, found.machine, found.thread);
    await this.view.reveal(node, { select: true, focus: true });
  }

  /** Whether cgroups without any QEMU thread are shown: the collector brings them only then. */
  async showAll(all: boolean): Promise<void> {
    this.hosts.allCgroups = all;
    await this.memento.update(ALL_CGROUPS, all);
    this.tellFilter();
    this.changed.fire(undefined);
    if (all) await this.read(this.hosts.hosts.filter(({ source }) => source.kind === 'live'), (id, token) => this.hosts.refresh(id, token));
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }

  /** News of one host redraw its rows alone. */
  private hostsChanged(id: HostId | undefined): void {
    const state = id === undefined ? undefined : this.hosts.host(id);
    this.changed.fire(state && this.hostNodes.of(state));
  }

  private tellFilter(): void {
    void vscode.commands.executeCommand('setContext', 'cgroupLens.allCgroups', this.hosts.allCgroups);
  }

  /** Reads, as if by itself, what nobody has read yet: whoever looks is asked nothing. */
  private becameVisible(): void {
    if (!this.view.visible) return;
    const unread = this.hosts.hosts.filter(state => !state.view && state.error === undefined && state.link !== 'disconnected');
    this.read(unread, id => this.hosts.refreshByItself(id)).catch((error: unknown) => this.log.error(core().describeError(error)));
  }

  private async read(states: readonly HostState[], read: (id: HostId, token: vscode.CancellationToken) => Promise<void>): Promise<void> {
    if (states.length === 0) return;
    await vscode.window.withProgress({ location: { viewId: CGROUPS_VIEW } }, (_, token) => Promise.all(states.map(({ source }) => read(source.id, token))));
  }

  private async ofHost(state: HostState): Promise<CgroupsNode[]> {
    const { source, view } = state;
    const message = (text: string): CgroupsNode => ({ kind: 'message', id: `${source.id}/message`, state, text });
    const nodes: CgroupsNode[] = reasonRows(state);
    if (!view) return nodes;
    const tree = await this.treeOf(view);
    const shown = tree.hierarchies.filter(({ population }) => this.hosts.allCgroups || population.threads > 0);
    const hides = hidesRow(state);
    nodes.push(...shown.map(at => hierarchyNode(state, tree, at)), ...hides);
    // Below an error, or where others' processes are hidden, nobody knows that there is none.
    if (shown.length === 0 && view.model.mode !== 'none' && (state.error !== undefined || hides.length > 0)) return nodes;
    if (shown.length === 0) nodes.push(message(view.model.mode === 'none' ? vscode.l10n.t('No cgroup file system is mounted on this host') : vscode.l10n.t('No QEMU thread in any cgroup')));
    else if (this.hosts.allCgroups && source.kind === 'capture') nodes.push(message(vscode.l10n.t('A capture has the cgroups that were read when it was taken')));
    return nodes;
  }

  /** Those with QEMU threads, and what is below a machine's own directory: threads can be moved there. */
  private below(node: HierarchyNode | CgroupNode, cgroups: readonly Cgroup[]): CgroupsNode[] {
    const isShown = (cgroup: Cgroup): boolean => this.hosts.allCgroups || node.tree.population(cgroup).threads > 0 || this.isOwn(node, cgroup);
    return cgroups.filter(isShown).map(cgroup => cgroupNode(node, cgroup));
  }

  private isOwn({ state, at: { hierarchy } }: HierarchyNode | CgroupNode, cgroup: Cgroup): boolean {
    const { model } = state.view!;
    let known = this.ownTops.get(model);
    if (!known) this.ownTops.set(model, (known = new Map()));
    let tops = known.get(hierarchy.key);
    if (!tops) known.set(hierarchy.key, (tops = new Set(model.machines.flatMap(machine => core().machineSubtree(model, machine, hierarchy.key) ?? []))));
    for (const { path } of core().withAncestors(cgroup)) if (tops.has(path)) return true;
    return false;
  }

  private treeOf(view: HostView): Promise<CgroupTree> {
    let tree = this.trees.get(view.model);
    if (!tree) this.trees.set(view.model, (tree = core().paced(core().buildingCgroupTree(view.model, thread => heldIn(view, thread)))));
    return tree;
  }
}

function occupantsOf(node: HierarchyNode | CgroupNode): CgroupsNode[] {
  const own = node.cgroup ? node.tree.occupants(node.cgroup).map(({ machine, thread }) => occupantNode(node, node.cgroup, machine, thread)) : [];
  return node.kind === 'cgroup' ? own : [...own, ...node.at.strays.map(({ machine, thread }) => occupantNode(node, undefined, machine, thread))];
}
