import * as vscode from 'vscode';
import type { Because } from '../core/cgroup/outcome';
import type { PlacementEdit } from '../core/placement/diff';
import { PLACEMENT_LANGUAGE, SCHEME } from './documents';
import type { HostService } from './hostService';
import { core } from './lazyCore';
import { parsedDocument } from './parsedDocuments';
import { type PlacementAbout, type PlacementFs, problemText } from './placementFs';
import type { Plans } from './plans';
import { plain } from './text';
import { type Version, isDirty, staleText } from './virtualFs';

/** While a person types, problems are looked for when they pause. */
const PAUSE = 200;

/** Edited placement documents: what cannot be understood in them, their plans, and what can be done with a draft. */
export class PlacementDrafts implements vscode.CodeLensProvider, vscode.Disposable {
  private readonly problems = vscode.languages.createDiagnosticCollection('cgroup-lens-draft');
  private readonly lensesChanged = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.lensesChanged.event;
  /** What stood against the latest plan of each document. */
  private readonly conflicts = new Map<string, readonly { readonly edit: PlacementEdit | undefined; readonly because: Because }[]>();
  /** Stands in the status bar: what is above the first line may be scrolled out of view. */
  private status: vscode.LanguageStatusItem | undefined;
  private readonly pausing = new Map<string, NodeJS.Timeout>();
  private readonly disposables: vscode.Disposable[];

  constructor(
    private readonly files: PlacementFs,
    private readonly hosts: HostService,
    private readonly plans: Plans,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.disposables = [
      this.problems,
      this.lensesChanged,
      files.onDidEdit(uri => this.edited(uri)),
      files.onDidSaveDraft(uri => void this.plan(uri).catch((error: unknown) => this.tell(error))),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.problems.delete(uri)),
      vscode.languages.registerCodeLensProvider({ scheme: SCHEME, language: PLACEMENT_LANGUAGE }, this),
      vscode.window.onDidChangeActiveTextEditor(() => this.tellState()),
    ];
    for (const { uri, isDirty: isEdited } of vscode.workspace.textDocuments) if (uri.scheme === SCHEME && isEdited) this.edited(uri);
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const { uri } = document;
    const state = this.stateOf(document);
    if (state === undefined) return [];
    const lens = (title: string, command: string): vscode.CodeLens => new vscode.CodeLens(new vscode.Range(0, 0, 0, 0), { title, command, arguments: [uri] });
    const lenses = [lens(state, '')];
    if (!this.isStale(uri)) lenses.push(lens(vscode.l10n.t('Plan…'), 'cgroupLens.applyDraft'));
    lenses.push(lens(vscode.l10n.t('Discard'), 'cgroupLens.discardDraft'));
    return lenses;
  }

  /** Opens the plan of a draft: what is unsaved is saved for that, as by Ctrl+S. */
  async apply(uri: vscode.Uri): Promise<void> {
    if (isDirty(uri)) {
      await vscode.window.showTextDocument(uri);
      await vscode.commands.executeCommand('workbench.action.files.save');
    } else if (this.files.hasDraft(uri)) await this.plan(uri);
  }

  async discard(uri: vscode.Uri): Promise<void> {
    this.conflicts.delete(uri.toString());
    await this.files.discard(uri);
  }

  dispose(): void {
    this.status?.dispose();
    for (const timer of this.pausing.values()) clearTimeout(timer);
    for (const disposable of this.disposables) disposable.dispose();
  }

  private isStale(uri: vscode.Uri): boolean {
    return this.files.baseOf(uri)?.about === undefined;
  }

  /** `undefined`: it is what the host says. */
  private stateOf({ uri, isDirty: isEdited }: vscode.TextDocument): string | undefined {
    if (!isEdited && !this.files.hasDraft(uri)) return undefined;
    if (this.isStale(uri)) return vscode.l10n.t('A stale draft: what it began from is not known');
    return this.files.hasDraft(uri) ? vscode.l10n.t('Draft, not applied') : vscode.l10n.t('Edited, not planned');
  }

  private tellState(): void {
    const document = vscode.window.activeTextEditor?.document;
    const state = document?.uri.scheme === SCHEME ? this.stateOf(document) : undefined;
    if (!document || state === undefined) {
      this.status?.dispose();
      this.status = undefined;
      return;
    }
    this.status ??= vscode.languages.createLanguageStatusItem('cgroup-lens-draft', { scheme: SCHEME, language: PLACEMENT_LANGUAGE });
    this.status.severity = vscode.LanguageStatusSeverity.Warning;
    this.status.text = state;
    this.status.command = this.isStale(document.uri)
      ? { title: vscode.l10n.t('Discard'), command: 'cgroupLens.discardDraft', arguments: [document.uri] }
      : { title: vscode.l10n.t('Plan…'), command: 'cgroupLens.applyDraft', arguments: [document.uri] };
  }

  /** Shows the plan of a draft, without what is not so any more on the host. */
  private async plan(uri: vscode.Uri): Promise<void> {
    const key = uri.toString();
    const draft = this.files.draftOf(uri);
    const base = this.files.baseOf(uri);
    const document = vscode.workspace.textDocuments.find(one => one.uri.toString() === key);
    if (!draft || !base?.about || !document) return;
    const { edits } = core().diffPlacement(core().parsePlacement(base.text), parsedDocument(document));
    const { hostId, machine: began } = base.about;
    let isSoAlready = false;
    const end = await this.plans.show({
      hostId,
      machine: began.key,
      changes: (model, machine) => {
        if (this.files.draftOf(uri) !== draft) return undefined; // another was saved meanwhile
        const { changes, conflicts } = core().changesOf(edits, began, model, machine);
        this.conflicts.set(key, conflicts);
        this.edited(uri);
        const warnings = conflicts.map(({ because }) => because);
        if (changes.length > 0) return { changes, warnings };
        isSoAlready = conflicts.length === 0;
        if (!isSoAlready) void vscode.window.showWarningMessage(plain(vscode.l10n.t('Nothing is planned, for the host has changed meanwhile: {0}', warnings.map(core().sentence).join(' '))));
        return undefined;
      },
    });
    if (isSoAlready) return this.discard(uri);
    // A plan that was closed, or not made, leaves the draft to its writer; one that failed may be planned again: what is done is left out.
    if (end !== 'applied') return;
    await this.hosts.refresh(hostId);
    if (this.files.draftOf(uri) === draft && !isDirty(uri)) await this.discard(uri);
  }

  private edited(uri: vscode.Uri): void {
    const key = uri.toString();
    this.lensesChanged.fire();
    this.tellState();
    clearTimeout(this.pausing.get(key));
    this.pausing.set(key, setTimeout(() => {
      this.pausing.delete(key);
      const document = vscode.workspace.textDocuments.find(one => one.uri.toString() === key);
      if (!document) return;
      const isEdited = document.isDirty || this.files.hasDraft(uri);
      if (!isEdited || document.isDirty) this.conflicts.delete(key); // they are about the text that was saved
      this.problems.set(uri, isEdited && document.languageId === PLACEMENT_LANGUAGE ? this.problemsOf(document, this.files.baseOf(uri)) : []);
      this.lensesChanged.fire();
    }, PAUSE));
  }

  private problemsOf(document: vscode.TextDocument, base: Version<PlacementAbout> | undefined): vscode.Diagnostic[] {
    const diagnostic = ({ line, start, end }: { readonly line: number; readonly start: number; readonly end: number }, text: string, severity: vscode.DiagnosticSeverity): vscode.Diagnostic => {
      const found = new vscode.Diagnostic(document.validateRange(new vscode.Range(line, start, line, end)), text, severity);
      found.source = 'Cgroup Lens';
      return found;
    };
    const top = { line: 0, start: 0, end: 1_000_000 };
    if (base?.about === undefined) return [diagnostic(top, staleText(), vscode.DiagnosticSeverity.Warning)];
    const { problems } = core().diffPlacement(core().parsePlacement(base.text), parsedDocument(document));
    const conflicts = this.conflicts.get(document.uri.toString()) ?? [];
    return [
      ...problems.slice(0, 100).map(problem => diagnostic(problem, problemText(problem), vscode.DiagnosticSeverity.Error)),
      ...conflicts.map(({ edit, because }) => diagnostic(edit?.span ?? top, core().sentence(because), vscode.DiagnosticSeverity.Warning)),
    ];
  }

  private tell(error: unknown): void {
    if (core().CollectError.is(error, 'cancelled')) return;
    this.log.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
    void vscode.window.showErrorMessage(plain(core().describeError(error)));
  }
}
