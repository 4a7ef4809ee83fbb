import * as vscode from 'vscode';
import { encodeBytes } from '../../core/parse/bytes';
import { type Tally, colorOf, tallyTexts } from '../findingText';

const SCHEME = 'cgroup-lens-row';

/** What hurts those that a row stands for: findings, and threads that are held back, waiting for a CPU or throttled. */
export interface Hurt extends Tally {
  readonly held: number;
}

/** `1 error · 2 warnings · 1 thread held back`: what a badge shows in one number, in words, for the row's own text. */
export function hurtTexts(hurt: Hurt): string[] {
  const { held } = hurt;
  return [...tallyTexts(hurt), ...(held === 0 ? [] : [held === 1 ? vscode.l10n.t('1 thread held back') : vscode.l10n.t('{0} threads held back', held)])];
}

/** Of a row that hurts, by the worst of it. */
export function hurtColor(hurt: Hurt): string | undefined {
  return colorOf({ errors: hurt.errors, warnings: hurt.warnings + hurt.held });
}

/**
 * Gives a row a badge: the sum of what {@link hurtTexts} says. The row's own text has to say it too, for a badge is not read
 * out. The address holds all that the badge shows, so that a row with news has another address, and nothing has to be
 * remembered or told.
 */
export function badge(item: vscode.TreeItem, id: string, { errors, warnings, held }: Hurt): void {
  if (errors + warnings + held > 0) item.resourceUri = vscode.Uri.from({ scheme: SCHEME, path: `/${encodeBytes(id).toString('base64url')}`, query: [errors, warnings, held].join('.') });
}

/** Draws the badges of {@link badge}. */
export class Decorations implements vscode.FileDecorationProvider, vscode.Disposable {
  private readonly registration = vscode.window.registerFileDecorationProvider(this);

  provideFileDecoration({ scheme, query }: vscode.Uri): vscode.FileDecoration | undefined {
    if (scheme !== SCHEME || !/^\d+\.\d+\.\d+$/.test(query)) return undefined;
    const [errors = 0, warnings = 0, held = 0] = query.split('.').map(Number);
    const hurt = { errors, warnings, held };
    const sum = errors + warnings + held;
    // Two characters are all that fits.
    return new vscode.FileDecoration(sum > 99 ? '++' : String(sum), hurtTexts(hurt).join(', '), new vscode.ThemeColor(hurtColor(hurt) ?? 'list.warningForeground'));
  }

  dispose(): void {
    this.registration.dispose();
  }
}
