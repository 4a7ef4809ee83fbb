import * as vscode from 'vscode';
import type * as Core from './core';

let loaded: typeof Core | undefined;

/** The core, read from its file at the first use (some 10 ms). Never called while the extension is activated. */
export function core(): typeof Core {
  if (!loaded) {
    loaded = require('./core') as typeof Core;
    if (vscode.l10n.bundle) loaded.useTexts(vscode.l10n.bundle);
  }
  return loaded;
}
