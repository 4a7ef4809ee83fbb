import * as vscode from 'vscode';
import type { HostId } from '../../core/host/source';
import type { Filter } from '../../core/model/filter';
import type { Machine, Place, Thread } from '../../core/model/hostModel';
import { qemuExecutables } from '../config';
import type { HostService, HostState } from '../hostService';
import type { Plans } from '../plans';
import { LOCAL } from '../sources';
import { SshSource } from '../sshSource';
import { plain } from '../text';
import { DragThreads } from './dragThreads';
import { HostNodes } from './hostNodes';
import { type MachinesNode, hidesRow, isConnected, reasonRows, tooltipOf, treeItem } from './machineNodes';
import { core } from '../lazyCore';

export const MACHINES_VIEW = 'cgroupLens.machines';

/** Host → machine → thread → membership. */
export class MachinesView implements vscode.TreeDataProvider<MachinesNode>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<MachinesNode | undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  private readonly hostNodes: HostNodes;
  private readonly view: vscode.TreeView<MachinesNode>;
  private readonly disposables: vscode.Disposable[] = [];
  /** `undefined`: everything is shown. */
  private filter: Filter | undefined;
  private wasWelcome = false;

  constructor(
    private readonly hosts: HostService,
    private readonly log: vscode.LogOutputChannel,
    plans: Plans,
  ) {
    this.hostNodes = new HostNodes(hosts);
    this.view = vscode.window.createTreeView(MACHINES_VIEW, { treeDataProvider: this, showCollapseAll: true, canSelectMany: true, dragAndDropController: new DragThreads() });
    this.disposables.push(
      this.view,
      this.changed,
      hosts.onDidChange(id => this.hostsChanged(id)),
      hosts.onDidChangeRuleSettings(() => this.show()),
      this.view.onDidChangeVisibility(() => this.readIfVisible()),
      this.view.onDidChangeSelection(({ selection }) => (plans.selection = selection)),
    );
    this.hostsChanged(undefined);
  }

  get isVisible(): boolean {
    return this.view.visible;
  }

  getTreeItem(node: MachinesNode): vscode.TreeItem {
    return treeItem(node);
  }

  resolveTreeItem(item: vscode.TreeItem, node: MachinesNode): vscode.TreeItem {
    item.tooltip ??= tooltipOf(node);
    return item;
  }

  getChildren(node?: MachinesNode): MachinesNode[] {
    if (!node) return this.roots();
    switch (node.kind) {
      case 'host':
        return this.ofHost(node.state);
      case 'machine':
        return node.threads.map(thread => threadNode(node.state, node.machine, thread));
      case 'thread':
        return placeNodes(node.state, node.machine, node.thread);
      default:
        return [];
    }
  }

  getParent(node: MachinesNode): MachinesNode | undefined {
    switch (node.kind) {
      case 'host':
        return undefined;
      case 'place':
        return threadNode(node.state, node.machine, node.thread);
      case 'thread':
        return this.machineNode(node.state, node.machine);
      default:
        return this.hostNodes.of(node.state);
    }
  }

  /** Selects a thread or a machine and shows it, whatever the filter says. */
  async reveal(state: HostState, machine: Machine, thread: Thread | undefined): Promise<void> {
    if (this.filter?.threads(machine).includes(thread ?? machine.threads[0]!) === false) this.setFilter('');
    const node = thread ? threadNode(state, machine, thread) : this.machineNode(state, machine);
    await this.view.reveal(node, { select: true, focus: true, expand: thread === undefined });
  }

  async revealHost(state: HostState): Promise<void> {
    await this.view.reveal(this.hostNodes.of(state), { select: true, focus: true, expand: true });
  }

  /** Reads one host or all because a person wants it. */
  async refresh(ids: readonly string[] = this.hosts.hosts.map(state => state.source.id)): Promise<void> {
    await this.withProgress(ids, (id, token) => this.hosts.refresh(id, token));
  }

  /** Reads, as if by itself, what nobody has read yet: whoever looks is asked nothing. */
  async readUnread(): Promise<void> {
    const unread = this.hosts.hosts.filter(state => !state.view && state.error === undefined && state.link !== 'disconnected').map(state => state.source.id);
    if (unread.length > 0) await this.withProgress(unread, id => this.hosts.refreshByItself(id));
  }

  get filterText(): string {
    return this.filter?.text ?? '';
  }

  setFilter(text: string): void {
    const filter = new (core().Filter)(text, thread => core().roleText(thread.role));
    this.filter = filter.isEmpty ? undefined : filter;
    void vscode.commands.executeCommand('setContext', 'cgroupLens.filtered', !filter.isEmpty);
    this.show();
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }

  private hostsChanged(id: HostId | undefined): void {
    this.show(id);
    if (id === undefined) this.readIfVisible();
  }

  /** @param id the only host with news, whose rows are redrawn alone */
  private show(id?: HostId): void {
    const { hosts } = this.hosts;
    // Not "has a host": the palette offers commands before anything has run that could tell.
    void vscode.commands.executeCommand('setContext', 'cgroupLens.noHost', hosts.length === 0);
    void vscode.commands.executeCommand('setContext', 'cgroupLens.hasCapture', hosts.some(state => state.source.kind === 'capture'));
    void vscode.commands.executeCommand('setContext', 'cgroupLens.hasSshHost', hosts.some(state => state.source instanceof SshSource));
    void vscode.commands.executeCommand('setContext', 'cgroupLens.hasConnection', hosts.some(isConnected));
    const isWelcome = this.isWelcome();
    void vscode.commands.executeCommand('setContext', 'cgroupLens.nothingFound', isWelcome);
    this.view.message = this.message();
    const only = id === undefined || isWelcome !== this.wasWelcome ? undefined : this.hosts.host(id);
    this.wasWelcome = isWelcome;
    this.changed.fire(only && this.hostNodes.of(only));
  }

  private message(): string {
    if (this.filter) {
      const found = this.hosts.hosts.flatMap(state => this.machinesOf(state)).reduce((sum, node) => sum + node.threads.length, 0);
      return vscode.l10n.t('Filter "{0}": {1} threads', plain(this.filter.text), found);
    }
    return ''; // a message of any kind would take the place of the welcome text
  }

  /** This machine alone, with nothing on it: the welcome text says more than an empty row. */
  private isWelcome(): boolean {
    const [only, ...others] = this.hosts.hosts;
    return only?.source.id === LOCAL && others.length === 0 && only.error === undefined && only.view !== undefined && only.view.model.machines.length === 0 && !only.view.model.collection.hides;
  }

  private roots(): MachinesNode[] {
    return this.isWelcome() ? [] : this.hosts.hosts.map(state => this.hostNodes.of(state));
  }

  private ofHost(state: HostState): MachinesNode[] {
    const { source, view } = state;
    const nodes: MachinesNode[] = reasonRows(state);
    if (!view) return nodes;
    const machines = this.machinesOf(state);
    nodes.push(...machines);
    if (!this.filter) {
      for (const hidden of view.model.hidden) nodes.push({ kind: 'hidden', id: `${source.id}/hidden/${hidden.scope}`, state, hidden });
      if (view.model.mode === 'none') nodes.push({ kind: 'message', id: `${source.id}/none`, state, text: vscode.l10n.t('No cgroup file system is mounted on this host') });
      const hides = hidesRow(state);
      nodes.push(...hides);
      // Below an error, or where others' processes are hidden, nobody knows that there is none.
      if (machines.length === 0 && hides.length === 0 && state.error === undefined) nodes.push({ kind: 'message', id: `${source.id}/empty`, state, text: state.link === 'disconnected' ? vscode.l10n.t('Disconnected') : nothingFound() });
    }
    return nodes;
  }

  private machinesOf(state: HostState): Extract<MachinesNode, { kind: 'machine' }>[] {
    return (state.view?.model.machines ?? []).map(machine => this.machineNode(state, machine)).filter(node => !this.filter || node.threads.length > 0);
  }

  private machineNode(state: HostState, machine: Machine): Extract<MachinesNode, { kind: 'machine' }> {
    const threads = this.filter?.threads(machine) ?? machine.threads;
    return { kind: 'machine', id: `${state.source.id}/${machine.key}`, state, machine, threads };
  }

  private readIfVisible(): void {
    if (this.view.visible) this.readUnread().catch((error: unknown) => this.log.error(core().describeError(error)));
  }

  /** With the view's own progress bar. */
  private async withProgress(ids: readonly string[], read: (id: string, token: vscode.CancellationToken) => Promise<void>): Promise<void> {
    await vscode.window.withProgress({ location: { viewId: MACHINES_VIEW } }, (_, token) => Promise.all(ids.map(id => read(id, token))));
  }
}

function threadNode(state: HostState, machine: Machine, thread: Thread): MachinesNode {
  return { kind: 'thread', id: `${state.source.id}/${machine.key}/${thread.key}`, state, machine, thread };
}

/** Hierarchies where the thread is at the same path share a row. */
function placeNodes(state: HostState, machine: Machine, thread: Thread): MachinesNode[] {
  const groups = new Map<string, { hierarchies: string[]; place: Place }>();
  const order = state.view!.model.hierarchies.map(h => h.key);
  for (const key of order) {
    const place = thread.membership.places.get(key);
    if (!place) continue;
    // One that sets limits of its own is worth a row of its own.
    const own = key.startsWith('cpuset') || key.startsWith('cpu') ? key : '';
    const group = groups.get(`${own} ${place.path}`);
    if (group) group.hierarchies.push(key);
    else groups.set(`${own} ${place.path}`, { hierarchies: [key], place });
  }
  return [...groups.values()].map(({ hierarchies, place }) => ({ kind: 'place', id: `${state.source.id}/${machine.key}/${thread.key}/${hierarchies[0]}`, state, machine, thread, hierarchies, place }));
}

function nothingFound(): string {
  return vscode.l10n.t('No QEMU process found. Looked for {0}.', qemuExecutables().map(plain).join(', '));
}
