import * as vscode from 'vscode';
import { encodeBytes } from '../../core/parse/bytes';

const SCHEME = 'cgroup-lens-row';

/** `1 thread held back`: what a badge says, in words. */
export function heldText(count: number): string {
  return count === 1 ? vscode.l10n.t('1 thread held back') : vscode.l10n.t('{0} threads held back', count);
}

/**
 * Gives a row a badge: how many threads it stands for are held back, waiting for a CPU or throttled. The row's own text
 * has to say it too, for a badge is not read out. The address holds all that the badge shows, so that a row with news
 * has another address, and nothing has to be remembered or told.
 */
export function badge(item: vscode.TreeItem, id: string, held: number): void {
  if (held > 0) item.resourceUri = vscode.Uri.from({ scheme: SCHEME, path: `/${encodeBytes(id).toString('base64url')}`, query: String(held) });
}

/** Draws the badges of {@link badge}. */
export class Decorations implements vscode.FileDecorationProvider, vscode.Disposable {
  private readonly registration = vscode.window.registerFileDecorationProvider(this);

  provideFileDecoration({ scheme, query }: vscode.Uri): vscode.FileDecoration | undefined {
    const held = Number(query);
    if (scheme !== SCHEME || !Number.isSafeInteger(held)) return undefined;
    // Two characters are all that fits.
    return new vscode.FileDecoration(held > 99 ? '++' : String(held), heldText(held), new vscode.ThemeColor('list.warningForeground'));
  }

  dispose(): void {
    this.registration.dispose();
  }
}
