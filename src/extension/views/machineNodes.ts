import * as vscode from 'vscode';
import type { HiddenTasks, Machine, Place, Thread } from '../../core/model/hostModel';
import { readAsRoot } from '../config';
import { inShort, tallyOf } from '../findingText';
import { findingsIn, layoutIn } from '../findings';
import type { HostState } from '../hostService';
import { SshSource } from '../sshSource';
import { Markdown, plain } from '../text';
import { core } from '../lazyCore';
import { badge, hurtColor, hurtTexts } from './decorations';
import { contextOf, findingFacts, hurting } from './findingFacts';
import type { HostNode } from './hostNodes';
import { hostTooltip, machineTooltip, placeText, rootRefused, threadTooltip } from './tooltips';
import { heldThreads, trouble } from './trouble';

/** A row of the Machines view. Ids are made of what stays: host, PID and start time, TID and start time, hierarchy. */
export type MachinesNode =
  | HostNode
  | { readonly kind: 'machine'; readonly id: string; readonly state: HostState; readonly machine: Machine; readonly threads: readonly Thread[] }
  | { readonly kind: 'thread'; readonly id: string; readonly state: HostState; readonly machine: Machine; readonly thread: Thread }
  | { readonly kind: 'place'; readonly id: string; readonly state: HostState; readonly machine: Machine; readonly thread: Thread; readonly hierarchies: readonly string[]; readonly place: Place }
  | { readonly kind: 'hidden'; readonly id: string; readonly state: HostState; readonly hidden: HiddenTasks }
  | HostsRow;

/** What stands below a host in either view where there are no rows, or before them. `hides`: see `Collection.hides`. */
export type HostsRow = { readonly kind: 'error' | 'message' | 'hides'; readonly id: string; readonly state: HostState; readonly text: string };

export function treeItem(node: MachinesNode): vscode.TreeItem {
  const item = build(node);
  item.id = node.id;
  return item;
}

/** The whole story, made when somebody asks for it; of the others it stands in the row. */
export function tooltipOf(node: MachinesNode): vscode.MarkdownString | undefined {
  switch (node.kind) {
    case 'host':
      return hostTooltip(node.state);
    case 'machine':
      return machineTooltip(node.state.view!.model, node.machine);
    case 'thread':
      return threadTooltip(node.state.view!, node.thread);
    default:
      return undefined;
  }
}

function build(node: MachinesNode): vscode.TreeItem {
  switch (node.kind) {
    case 'host':
      return hostItem(node);
    case 'machine':
      return machineItem(node);
    case 'thread':
      return threadItem(node);
    case 'place':
      return placeItem(node);
    case 'hidden': {
      const { scope, tids } = node.hidden;
      const item = row(vscode.l10n.t('{0} hidden tasks', tids.length), vscode.l10n.t('in {0}, needs root', plain(core().unescapeUnit(scope))), 'eye-closed');
      item.tooltip = new Markdown().host(scope).entry('TID', tids.join(' ')).build();
      return item;
    }
    default:
      return textItem(node);
  }
}

/** Where others' processes are hidden nobody knows that there is no QEMU: this stands in both views instead of "not found". */
export function hidesRow(state: HostState): HostsRow[] {
  if (state.view?.model.collection.hides !== true) return [];
  return [{ kind: 'hides', id: `${state.source.id}/hides`, state, text: vscode.l10n.t('/proc hides other users\' processes: needs root') }];
}

export function textItem(node: HostsRow): vscode.TreeItem {
  const { kind, text, state: { source } } = node;
  if (kind === 'message') return row(text, '', 'info');
  if (kind === 'hides') {
    const item = row(text, '', 'eye-closed');
    item.tooltip = text;
    item.contextValue = source instanceof SshSource && !readAsRoot().includes(source.name) ? 'hides.ssh asUser' : 'hides';
    return item;
  }
  const item = row(text, '', 'error', 'problemsErrorIcon.foreground');
  item.contextValue = 'error';
  item.tooltip = text;
  item.command = { command: 'cgroupLens.showError', title: vscode.l10n.t('Show Error'), arguments: [node] }; // all of it, without a mouse
  return item;
}

/** The first row below a host, in both views: why it cannot be read, or that it was not yet. */
export function reasonRows(state: HostState): HostsRow[] {
  const { source, view, error, link } = state;
  if (error !== undefined) return [{ kind: 'error', id: `${source.id}/error`, state, text: plain(core().describeError(error)) }];
  if (view || link === 'connecting') return [];
  return [{ kind: 'message', id: `${source.id}/message`, state, text: link === 'disconnected' ? vscode.l10n.t('Disconnected') : vscode.l10n.t('Not read yet') }];
}

export function row(label: string, description: string, icon: string, color?: string): vscode.TreeItem {
  const item = new vscode.TreeItem(label);
  item.description = description;
  item.iconPath = new vscode.ThemeIcon(icon, color === undefined ? undefined : new vscode.ThemeColor(color));
  item.accessibilityInformation = { label: description === '' ? label : `${label}, ${description}` };
  return item;
}

export function hostItem({ id, state }: HostNode): vscode.TreeItem {
  const { source, view } = state;
  const ssh = source instanceof SshSource ? source : undefined;
  const facts: string[] = [];
  const held = view?.model.machines.reduce((sum, machine) => sum + heldThreads(view, machine), 0) ?? 0;
  const hurt = { ...tallyOf(view ? findingsIn(view.model).all : []), held };
  facts.push(...hurtTexts(hurt));
  facts.push(...linkFacts(state));
  const refused = rootRefused(state);
  if (refused !== undefined) facts.push(plain(refused));
  if (view) facts.push(view.model.mode, core().describeCollection(view.model, view.problems, source.kind));
  if (view && view.captureProblems.length > 0) facts.push(vscode.l10n.t('{0} damaged lines', view.captureProblems.length));
  const icon = hostIcon(state);
  const item = row(plain(source.label), facts.join(' · '), icon, icon === 'error' ? 'problemsErrorIcon.foreground' : undefined);
  item.collapsibleState = vscode.TreeItemCollapsibleState.Expanded;
  item.contextValue = ssh ? ['host.ssh', readAsRoot().includes(ssh.name) ? 'asRoot' : 'asUser', state.link ?? 'unconnected'].join(' ') : `host.${source.kind}`;
  badge(item, id, hurt);
  return item;
}

/** Whether and where a host is reached: beside its name wherever it is listed. */
export function linkFacts({ source, view, error, link }: HostState): string[] {
  const facts: string[] = [];
  if (link === 'connecting') facts.push(vscode.l10n.t('connecting…'));
  else if (link === 'disconnected') facts.push(vscode.l10n.t('disconnected'));
  else if (error !== undefined && !view) facts.push(vscode.l10n.t('cannot be read'));
  if (view && (error !== undefined || link === 'disconnected')) facts.push(vscode.l10n.t('stale'));
  if (source instanceof SshSource && source.address !== undefined && source.address !== source.name) facts.push(plain(source.address));
  return facts;
}

function hostIcon({ source, error, link }: HostState): string {
  if (link === 'connecting') return 'loading~spin';
  if (link === 'disconnected') return 'debug-disconnect';
  if (error !== undefined) return 'error';
  return source.kind === 'capture' ? 'file-zip' : source instanceof SshSource ? 'remote' : 'server';
}

/** Whether there is a connection that can be ended, or one under way. */
export function isConnected({ link }: HostState): boolean {
  return link === 'connected' || link === 'connecting';
}

function machineItem({ id, state, machine, threads }: Extract<MachinesNode, { kind: 'machine' }>): vscode.TreeItem {
  const vcpus = machine.threads.filter(thread => thread.role.kind === 'vcpu').length;
  const layout = layoutIn(state.view!.model, machine);
  const isStarting = machine.state === 'starting' || layout.stage !== 'complete';
  const findings = findingsIn(state.view!.model).ofMachine(machine);
  const hurt = { ...tallyOf(findings), held: heldThreads(state.view!, machine) };
  const facts = [...hurtTexts(hurt), `PID ${machine.pid}`];
  if (isStarting) facts.push(layout.stage === 'complete' ? vscode.l10n.t('starting') : vscode.l10n.t('starting: {0}', layout.stage));
  facts.push(vcpus === 1 ? vscode.l10n.t('1 vCPU') : vscode.l10n.t('{0} vCPUs', vcpus), machine.threads.length === 1 ? vscode.l10n.t('1 thread') : vscode.l10n.t('{0} threads', machine.threads.length));
  if (threads.length < machine.threads.length) facts.push(vscode.l10n.t('{0} fit the filter', threads.length));
  const item = row(plain(machine.name), facts.join(' · '), isStarting ? 'loading' : 'vm', hurtColor(hurt));
  item.collapsibleState = threads.length < machine.threads.length ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.Collapsed;
  item.contextValue = contextOf('machine', findings);
  badge(item, id, hurt);
  return item;
}

function threadItem({ id, state, thread }: Extract<MachinesNode, { kind: 'thread' }>): vscode.TreeItem {
  const view = state.view!;
  const facts = trouble(view, thread);
  const cpus = thread.cpusAllowed === undefined ? vscode.l10n.t('CPUs unknown') : vscode.l10n.t('CPUs {0}', thread.cpusAllowed.toString());
  const policy = thread.policy === 'other' ? [] : [`${thread.policy} ${thread.rtPriority}`];
  // Where the role says nothing the thread's own name does.
  const name = thread.role.kind === 'other' || thread.role.kind === 'kernel' ? [plain(thread.comm)] : [];
  const findings = findingsIn(view.model).ofThread(thread);
  const hurt = { ...tallyOf(findings), held: facts?.isBad === true ? 1 : 0 };
  const item = row(plain(core().roleText(thread.role)), [...findingFacts(hurting(findings)), ...(facts ? [facts.text] : []), ...name, cpus, vscode.l10n.t('last on {0}', thread.lastCpu), ...policy].join(' · '), ROLE_ICONS[thread.role.kind] ?? 'circle-outline', hurtColor(hurt));
  item.collapsibleState = vscode.TreeItemCollapsibleState.Collapsed;
  item.contextValue = contextOf('thread', findings);
  badge(item, id, hurt);
  return item;
}

export const ROLE_ICONS: Readonly<Partial<Record<Thread['role']['kind'], string>>> = {
  emulator: 'vm-outline',
  vcpu: 'chip',
  iothread: 'arrow-swap',
  vhost: 'plug',
  worker: 'gear',
  migration: 'export',
  helper: 'extensions',
  kernel: 'shield',
};

function placeItem(node: Extract<MachinesNode, { kind: 'place' }>): vscode.TreeItem {
  const { place, hierarchies, state } = node;
  const view = state.view!;
  const values = place.cgroup ? core().valuesOf(place.cgroup, view.model.topology.nodes.size).map(a => `${a.name} ${a.value}`.trim()) : [];
  if (place.deleted) values.push(vscode.l10n.t('deleted'));
  const names = hierarchies.length > 3 ? [...hierarchies.slice(0, 2), `+${hierarchies.length - 2}`] : hierarchies;
  const item = row(plain(names.join(' ')), [plain(inShort(place.path)), ...values.map(plain)].join(' · '), 'list-tree');
  item.accessibilityInformation = { label: `${plain(hierarchies.join(' '))}, ${String(item.description)}` };
  item.contextValue = 'place';
  const text = new Markdown().own('**').host(hierarchies.join(' ')).own('**\n').entry(vscode.l10n.t('Path'), placeText(place));
  for (const value of values) text.own('\n- ').host(value);
  item.tooltip = text.build();
  item.command = { command: 'cgroupLens.openPlacement', title: vscode.l10n.t('Open Placement'), arguments: [node] };
  return item;
}
