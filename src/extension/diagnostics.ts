import * as vscode from 'vscode';
import type { HostId } from '../core/host/source';
import type { Machine } from '../core/model/hostModel';
import type { Pace } from '../core/model/pace';
import type { ParsedPlacement } from '../core/placement/parse';
import type { Finding } from '../core/rules/rule';
import { PLACEMENT_LANGUAGE, placementUri, resolve } from './documents';
import { messageOf, worstFirst } from './findingText';
import { findingsIn, layoutIn } from './findings';
import type { HostService, HostState } from './hostService';
import { core } from './lazyCore';
import { parsedDocument } from './parsedDocuments';
import { placeFindings } from './placedFindings';

/** What stands before a finding in the Problems panel. */
export const SOURCE = 'Cgroup Lens';

const SEVERITIES: Readonly<Record<Finding['severity'], vscode.DiagnosticSeverity>> = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  information: vscode.DiagnosticSeverity.Information,
  hint: vscode.DiagnosticSeverity.Hint, // three dots below the words; VS Code does not list it in Problems
};

/** What one call may bring: VS Code drops what is above 1,100 in a call, and says nothing (extHostDiagnostics.ts). */
const MOST_AT_ONCE = 500;

/** The rule of a finding that is shown. */
export function ruleOf({ source, code }: vscode.Diagnostic): string | undefined {
  return source === SOURCE && typeof code === 'object' ? String(code.value) : undefined;
}

/** Findings in the Problems panel and as wavy lines, also of machines whose document is not open. */
export class Diagnostics implements vscode.Disposable {
  private readonly collection = vscode.languages.createDiagnosticCollection('cgroup-lens');
  /** What documents have, by host and address, in words: what stays the same is not told again, for that would close a menu that is open. */
  private readonly shown = new Map<HostId, Map<string, { readonly uri: vscode.Uri; readonly words: string }>>();
  private readonly disposables: vscode.Disposable[];
  /** Hosts with news that are not told yet. */
  private readonly waiting = new Set<HostId>();
  private isWorking = false;
  private disposed = false;

  constructor(
    private readonly hosts: HostService,
    private readonly log: vscode.LogOutputChannel,
  ) {
    const changed = (document: vscode.TextDocument): void => {
      if (document.languageId === PLACEMENT_LANGUAGE) this.ofDocument(document.uri);
    };
    this.disposables = [
      this.collection,
      hosts.onDidChange(id => (id === undefined ? this.all() : this.ofHost(id))),
      hosts.onDidChangeRuleSettings(() => this.all()),
      vscode.workspace.onDidOpenTextDocument(changed),
      vscode.workspace.onDidChangeTextDocument(({ document }) => changed(document)),
      vscode.workspace.onDidCloseTextDocument(changed),
    ];
    this.all();
  }

  dispose(): void {
    this.disposed = true;
    for (const disposable of this.disposables) disposable.dispose();
  }

  private all(): void {
    for (const id of new Set([...this.shown.keys(), ...this.hosts.hosts.map(({ source }) => source.id)])) this.ofHost(id);
  }

  private ofHost(id: HostId): void {
    if (!this.hosts.host(id)?.view && !this.shown.has(id)) return;
    this.waiting.add(id);
    if (!this.isWorking) void this.work();
  }

  /** One host after the other, and all of them with breaths: also when all have news at once. */
  private async work(): Promise<void> {
    this.isWorking = true;
    const pace = new (core().Pace)(1);
    for (const id of this.waiting) { // which grows meanwhile
      this.waiting.delete(id);
      await this.tell(id, pace).catch((error: unknown) => this.log.error(error instanceof Error ? (error.stack ?? error.message) : String(error)));
    }
    this.isWorking = false;
  }

  /** Gives up when there is news of the host: then it waits again. */
  private async tell(id: HostId, pace: Pace): Promise<void> {
    const state = this.hosts.host(id);
    const findings = state?.view && findingsIn(state.view.model);
    const known = this.shown.get(id) ?? new Map<string, { readonly uri: vscode.Uri; readonly words: string }>();
    this.shown.set(id, known);
    const now = new Set<string>();
    let unsent: [vscode.Uri, vscode.Diagnostic[]][] = [];
    let count = 0;
    const flush = (): void => {
      if (unsent.length > 0) this.collection.set(unsent);
      unsent = [];
      count = 0;
    };
    if (state && findings) {
      for (const machine of new Set(findings.all.map(finding => finding.machine))) {
        const uri = placementUri(state, state.view!.model, machine);
        now.add(uri.toString());
        const diagnostics = this.news(known, uri, this.of(state, machine, uri));
        if (diagnostics) {
          if (count + diagnostics.length > MOST_AT_ONCE) flush();
          unsent.push([uri, diagnostics]);
          count += diagnostics.length;
        }
        const pause = pace.breathe();
        if (!pause) continue;
        flush(); // before anybody else can tell of these documents
        await pause;
        if (this.disposed || this.hosts.host(id)?.view !== state.view || findingsIn(state.view!.model) !== findings) return;
      }
    }
    flush();
    for (const [key, { uri }] of known) {
      if (now.has(key)) continue;
      known.delete(key);
      this.collection.delete(uri);
    }
    if (known.size === 0) this.shown.delete(id);
  }

  private ofDocument(uri: vscode.Uri): void {
    const target = resolve(this.hosts, uri);
    const known = target.kind === 'placement' ? this.shown.get(target.state.source.id) : undefined;
    if (target.kind !== 'placement' || !known?.has(uri.toString())) return;
    const diagnostics = this.news(known, uri, this.of(target.state, target.machine, uri));
    if (diagnostics) this.collection.set(uri, diagnostics);
  }

  /** `undefined`: they are what is shown already. */
  private news(known: Map<string, { readonly uri: vscode.Uri; readonly words: string }>, uri: vscode.Uri, diagnostics: vscode.Diagnostic[]): vscode.Diagnostic[] | undefined {
    const words = JSON.stringify(diagnostics.map(({ range, message, severity }) => [range, message, severity]));
    if (known.get(uri.toString())?.words === words) return undefined;
    known.set(uri.toString(), { uri, words });
    return diagnostics;
  }

  private of(state: HostState, machine: Machine, uri: vscode.Uri): vscode.Diagnostic[] {
    const { model } = state.view!;
    const document = vscode.workspace.textDocuments.find(open => !open.isClosed && open.languageId === PLACEMENT_LANGUAGE && open.uri.toString() === uri.toString());
    const parsed: ParsedPlacement = document ? parsedDocument(document) : core().parsePlacement(core().print(core().toPlacement(model, machine, layoutIn(model, machine))));
    const placed = new Map(placeFindings(model, machine, parsed).map(({ finding, range }) => [finding, range]));
    // Of a thousand and more VS Code shows the first.
    return worstFirst([...placed.keys()]).map(finding => {
      const diagnostic = new vscode.Diagnostic(placed.get(finding)!, messageOf(finding, path => core().pathText(path, parsed.alias)), SEVERITIES[finding.severity]);
      diagnostic.source = SOURCE;
      diagnostic.code = { value: finding.rule, target: vscode.Uri.from({ scheme: 'command', path: 'cgroupLens.explainRule', query: JSON.stringify([finding.rule]) }) };
      return diagnostic;
    });
  }
}
