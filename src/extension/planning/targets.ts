import * as vscode from 'vscode';
import type { Cgroup, Hierarchy, HostModel, Machine, RoleKind, Thread } from '../../core/model/hostModel';
import type { HostService, HostState, HostView } from '../hostService';
import { core } from '../lazyCore';
import { plain } from '../text';
import type { CgroupsNode } from '../views/cgroupNodes';
import type { MachinesNode } from '../views/machineNodes';
import { pick } from './ask';

/** A row of either tree. */
export type Node = MachinesNode | CgroupsNode;

/** Threads of one machine, of the model that the window has now. */
export interface ThreadsTarget {
  readonly state: HostState;
  readonly view: HostView;
  readonly machine: Machine;
  readonly threads: readonly Thread[];
  /** The hierarchy whose row it was. */
  readonly hierarchy: string | undefined;
}

export interface CgroupTarget {
  readonly state: HostState;
  readonly view: HostView;
  readonly hierarchy: Hierarchy;
  readonly cgroup: Cgroup;
  /** In whose own subtree it is. */
  readonly machine: Machine | undefined;
}

/** What a command on threads is about: the rows, or what a person picks. `undefined`: they gave it up, or were told why it cannot be. */
export async function threadsTarget(hosts: HostService, nodes: readonly Node[]): Promise<ThreadsTarget | undefined> {
  const rows = nodes.filter((node): node is Extract<Node, { machine: Machine }> => 'machine' in node);
  const first = rows[0];
  if (!first) return ask(hosts);
  if (rows.some(row => row.state.source.id !== first.state.source.id || row.machine.key !== first.machine.key)) {
    void vscode.window.showInformationMessage(vscode.l10n.t('These are threads of several machines. A plan is about one: select threads of one machine.'));
    return undefined;
  }
  const state = hosts.host(first.state.source.id);
  const machine = state?.view?.model.machines.find(it => it.key === first.machine.key);
  if (!state?.view || !machine) return gone(first.machine.name);
  if (rows.length === 1 && first.kind === 'machine') {
    const threads = await pickThreads(machine);
    return threads && { state, view: state.view, machine, threads, hierarchy: undefined };
  }
  const keys = new Set(rows.flatMap(row => ('thread' in row ? [row.thread.key] : row.threads.map(thread => thread.key))));
  const threads = machine.threads.filter(thread => keys.has(thread.key));
  if (threads.length === 0) return gone(machine.name);
  const at = first.kind === 'place' ? first.hierarchies[0] : 'at' in first ? first.at.hierarchy.key : undefined;
  return { state, view: state.view, machine, threads, hierarchy: at };
}

/** What a command on a whole machine is about: the row's, or the one that a person picks. */
export async function machineTarget(hosts: HostService, nodes: readonly Node[], title: string): Promise<{ readonly state: HostState; readonly machine: Machine } | undefined> {
  const row = nodes.find((node): node is Extract<Node, { machine: Machine }> => 'machine' in node);
  return row ?? pickMachine(hosts, title);
}

/** What a command on a cgroup is about. */
export async function cgroupTarget(hosts: HostService, nodes: readonly Node[], title: string): Promise<CgroupTarget | undefined> {
  for (const node of nodes) {
    const at = 'at' in node ? node.at.hierarchy.key : node.kind === 'place' ? node.hierarchies[0] : undefined;
    const path = node.kind === 'place' ? node.place.path : 'cgroup' in node ? node.cgroup?.path : undefined;
    if (at === undefined || path === undefined) continue;
    const state = hosts.host(node.state.source.id);
    const hierarchy = state?.view?.model.hierarchies.find(({ key }) => key === at);
    const cgroup = hierarchy?.cgroups.get(path);
    if (!state?.view || !hierarchy || !cgroup) return gone(path);
    return { state, view: state.view, hierarchy, cgroup, machine: machineOf(state.view.model, cgroup) };
  }
  const found = await pickMachine(hosts, title);
  if (!found) return undefined;
  const { state, view, machine } = found;
  const items = view.model.hierarchies.flatMap(hierarchy => ownCgroups(view.model, machine, hierarchy).map(cgroup => ({ label: plain(core().unescapeUnit(cgroup.path)), description: plain(hierarchy.key), target: { hierarchy, cgroup } })));
  if (items.length === 0) return noSubtree(machine);
  const target = (await pick(items, title))?.target;
  return target && { state, view, machine, ...target };
}

/** The cgroups of one hierarchy that are the machine's own, from the top. */
export function ownCgroups(model: HostModel, machine: Machine, hierarchy: Hierarchy): readonly Cgroup[] {
  return [...core().ownCgroups(model, machine, hierarchy)].sort((a, b) => collator.compare(a.path, b.path));
}

/** The machine in whose own subtree a cgroup is. */
export function machineOf(model: HostModel, { hierarchy, path }: Pick<Cgroup, 'hierarchy' | 'path'>): Machine | undefined {
  return model.machines.find(machine => {
    const top = core().machineSubtree(model, machine, hierarchy);
    return top !== undefined && core().isWithin(path, top);
  });
}

export function noSubtree(machine: Machine): undefined {
  void vscode.window.showInformationMessage(plain(vscode.l10n.t('{0} has no cgroup of its own in any hierarchy: it shares the place where it is with others. Only expert mode (cgroupLens.expertMode) leads elsewhere.', machine.name)));
  return undefined;
}

/** `vcpu10` after `vcpu9`. */
const collator = new Intl.Collator('en', { numeric: true });

function gone(name: string): undefined {
  void vscode.window.showInformationMessage(plain(vscode.l10n.t('{0} is not there any more.', name)));
  return undefined;
}

async function ask(hosts: HostService): Promise<ThreadsTarget | undefined> {
  const found = await pickMachine(hosts, vscode.l10n.t('Machine'));
  const threads = found && (await pickThreads(found.machine));
  return found && threads && { ...found, threads, hierarchy: undefined };
}

async function pickMachine(hosts: HostService, title: string): Promise<{ readonly state: HostState; readonly view: HostView; readonly machine: Machine } | undefined> {
  const items = hosts.hosts.flatMap(state => {
    const { view } = state;
    return view ? view.model.machines.map(machine => ({ label: `$(vm) ${plain(machine.name)}`, description: `${plain(state.source.label)} · PID ${machine.pid}`, found: { state, view, machine } })) : [];
  });
  if (items.length === 0) void vscode.window.showInformationMessage(vscode.l10n.t('No machine is known yet: refresh a host first.'));
  return items.length === 0 ? undefined : (await pick(items, title, vscode.l10n.t('Machine')))?.found;
}

/** Roles first, then single threads. */
async function pickThreads(machine: Machine): Promise<readonly Thread[] | undefined> {
  const own = machine.threads.filter(({ pid }) => pid === machine.pid);
  const of = (kind: RoleKind): readonly Thread[] => own.filter(({ role }) => role.kind === kind);
  const group = (label: string, threads: readonly Thread[]): Item[] => (threads.length > 1 ? [{ label: `$(layers) ${label}`, description: vscode.l10n.t('{0} threads', threads.length), threads }] : []);
  const groups = [
    ...group(vscode.l10n.t('All vCPUs'), of('vcpu')),
    ...group(vscode.l10n.t('All I/O threads'), of('iothread')),
    ...group(vscode.l10n.t('All others than vCPUs and I/O threads'), own.filter(({ role }) => role.kind !== 'vcpu' && role.kind !== 'iothread')),
    ...group(vscode.l10n.t('All threads of the process'), own),
  ];
  const single = machine.threads.map((thread): Item => ({ label: `$(blank) ${plain(core().roleText(thread.role))}`, description: `TID ${thread.tid} · ${plain(thread.comm)}`, threads: [thread] }));
  return (await pick<Item>([...groups, ...single], plain(vscode.l10n.t('Threads of {0}', machine.name)), vscode.l10n.t('Role, TID or thread name')))?.threads;
}

interface Item extends vscode.QuickPickItem {
  readonly threads: readonly Thread[];
}
