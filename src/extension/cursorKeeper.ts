import * as vscode from 'vscode';
import { PLACEMENT_LANGUAGE } from './documents';
import { nodeAt, nodeName, parsedDocument } from './parsedDocuments';
import type { PlacementFs } from './placementFs';

interface Kept {
  /** Where the cursor and the other end of the selection are: by name of the node, and by column. */
  readonly anchor: { readonly name: string | undefined; readonly position: vscode.Position };
  readonly active: { readonly name: string | undefined; readonly position: vscode.Position };
  /** Names of nodes that were folded. Only what is in view can be known. */
  readonly folded: readonly string[];
}

/** A refresh replaces text from the first to the last changed line and takes the cursor along: this puts it back. */
export class CursorKeeper implements vscode.Disposable {
  private readonly kept = new Map<vscode.TextEditor, Kept>();
  private readonly disposables: vscode.Disposable[];

  constructor(
    files: PlacementFs,
    private readonly memento: vscode.Memento,
  ) {
    this.disposables = [
      vscode.window.onDidChangeTextEditorSelection(event => this.remember(event)),
      files.onWillChange(uri => this.keep(uri)),
      vscode.workspace.onDidChangeTextDocument(event => this.putBack(event.document)),
      vscode.workspace.onDidCloseTextDocument(document => this.forget(document)),
    ];
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }

  private keep(uri: vscode.Uri): void {
    for (const editor of vscode.window.visibleTextEditors) {
      const { document } = editor;
      if (document.uri.toString() !== uri.toString() || document.isDirty) continue;
      const named = (position: vscode.Position): Kept['anchor'] => {
        const node = nodeAt(document, position.line);
        return { name: node && nodeName(node), position };
      };
      this.kept.set(editor, { anchor: named(editor.selection.anchor), active: named(editor.selection.active), folded: foldedNodes(editor) });
    }
  }

  private putBack(document: vscode.TextDocument): void {
    for (const [editor, { anchor, active, folded }] of [...this.kept]) {
      if (editor.document !== document) continue;
      this.kept.delete(editor);
      const nodes = new Map(parsedDocument(document).nodes.map(node => [nodeName(node), node] as const));
      const found = ({ name, position }: Kept['anchor']): vscode.Position => {
        const node = name === undefined ? undefined : nodes.get(name);
        return document.validatePosition(node ? new vscode.Position(node.line, position.character) : position);
      };
      // A text without nodes said only that nothing is known: the cursor was put there by nobody.
      const before = active.name === undefined ? this.remembered(document) : undefined;
      editor.selection = new vscode.Selection(found(before ?? anchor), found(before ?? active));
      if (before) editor.revealRange(editor.selection, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
      const still = new Set(foldedNodes(editor));
      const lines = folded.filter(name => !still.has(name)).flatMap(name => nodes.get(name)?.line ?? []);
      if (lines.length > 0 && editor === vscode.window.activeTextEditor) void vscode.commands.executeCommand('editor.fold', { levels: 1, direction: 'down', selectionLines: lines });
    }
  }

  /** Where a person put the cursor outlives the window: after a reload the document is empty until its host is read. */
  private remember({ textEditor, kind }: vscode.TextEditorSelectionChangeEvent): void {
    const { document, selection } = textEditor;
    if (document.languageId !== PLACEMENT_LANGUAGE || kind === undefined) return;
    const node = nodeAt(document, selection.active.line);
    if (node) void this.memento.update(`cursor ${document.uri.path}`, { name: nodeName(node), character: selection.active.character });
  }

  private remembered(document: vscode.TextDocument): Kept['anchor'] | undefined {
    const known = this.memento.get<{ name: string; character: number }>(`cursor ${document.uri.path}`);
    return known && { name: known.name, position: new vscode.Position(0, known.character) };
  }

  private forget(document: vscode.TextDocument): void {
    for (const editor of [...this.kept.keys()]) if (editor.document === document) this.kept.delete(editor);
  }
}

/** A gap between two visible ranges is a fold whose first line is the last one before the gap. */
function foldedNodes(editor: vscode.TextEditor): string[] {
  const ranges = editor.visibleRanges;
  return ranges.slice(0, -1).flatMap((range, i) => {
    const node = ranges[i + 1]!.start.line > range.end.line + 1 ? nodeAt(editor.document, range.end.line) : undefined;
    return node ? [nodeName(node)] : [];
  });
}
