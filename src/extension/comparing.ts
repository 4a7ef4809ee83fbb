import * as vscode from 'vscode';
import type { Comparison, Difference } from '../core/compare/compare';
import type { PrintedSide } from '../core/compare/print';
import type { HostModel, Machine } from '../core/model/hostModel';
import { openCapture } from './captures';
import { SOURCE } from './diagnostics';
import type { HostService, HostState } from './hostService';
import { core } from './lazyCore';
import { rangeOf } from './placedFindings';
import { pathSegment, plain } from './text';

export const COMPARE_SCHEME = 'cgroup-lens-compare';

/** Of the differences of one document VS Code lists no more; the diff editor shows them all. */
const MOST = 1000;

/** A machine of a host that was read. */
export interface ComparedMachine {
  readonly state: HostState;
  readonly machine: Machine;
}

/** Two machines in VS Code's diff editor, each as a text that is the same where nothing moved; what moved stands in the Problems panel, too. */
export class Comparing implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly problems = vscode.languages.createDiagnosticCollection('cgroup-lens-compare');
  private readonly texts = new Map<string, string>();
  private readonly disposables: vscode.Disposable[];
  private count = 0;

  constructor(private readonly hosts: HostService) {
    this.disposables = [
      this.problems,
      vscode.workspace.registerTextDocumentContentProvider(COMPARE_SCHEME, this),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.closed(uri)),
    ];
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? vscode.l10n.t('not compared in this window: run the command "Compare Machine with…" again');
  }

  /** Asks for what was not said, and shows what moved. @throws CaptureError of a capture that is opened for it */
  async run(first: ComparedMachine | undefined): Promise<void> {
    const one = first ?? (await this.pick(undefined));
    const other = one && (await this.pick(one));
    if (one && other) await this.show(other, one);
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }

  /** The older one is on the left, and of two that are as old the one that was picked to compare with: what moved is read from there. */
  private async show(...both: [ComparedMachine, ComparedMachine]): Promise<void> {
    const [a, b] = both.sort((x, y) => readAt(x) - readAt(y)).map(({ state, machine }) => ({ model: state.view!.model, machine })) as [Compared, Compared];
    const comparison = await core().paced(core().comparing(a, b));
    const names = comparison.labels.map(plain);
    if (comparison.differences.length === 0) void vscode.window.showInformationMessage(vscode.l10n.t('{0} and {1} are placed alike.', nameOf(a, names[0]!), nameOf(b, names[1]!)));
    const printed = [await core().paced(core().printingSide(comparison.sections[0])), await core().paced(core().printingSide(comparison.sections[1]))] as const;
    this.count++;
    const [left, right] = ([a, b] as const).map(({ model, machine }, i) => vscode.Uri.from({ scheme: COMPARE_SCHEME, path: `/${pathSegment(model.label)}/${pathSegment(machine.name)}.compared`, query: `${this.count}-${i}` })) as [vscode.Uri, vscode.Uri];
    this.texts.set(left.toString(), printed[0].text).set(right.toString(), printed[1].text);
    const title = a.machine.name === b.machine.name ? `${plain(a.machine.name)}: ${names[0]} ↔ ${names[1]}` : `${nameOf(a, names[0]!)} ↔ ${nameOf(b, names[1]!)}`;
    await vscode.commands.executeCommand('vscode.diff', left, right, title, { preview: false });
    if (vscode.workspace.textDocuments.some(({ uri }) => uri.toString() === right.toString())) this.problems.set(right, comparison.differences.slice(0, MOST).map(difference => diagnosticOf(difference, comparison, left, printed)));
  }

  private closed(uri: vscode.Uri): void {
    if (uri.scheme !== COMPARE_SCHEME) return;
    this.texts.delete(uri.toString());
    this.problems.delete(uri);
  }

  /** One of all that are known, or of a capture that is opened for it. @param beside what it is compared with */
  private async pick(beside: ComparedMachine | undefined): Promise<ComparedMachine | undefined> {
    const items = machinesOf(this.hosts.hosts, beside).map(one => ({ ...itemOf(one), one }));
    const file = { label: `$(folder-opened) ${vscode.l10n.t('Open Capture…')}`, one: undefined, alwaysShow: true };
    const title = beside ? vscode.l10n.t('Compare {0} with', plain(beside.machine.name)) : vscode.l10n.t('Compare Which Machine?');
    const picked = await vscode.window.showQuickPick([...items, file], { title, placeHolder: vscode.l10n.t('A machine of a host or of a capture'), matchOnDescription: true });
    if (picked !== file) return picked?.one;
    const id = await openCapture(this.hosts);
    const state = id === undefined ? undefined : this.hosts.host(id);
    return state && this.pickIn(state, beside);
  }

  /** The only one there is, or the one that is the same machine; else a person says which. */
  private async pickIn(state: HostState, beside: ComparedMachine | undefined): Promise<ComparedMachine | undefined> {
    const all = machinesOf([state], beside);
    if (all.length === 0) void vscode.window.showInformationMessage(vscode.l10n.t('{0} has no machine to compare.', plain(state.source.label)));
    const same = all.filter(({ machine }) => beside && isSame(machine, beside.machine));
    if (all.length <= 1 || same.length === 1) return same[0] ?? all[0];
    return (await vscode.window.showQuickPick(all.map(one => ({ ...itemOf(one), one })), { title: vscode.l10n.t('Which machine of {0}?', plain(state.source.label)) }))?.one;
  }
}

type Compared = { readonly model: HostModel; readonly machine: Machine };

function readAt({ state }: ComparedMachine): number {
  return state.view!.model.collection.startedAt;
}

/** Those that are most likely meant come first: the same machine on another host, or in a capture. */
function machinesOf(states: readonly HostState[], beside: ComparedMachine | undefined): ComparedMachine[] {
  const all = states.flatMap(state => (state.view?.model.machines ?? []).map(machine => ({ state, machine })));
  const others = all.filter(one => !beside || one.state.source.id !== beside.state.source.id || one.machine.key !== beside.machine.key);
  if (!beside) return others;
  const same = others.filter(({ machine }) => isSame(machine, beside.machine));
  return [...same, ...others.filter(one => !same.includes(one))];
}

function isSame(a: Machine, b: Machine): boolean {
  return a.uuid !== undefined && b.uuid !== undefined ? a.uuid === b.uuid : a.name === b.name;
}

function itemOf({ state, machine }: ComparedMachine): vscode.QuickPickItem {
  return { label: `$(vm) ${plain(machine.name)}`, description: [plain(state.source.label), `PID ${machine.pid}`, plain(machine.uuid ?? '')].join(' · ') };
}

function nameOf({ machine }: Compared, label: string): string {
  const name = plain(machine.name);
  return name === label ? name : `${name} (${label})`;
}

function diagnosticOf(difference: Difference, { labels }: Comparison, left: vscode.Uri, [before, now]: readonly [PrintedSide, PrintedSide]): vscode.Diagnostic {
  const read = difference.evidence.flatMap((one, i) => (one ? [plain(`${labels[i]}: ${one.file}: ${one.value}`)] : []));
  const diagnostic = new vscode.Diagnostic(rangeOf(now.spanOf(difference)), [plain(difference.sentence()), ...read].join('\n'), vscode.DiagnosticSeverity.Information);
  diagnostic.source = SOURCE;
  diagnostic.code = core().PLACEMENT_DIFFERS;
  diagnostic.relatedInformation = [new vscode.DiagnosticRelatedInformation(new vscode.Location(left, rangeOf(before.spanOf(difference))), plain(labels[0]))];
  return diagnostic;
}
