import * as vscode from 'vscode';
import type { HostId } from '../core/host/source';
import type { Machine, Thread } from '../core/model/hostModel';
import type { CpuSet } from '../core/parse/cpuList';
import { visible } from '../core/visible';
import { pickSshHost } from './addSshHost';
import { SAMPLE, SAMPLE_WITH_FAULTS, openCapture, saveCapture } from './captures';
import type { Comparing } from './comparing';
import { SCHEME, cgroupUri, placementUri } from './documents';
import { type About, explainRule, fix, goToFinding, suppressRule, turnOff } from './findingCommands';
import { type FindingName, isFindingName } from './findings';
import { pickMachineOrThread } from './goTo';
import type { HostService, HostState } from './hostService';
import { type NeighboursDocuments, askForCpus } from './neighbours';
import { parsedDocument } from './parsedDocuments';
import type { PlacementDrafts } from './placementDrafts';
import { PLAN_COMMANDS, type Plans } from './plans';
import type { SshHosts } from './sshHosts';
import { SshSource } from './sshSource';
import { plain } from './text';
import { type CgroupsNode, cpusOfCgroup } from './views/cgroupNodes';
import type { CgroupsView } from './views/cgroupsView';
import { isConnected, linkFacts, type MachinesNode } from './views/machineNodes';
import type { MachinesView } from './views/machinesView';
import { core } from './lazyCore';

export interface Parts {
  readonly hosts: HostService;
  readonly ssh: SshHosts;
  readonly machines: MachinesView;
  readonly cgroups: CgroupsView;
  readonly neighbours: NeighboursDocuments;
  readonly plans: Plans;
  readonly drafts: PlacementDrafts;
  readonly comparing: Comparing;
  readonly log: vscode.LogOutputChannel;
  readonly extensionUri: vscode.Uri;
}

/** A row of a tree, the id of a host or of a rule, a finding, or a file of the explorer; nothing from the palette. */
type Argument = Node | HostId | vscode.Uri | FindingName;
type Node = MachinesNode | CgroupsNode;

/** Every command. One that fails says so, with a way to the log; nothing is swallowed. */
export function registerCommands(parts: Parts): vscode.Disposable[] {
  const { hosts, ssh, machines, cgroups, neighbours, plans, drafts, comparing, log } = parts;
  const commands: Record<string, (node?: Argument, selected?: readonly unknown[]) => unknown> = {
    refresh: () => machines.refresh(),
    refreshHost: node => machines.refresh(typeof node === 'string' ? [node] : isNode(node) ? [node.state.source.id] : undefined),
    retry: node => machines.refresh(isNode(node) ? [node.state.source.id] : undefined),
    showError: async node => {
      if (!isNode(node) || node.kind !== 'error') return;
      const [retry, showLog] = [vscode.l10n.t('Retry'), vscode.l10n.t('Show Log')];
      const answer = await vscode.window.showErrorMessage(node.text, { modal: true }, retry, showLog);
      if (answer === retry) await machines.refresh([node.state.source.id]);
      else if (answer === showLog) log.show();
    },
    addSshHost: async () => {
      const name = await pickSshHost();
      if (name !== undefined) await connect(parts, await ssh.add(name));
    },
    removeHost: async node => {
      const source = isNode(node) ? node.state.source : (await pickHost(parts, isSsh))?.source;
      if (source instanceof SshSource) await ssh.remove(source.name);
    },
    connect: node => machines.refresh(isNode(node) ? [node.state.source.id] : []),
    disconnect: async node => {
      const state = isNode(node) ? node.state : await pickHost(parts, isConnected);
      if (state) hosts.disconnect(state.source.id);
    },
    allowRoot: node => setAsRoot(parts, node, true),
    stopRoot: node => setAsRoot(parts, node, false),
    openPlacement: async node => {
      const target = isNode(node) && 'machine' in node ? node : await pickMachineOrThread(hosts);
      if (target) await openPlacement(target.state, target.machine, 'thread' in target ? target.thread : undefined, isNode(target) && target.kind === 'place' ? target.hierarchies[0] : undefined);
    },
    goTo: async () => {
      await machines.readUnread();
      const found = await pickMachineOrThread(hosts);
      if (!found) return;
      await machines.reveal(found.state, found.machine, found.thread);
    },
    openCapture: async (file, selected) => {
      const files = (selected ?? [file]).filter(one => one instanceof vscode.Uri);
      if (files.length === 0) return show(parts, await openCapture(hosts));
      for (const one of files) await show(parts, await hosts.addCapture(one));
    },
    openSampleCapture: async () => show(parts, await hosts.addCapture(vscode.Uri.joinPath(parts.extensionUri, SAMPLE))),
    openSampleWithFaults: async () => show(parts, await hosts.addCapture(vscode.Uri.joinPath(parts.extensionUri, SAMPLE_WITH_FAULTS))),
    saveCapture: async node => {
      const state = await whenRead(parts, isNode(node) ? node.state : await pickHost(parts));
      if (state) await saveCapture(state);
    },
    closeCapture: async node => {
      const state = isNode(node) ? node.state : await pickHost(parts, it => it.source.kind === 'capture');
      if (state) hosts.removeCapture(state.source.id);
    },
    filter: async () => {
      const text = await vscode.window.showInputBox({
        title: vscode.l10n.t('Filter Machines'),
        prompt: vscode.l10n.t('Name, PID, TID, role, part of a cgroup path, controller; cpu:4 for threads that may run on CPU 4'),
        value: machines.filterText,
      });
      if (text !== undefined) machines.setFilter(text);
    },
    clearFilter: () => machines.setFilter(''),
    showAllCgroups: () => cgroups.showAll(true),
    showCgroupsWithQemu: () => cgroups.showAll(false),
    openCgroup: async node => {
      const cgroup = isNode(node) && 'cgroup' in node ? node.cgroup : undefined;
      if (isNode(node) && cgroup) await vscode.window.showTextDocument(cgroupUri(node.state, [cgroup]));
    },
    revealInMachines: async node => {
      if (isNode(node) && 'thread' in node) await machines.reveal(node.state, node.machine, node.thread);
    },
    revealInCgroups: async node => {
      if (isNode(node) && 'thread' in node) await cgroups.reveal(node.state, node.thread, node.kind === 'place' ? node.hierarchies[0] : undefined);
    },
    whoElse: async node => {
      const state = isNode(node) ? node.state : await whenRead(parts, await pickHost(parts));
      const cpus = isNode(node) ? cpusOf(node) : state && (await askForCpus(state));
      if (state && cpus) await neighbours.show(hosts.host(state.source.id) ?? state, cpus);
    },
    compare: async node => {
      const row = isNode(node) && 'machine' in node && node.machine ? node : undefined;
      if (!row) await machines.readUnread();
      await comparing.run(row);
    },
    explainRule: node => explainRule(parts, aboutOf(node)),
    fix: node => fix(parts, aboutOf(node)),
    goToFinding: node => goToFinding(parts, aboutOf(node)),
    suppressRule: node => suppressRule(parts, aboutOf(node)),
    turnRuleOff: node => turnOff(aboutOf(node)),
    copyPath: node => copy(isNode(node) ? (node.kind === 'place' ? node.place.path : 'cgroup' in node ? node.cgroup?.path : undefined) : undefined),
    copyTid: node => copy(isNode(node) && 'thread' in node ? String(node.thread.tid) : isNode(node) && node.kind === 'machine' ? String(node.machine.pid) : undefined),
    copyProcLine: node => copy(isNode(node) && node.kind === 'place' ? procLines(node) : undefined),
    applyDraft: uri => drafts.apply(documentOf(uri)),
    discardDraft: uri => drafts.discard(documentOf(uri)),
    showLog: () => log.show(),
    ...Object.fromEntries(PLAN_COMMANDS.map(name => [name, (node?: Argument, selected?: readonly unknown[]) =>
      plans.run(name, (selected ?? [node]).filter(isNode), isNode(node) || isFindingName(node) ? undefined : node)])),
  };
  return Object.entries(commands).map(([name, run]) =>
    vscode.commands.registerCommand(`cgroupLens.${name}`, async (node?: Argument, selected?: readonly unknown[]) => {
      try {
        await run(node, Array.isArray(selected) ? selected : undefined);
      } catch (error) {
        if (core().CollectError.is(error, 'cancelled')) return; // a person's own wish: they disconnected the host, or removed it
        log.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
        const showLog = vscode.l10n.t('Show Log');
        // Not waited for: a command that failed has ended, whether or not its message is still up.
        void vscode.window.showErrorMessage(plain(core().describeError(error)), showLog).then(answer => answer === showLog && log.show());
      }
    }),
  );
}

/** The document that a lens is of, or the one that a person looks at. */
function documentOf(uri: Argument | undefined): vscode.Uri {
  const found = uri instanceof vscode.Uri ? uri : vscode.window.activeTextEditor?.document.uri;
  if (found?.scheme !== SCHEME) throw new Error(vscode.l10n.t('No placement document is open here.'));
  return found;
}

function isNode(node: unknown): node is Node {
  return typeof node === 'object' && node !== null && 'kind' in node && 'state' in node;
}

function aboutOf(node: Argument | undefined): About {
  return typeof node === 'string' || isNode(node) || isFindingName(node) ? node : undefined;
}

/** The CPUs that a row is about: those of a thread, or of a cgroup. */
function cpusOf(node: Node): CpuSet | undefined {
  if ('thread' in node) return node.thread.cpusAllowed;
  return 'cgroup' in node ? cpusOfCgroup(node) : undefined;
}

/** Opens the placement document, at the thread's line or at the row of one of its hierarchies. */
async function openPlacement(state: HostState, machine: Machine, thread: Thread | undefined, hierarchy: string | undefined): Promise<void> {
  if (!state.view) return;
  const document = await vscode.workspace.openTextDocument(placementUri(state, state.view.model, machine));
  const editor = await vscode.window.showTextDocument(document);
  if (!thread) return;
  const { nodes } = parsedDocument(document);
  const row = nodes.find(n => n.kind === 'row' && n.tid === thread.tid && hierarchy !== undefined && n.row.hierarchies.includes(hierarchy));
  const line = (row ?? nodes.find(n => n.kind === 'thread' && n.tid === thread.tid))?.line;
  if (line === undefined) return;
  const start = new vscode.Position(line, row?.kind === 'row' ? row.cells.path.start : 0);
  editor.selection = new vscode.Selection(start, start);
  editor.revealRange(new vscode.Range(start, start), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}

/** The lines of /proc/PID/task/TID/cgroup that a row stands for, as the kernel wrote them. */
function procLines({ state, thread, hierarchies }: Extract<MachinesNode, { kind: 'place' }>): string {
  const text = state.view!.raw.files.get(`/proc/${thread.pid}/task/${thread.tid}/cgroup`) ?? '';
  return text
    .split('\n')
    .filter(line => hierarchies.some(key => (key === '0::' ? line.startsWith(key) : line.split(':')[1] === key)))
    .join('\n');
}

/** As the row shows it: pasted into a terminal, a carriage return in a cgroup's name would be Enter. */
async function copy(text: string | undefined): Promise<void> {
  if (text !== undefined) await vscode.env.clipboard.writeText(text.split('\n').map(visible).join('\n'));
}

function isSsh({ source }: HostState): boolean {
  return source instanceof SshSource;
}

/** Brings a host into view and reads it, asking what must be asked. */
async function connect({ hosts, machines }: Parts, id: HostId): Promise<void> {
  const state = hosts.host(id);
  if (!state) return;
  await machines.revealHost(state);
  await machines.refresh([id]);
}

/** The host as it is now, read if nobody did that yet; `undefined` where a person gave it up. @throws why it cannot be read */
async function whenRead({ hosts, machines }: Parts, state: HostState | undefined): Promise<HostState | undefined> {
  if (state && !state.view) await machines.refresh([state.source.id]);
  const fresh = state && hosts.host(state.source.id);
  if (fresh?.error !== undefined && !fresh.view) throw fresh.error;
  return fresh?.view && fresh;
}

/** Whoever changes what a host may be read as wants to see it. */
async function setAsRoot({ ssh, machines }: Parts, node: Argument | undefined, asRoot: boolean): Promise<void> {
  if (!isNode(node) || !(node.state.source instanceof SshSource)) return;
  await ssh.setAsRoot(node.state.source.name, asRoot);
  await machines.refresh([node.state.source.id]);
}

async function pickHost({ hosts }: Parts, fits: (state: HostState) => boolean = () => true): Promise<HostState | undefined> {
  const states = hosts.hosts.filter(fits);
  if (states.length <= 1) return states[0];
  const items = states.map(state => ({ label: plain(state.source.label), description: linkFacts(state).join(' · '), state }));
  return (await vscode.window.showQuickPick(items, { title: vscode.l10n.t('Host') }))?.state;
}

/** Brings a host that was just opened into view, with its first machine. Damage is told even when nothing else is left to show. */
async function show({ hosts, machines }: Parts, id: string | undefined): Promise<void> {
  const state = id === undefined ? undefined : hosts.host(id);
  if (!state?.view) return;
  const damaged = state.view.captureProblems[0];
  if (damaged) {
    const text = vscode.l10n.t('{0} is damaged: line {1} should be {2} and is "{3}". What could be read is shown.', state.source.label, damaged.line, damaged.expected, plain(damaged.found));
    void vscode.window.showWarningMessage(plain(text));
  }
  const first = state.view.model.machines[0];
  if (first) await machines.reveal(state, first, undefined);
}
