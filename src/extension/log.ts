import * as vscode from 'vscode';

/** Everything that goes wrong or takes time is written here; `Cgroup Lens: Show Log` opens it. */
export function createLog(): vscode.LogOutputChannel {
  return vscode.window.createOutputChannel('Cgroup Lens', { log: true });
}
