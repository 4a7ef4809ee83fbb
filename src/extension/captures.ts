import * as vscode from 'vscode';
import type { HostService, HostState } from './hostService';
import { pathSegment, plain } from './text';
import { core } from './lazyCore';

export const SAMPLE = 'media/sample.capture';
/** The same host, of which somebody has moved two vCPUs: there is something to find, and to compare. */
export const SAMPLE_WITH_FAULTS = 'media/sample-with-faults.capture';

function filters(): Record<string, string[]> {
  return { [vscode.l10n.t('Captures')]: ['capture'], [vscode.l10n.t('All files')]: ['*'] };
}

/** Asks for a file and opens it as a host. */
export async function openCapture(hosts: HostService): Promise<string | undefined> {
  const picked = await vscode.window.showOpenDialog({ title: vscode.l10n.t('Open Capture'), openLabel: vscode.l10n.t('Open'), filters: filters() });
  return picked?.[0] && (await hosts.addCapture(picked[0]));
}

/** Shows what a capture will not hold, and only then asks where to put it. */
export async function saveCapture(state: HostState): Promise<void> {
  if (!state.view) return;
  const { snapshot, removed } = await core().paced(core().redacting(state.view.raw));
  const text = await core().paced(core().printing(snapshot));
  const label = plain(state.source.label);
  const save = vscode.l10n.t('Save…');
  const preview = vscode.l10n.t('Preview');
  const lines = removed.length === 0 ? [vscode.l10n.t('Nothing had to be removed.')] : core().describeRemoved(removed).map(line => `• ${plain(line)}`);
  const detail = [vscode.l10n.t('Removed before anything is written:'), ...lines, '', vscode.l10n.t('Names of machines, threads and cgroups stay.')].join('\n');
  const answer = await vscode.window.showInformationMessage(vscode.l10n.t('Save a capture of {0}?', label), { modal: true, detail }, save, preview);
  if (answer === preview) {
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument({ content: text, language: 'plaintext' }));
    return;
  }
  if (answer !== save) return;
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const name = `${pathSegment(state.source.label)}.capture`;
  const uri = await vscode.window.showSaveDialog({ title: vscode.l10n.t('Save Capture'), filters: filters(), ...(folder ? { defaultUri: vscode.Uri.joinPath(folder, name) } : {}) });
  if (!uri) return;
  await vscode.workspace.fs.writeFile(uri, Buffer.from(text, 'utf8'));
  void vscode.window.showInformationMessage(vscode.l10n.t('Capture saved: {0}', plain(uri.path)));
}
