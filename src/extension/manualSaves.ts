import * as vscode from 'vscode';

/** Who wants a document saved. `all`: Save All, or some command for many. `nobody`: no save of an editor at all. */
export type SavedBy = 'person' | 'auto save' | 'all' | 'nobody';

/**
 * How long other documents are looked for that are saved in the same breath. VS Code gives Save All the reason of a
 * person's own save, and nothing else tells them apart: it saves them all at once, and Ctrl+S the active one alone.
 */
const BREATH = 300;

interface Save {
  readonly key: string;
  readonly at: number;
  readonly reason: vscode.TextDocumentSaveReason;
  readonly isActive: boolean;
}

/**
 * Tells a person's own save of the document that they look at from all others: only that may lead to a plan. Not told
 * apart is Save All while nothing else is unsaved: it is what Ctrl+S would do.
 */
export class ManualSaves implements vscode.Disposable {
  private saves: Save[] = [];
  private readonly listening: vscode.Disposable;

  constructor() {
    this.listening = vscode.workspace.onWillSaveTextDocument(({ document, reason }) => {
      const at = performance.now();
      this.saves = this.saves.filter(save => at - save.at < 60_000);
      this.saves.push({ key: document.uri.toString(), at, reason, isActive: vscode.window.activeTextEditor?.document === document });
    });
  }

  /** Whose save the write is that has just begun. Each save counts for one write. */
  async whose(uri: vscode.Uri): Promise<SavedBy> {
    const key = uri.toString();
    const save = this.saves.findLast(one => one.key === key);
    this.saves = this.saves.filter(one => one.key !== key);
    if (!save) return 'nobody';
    if (save.reason !== vscode.TextDocumentSaveReason.Manual) return 'auto save';
    if (!save.isActive) return 'all';
    const before = this.saves; // what was seen by now, whatever is dropped meanwhile
    await new Promise(resolve => setTimeout(resolve, BREATH));
    const isOneOfMany = [...before, ...this.saves].some(other => other.key !== key && other.reason === vscode.TextDocumentSaveReason.Manual && Math.abs(other.at - save.at) < BREATH);
    return isOneOfMany ? 'all' : 'person';
  }

  dispose(): void {
    this.listening.dispose();
  }
}

/** Why a save does not count, as a sentence. */
export function whyNot(by: Exclude<SavedBy, 'person'>): string {
  switch (by) {
    case 'auto save':
      return vscode.l10n.t('Not saved, and nothing planned: auto save never changes a host. Press Ctrl+S in this editor for the plan, or revert the file.');
    case 'all':
      return vscode.l10n.t('Not saved, and nothing planned: Save All never changes a host. Press Ctrl+S in this editor for the plan, or revert the file.');
    case 'nobody':
      return vscode.l10n.t('Not written: only a person\'s own save of the editor leads to a plan.');
  }
}
