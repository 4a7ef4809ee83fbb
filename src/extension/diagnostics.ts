import * as vscode from 'vscode';
import type { HostId } from '../core/host/source';
import type { Machine } from '../core/model/hostModel';
import type { Finding } from '../core/rules/rule';
import { PLACEMENT_LANGUAGE, placementUri, resolve } from './documents';
import { findingsIn, placeFindings } from './findings';
import type { HostService, HostState } from './hostService';
import { core } from './lazyCore';
import { parsedDocument } from './parsedDocuments';
import { plain } from './text';

/** What stands before a finding in the Problems panel. */
export const SOURCE = 'Cgroup Lens';

const SEVERITIES: Readonly<Record<Finding['severity'], vscode.DiagnosticSeverity>> = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  information: vscode.DiagnosticSeverity.Information,
  hint: vscode.DiagnosticSeverity.Hint,
};

/** Findings in the Problems panel and as wavy lines, also of machines whose document is not open. */
export class Diagnostics implements vscode.Disposable {
  private readonly collection = vscode.languages.createDiagnosticCollection('cgroup-lens');
  /** Documents that have some, by host. */
  private readonly shown = new Map<HostId, ReadonlyMap<string, vscode.Uri>>();
  private readonly disposables: vscode.Disposable[];

  constructor(private readonly hosts: HostService) {
    const changed = (document: vscode.TextDocument): void => {
      if (document.languageId === PLACEMENT_LANGUAGE) this.ofDocument(document.uri);
    };
    this.disposables = [
      this.collection,
      hosts.onDidChange(id => (id === undefined ? this.all() : this.ofHost(id))),
      vscode.workspace.onDidOpenTextDocument(changed),
      vscode.workspace.onDidChangeTextDocument(({ document }) => changed(document)),
      vscode.workspace.onDidCloseTextDocument(changed),
    ];
    this.all();
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }

  private all(): void {
    for (const id of new Set([...this.shown.keys(), ...this.hosts.hosts.map(({ source }) => source.id)])) this.ofHost(id);
  }

  private ofHost(id: HostId): void {
    const state = this.hosts.host(id);
    const model = state?.view?.model;
    const now = new Map<string, vscode.Uri>();
    if (state && model) {
      for (const machine of new Set(findingsIn(model).map(finding => finding.machine))) {
        const uri = placementUri(state, model, machine);
        now.set(uri.toString(), uri);
        this.collection.set(uri, this.of(state, machine, uri));
      }
    }
    for (const [key, uri] of this.shown.get(id) ?? []) if (!now.has(key)) this.collection.delete(uri);
    if (now.size > 0) this.shown.set(id, now);
    else this.shown.delete(id);
  }

  private ofDocument(uri: vscode.Uri): void {
    const target = resolve(this.hosts, uri);
    if (target.kind === 'placement' && this.shown.get(target.state.source.id)?.has(uri.toString())) this.collection.set(uri, this.of(target.state, target.machine, uri));
  }

  private of(state: HostState, machine: Machine, uri: vscode.Uri): vscode.Diagnostic[] {
    const { model } = state.view!;
    const document = vscode.workspace.textDocuments.find(open => !open.isClosed && open.languageId === PLACEMENT_LANGUAGE && open.uri.toString() === uri.toString());
    const parsed = document ? parsedDocument(document) : core().parsePlacement(core().print(core().toPlacement(model, machine)));
    return placeFindings(model, machine, parsed).map(({ finding, range }) => {
      const diagnostic = new vscode.Diagnostic(range, plain(finding.sentence(path => core().pathText(path, parsed.alias))), SEVERITIES[finding.severity]);
      diagnostic.source = SOURCE;
      diagnostic.code = finding.rule;
      return diagnostic;
    });
  }
}
