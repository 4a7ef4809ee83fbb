import * as vscode from 'vscode';
import type { HiddenTasks, HostModel, Machine, Place, Thread } from '../../core/model/hostModel';
import { readAsRoot } from '../config';
import { findingsIn, findingsOfThread } from '../findings';
import type { HostState, HostView } from '../hostService';
import { SshSource } from '../sshSource';
import { Markdown, plain } from '../text';
import { core } from '../lazyCore';
import { badge, heldText } from './decorations';
import type { HostNode } from './hostNodes';

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
  if (held > 0) facts.push(heldText(held));
  facts.push(...linkFacts(state));
  const refused = rootRefused(state);
  if (refused !== undefined) facts.push(plain(refused));
  if (view) facts.push(view.model.mode, core().describeCollection(view.model, view.problems, source.kind));
  if (view && view.captureProblems.length > 0) facts.push(vscode.l10n.t('{0} damaged lines', view.captureProblems.length));
  const icon = hostIcon(state);
  const item = row(plain(source.label), facts.join(' · '), icon, icon === 'error' ? 'problemsErrorIcon.foreground' : undefined);
  item.collapsibleState = vscode.TreeItemCollapsibleState.Expanded;
  item.contextValue = ssh ? ['host.ssh', readAsRoot().includes(ssh.name) ? 'asRoot' : 'asUser', state.link ?? 'unconnected'].join(' ') : `host.${source.kind}`;
  item.tooltip = hostTooltip(state);
  badge(item, id, held);
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

/** Why a host that may be read as root was not: what sudo said, which is asked only where /proc hides others' processes. */
function rootRefused({ source, view }: HostState): string | undefined {
  if (!view || !(source instanceof SshSource) || !readAsRoot().includes(source.name)) return undefined;
  const { user, remarks } = view.model.collection;
  const said = user?.uid === 0 ? undefined : remarks.find(remark => /\bsudo\b/.test(remark));
  return said && vscode.l10n.t('allowed as root, but {0}', said.replace(/^.*\bsudo: /, 'sudo -n: '));
}

/** What a host is, and how well it is known; over its row and over the head of a document. */
export function hostTooltip(state: HostState): vscode.MarkdownString {
  const { source, view, error } = state;
  const text = new Markdown().own('**').host(source.label).own('**');
  if (source.kind === 'capture') text.own(`\n\n${vscode.l10n.t('A capture: read-only, as it was when it was taken.')}`);
  if (error !== undefined) text.own('\n\n').host(core().describeError(error));
  if (source instanceof SshSource) {
    if (source.address !== undefined) text.own('\n\n').host(source.address);
    const refused = rootRefused(state);
    if (refused !== undefined) text.own('\n\n').host(refused);
    else if (readAsRoot().includes(source.name)) text.own(`\n\n${vscode.l10n.t('Read as root, where sudo -n lets us.')}`);
  }
  if (!view) return text.build();
  const { model, problems, captureProblems } = view;
  text.own('\n').entry(model.mode, modeText(model.mode)).entry(vscode.l10n.t('Kernel'), model.kernel);
  if (model.init !== '') text.entry(vscode.l10n.t('PID 1'), model.init); // hidden as others' processes are
  for (const [version, title] of [['v1', 'cgroup v1'], ['v2', 'cgroup v2'], ['none', vscode.l10n.t('not mounted')]] as const) {
    const names = [...model.controllers].filter(([, v]) => v === version).map(([name]) => name);
    if (names.length > 0) text.entry(title, names.join(' '));
  }
  text.entry(vscode.l10n.t('Read'), core().describeCollection(model, problems, source.kind));
  for (const problem of problems.slice(0, 5)) text.entry(problem.errno, problem.path);
  for (const p of captureProblems.slice(0, 5)) text.entry(vscode.l10n.t('Line {0}', p.line), vscode.l10n.t('expected {0}, found {1}', p.expected, p.found));
  return text.build();
}

function modeText(mode: HostModel['mode']): string {
  switch (mode) {
    case 'legacy':
      return vscode.l10n.t('controllers in cgroup v1 only');
    case 'unified':
      return vscode.l10n.t('cgroup v2 only');
    case 'hybrid':
      return vscode.l10n.t('controllers in cgroup v1; a v2 without any keeps the books');
    case 'mixed':
      return vscode.l10n.t('controllers in both cgroup v1 and v2: a thread has its place in both');
    case 'none':
      return vscode.l10n.t('no cgroup file system is mounted');
  }
}

function machineItem({ id, state, machine, threads }: Extract<MachinesNode, { kind: 'machine' }>): vscode.TreeItem {
  const vcpus = machine.threads.filter(thread => thread.role.kind === 'vcpu').length;
  const layout = core().layoutOf(state.view!.model, machine);
  const isStarting = machine.state === 'starting' || layout.stage !== 'complete';
  const bad = heldThreads(state.view!, machine);
  const findings = findingsIn(state.view!.model).filter(finding => finding.machine === machine).length;
  const facts = [...(findings === 0 ? [] : [findings === 1 ? vscode.l10n.t('1 finding') : vscode.l10n.t('{0} findings', findings)]), ...(bad === 0 ? [] : [heldText(bad)]), `PID ${machine.pid}`];
  if (isStarting) facts.push(layout.stage === 'complete' ? vscode.l10n.t('starting') : vscode.l10n.t('starting: {0}', layout.stage));
  facts.push(vcpus === 1 ? vscode.l10n.t('1 vCPU') : vscode.l10n.t('{0} vCPUs', vcpus), machine.threads.length === 1 ? vscode.l10n.t('1 thread') : vscode.l10n.t('{0} threads', machine.threads.length));
  if (threads.length < machine.threads.length) facts.push(vscode.l10n.t('{0} fit the filter', threads.length));
  const item = row(plain(machine.name), facts.join(' · '), isStarting ? 'loading' : 'vm', bad + findings > 0 ? 'list.warningForeground' : undefined);
  item.collapsibleState = threads.length < machine.threads.length ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.Collapsed;
  item.contextValue = 'machine';
  item.tooltip = machineTooltip(state.view!.model, machine);
  badge(item, id, bad);
  return item;
}

/** Over its row and over the head of its document. */
export function machineTooltip(model: HostModel, machine: Machine): vscode.MarkdownString {
  const text = new Markdown().own('**').host(machine.name).own('**\n').entry('PID', String(machine.pid)).entry(vscode.l10n.t('Executable'), machine.emulator);
  if (machine.uuid !== undefined) text.entry('UUID', machine.uuid);
  if (machine.uid !== undefined) text.entry('UID', String(machine.uid));
  const layout = core().layoutOf(model, machine);
  text.entry(vscode.l10n.t('Placed by'), core().layoutText(layout));
  // The controllers follow one by one, and some never do: which is where is what puzzles people about a start.
  for (const stage of layout.stage === 'complete' ? [] : core().STAGES) {
    const keys = [...layout.stages].filter(([, of]) => of === stage).map(([key]) => (key === '0::' ? '0:: (v2)' : key));
    if (keys.length > 0) text.entry(stage, keys.join(' '));
  }
  return text.build();
}

function heldThreads(view: HostView, machine: Machine): number {
  return machine.threads.filter(thread => trouble(view, thread)?.isBad === true).length;
}

/** `12 %`; two digits are all that such a measurement bears. */
export function percent(share: number): string {
  return `${share < 0.1 ? (share * 100).toFixed(1) : Math.round(share * 100)} %`;
}

/** What answers the 3 a.m. question. Time throttled counts as waiting in the kernel's books: it is said once, as what it is. */
export function trouble(view: HostView, thread: Thread): { readonly text: string; readonly isBad: boolean } | undefined {
  const throttled = view.rates.throttled(thread);
  if (throttled && throttled.share >= 0.001) {
    const path = plain(shortPath(core().unescapeUnit(throttled.cgroup.path)));
    return { text: vscode.l10n.t('throttled {0} of the time at {1}', percent(throttled.share), path), isBad: true };
  }
  const waiting = view.rates.waiting(thread);
  // Below one in a hundred it is noise; below one in twenty no reason to be alarmed.
  return waiting === undefined || waiting < 0.01 ? undefined : { text: vscode.l10n.t('waits {0}', percent(waiting)), isBad: waiting >= 0.05 };
}

function threadItem({ id, state, thread }: Extract<MachinesNode, { kind: 'thread' }>): vscode.TreeItem {
  const view = state.view!;
  const facts = trouble(view, thread);
  const cpus = thread.cpusAllowed === undefined ? vscode.l10n.t('CPUs unknown') : vscode.l10n.t('CPUs {0}', thread.cpusAllowed.toString());
  const policy = thread.policy === 'other' ? [] : [`${thread.policy} ${thread.rtPriority}`];
  // Where the role says nothing the thread's own name does.
  const name = thread.role.kind === 'other' || thread.role.kind === 'kernel' ? [plain(thread.comm)] : [];
  const findings = findingFacts(view, thread);
  const item = row(plain(core().roleText(thread.role)), [...findings, ...(facts ? [facts.text] : []), ...name, cpus, vscode.l10n.t('last on {0}', thread.lastCpu), ...policy].join(' · '), ROLE_ICONS[thread.role.kind] ?? 'circle-outline', facts?.isBad || findings.length > 0 ? 'list.warningForeground' : undefined);
  item.collapsibleState = vscode.TreeItemCollapsibleState.Collapsed;
  item.contextValue = 'thread';
  item.tooltip = threadTooltip(view, thread);
  badge(item, id, facts?.isBad ? 1 : 0);
  return item;
}

/** `vcpu-in-emulator: expected …/vcpu2 (cpu,cpuacct)`, for each place where it should be. */
function findingFacts({ model }: HostView, thread: Thread): string[] {
  const byPlace = new Map<string, string[]>();
  const others = new Set<string>();
  for (const { rule, at } of findingsOfThread(model, thread)) {
    if (at.kind !== 'place' || at.expected === undefined) {
      others.add(rule);
      continue;
    }
    const { expected, hierarchy } = at;
    const place = vscode.l10n.t('{0}: expected {1}', rule, endOfPath(core().unescapeUnit(expected)));
    byPlace.set(place, [...(byPlace.get(place) ?? []), hierarchy === '0::' ? 'v2' : hierarchy]);
  }
  return [...[...byPlace].map(([place, hierarchies]) => plain(`${place} (${hierarchies.join(', ')})`)), ...others];
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

/** The whole story of one thread; the same in the tree and over the document. */
export function threadTooltip(view: HostView, thread: Thread): vscode.MarkdownString {
  const text = new Markdown().own('**').host(core().roleText(thread.role)).own(`** (${vscode.l10n.t('known by {0}', thread.role.knownBy)})\n`);
  text.entry('TID', String(thread.tid)).entry(vscode.l10n.t('Thread name'), thread.comm);
  if (thread.cpusAllowed) text.entry('Cpus_allowed_list', thread.cpusAllowed.toString());
  text.entry(vscode.l10n.t('Last on CPU'), String(thread.lastCpu));
  text.entry(vscode.l10n.t('Scheduling'), `${thread.policy} ${thread.rtPriority}, nice ${thread.nice}`);
  if (thread.runTime !== undefined && thread.runDelay !== undefined) {
    text.entry(vscode.l10n.t('Since it began'), vscode.l10n.t('ran {0} s, waited for a CPU {1} s', (thread.runTime / 1e9).toFixed(1), (thread.runDelay / 1e9).toFixed(1)));
  }
  const facts = trouble(view, thread);
  if (facts) text.own('\n- ').host(facts.text);
  for (const { rule, sentence, evidence } of findingsOfThread(view.model, thread)) {
    text.entry(rule, sentence(path => shortPath(core().unescapeUnit(path))));
    for (const { file, value } of evidence) text.own('\n  ').own('- ').host(file).own(': ').host(value);
  }
  text.own('\n\n');
  const byPath = new Map<string, string[]>();
  for (const [key, place] of thread.membership.places) {
    const path = placeText(place);
    const name = key === '0::' ? '0:: (v2)' : key;
    const same = byPath.get(path);
    if (same) same.push(name);
    else byPath.set(path, [name]);
  }
  for (const [path, names] of byPath) text.entry(names.join(' '), path);
  return text.build();
}

/** The end of a path is what differs: `…/libvirt/vcpu2`. The tooltip has it whole. */
function shortPath(path: string): string {
  const parts = path.split('/');
  return parts.length <= 4 ? path : `…/${parts.slice(-2).join('/')}`;
}

/** Of a row that is cut off at its right only the last part can be read. */
function endOfPath(path: string): string {
  return path.lastIndexOf('/') > 0 ? `…${path.slice(path.lastIndexOf('/'))}` : path;
}

function placeText(place: Place): string {
  return place.deleted ? `${place.path} (deleted)` : place.path;
}

function placeItem(node: Extract<MachinesNode, { kind: 'place' }>): vscode.TreeItem {
  const { place, hierarchies, state } = node;
  const view = state.view!;
  const values = place.cgroup ? core().valuesOf(place.cgroup, view.model.topology.nodes.size).map(a => `${a.name} ${a.value}`.trim()) : [];
  if (place.deleted) values.push(vscode.l10n.t('deleted'));
  const names = hierarchies.length > 3 ? [...hierarchies.slice(0, 2), `+${hierarchies.length - 2}`] : hierarchies;
  const item = row(plain(names.join(' ')), [plain(shortPath(core().unescapeUnit(place.path))), ...values.map(plain)].join(' · '), 'list-tree');
  item.accessibilityInformation = { label: `${plain(hierarchies.join(' '))}, ${String(item.description)}` };
  item.contextValue = 'place';
  const text = new Markdown().own('**').host(hierarchies.join(' ')).own('**\n').entry(vscode.l10n.t('Path'), placeText(place));
  for (const value of values) text.own('\n- ').host(value);
  item.tooltip = text.build();
  item.command = { command: 'cgroupLens.openPlacement', title: vscode.l10n.t('Open Placement'), arguments: [node] };
  return item;
}
