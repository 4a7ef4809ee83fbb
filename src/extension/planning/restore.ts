import * as vscode from 'vscode';
import type { HostModel, Machine } from '../../core/model/hostModel';
import { core } from '../lazyCore';
import type { Wish } from '../planRequest';
import { plain } from '../text';

/** What brings a machine to its layout, of the host as it is then; says so where there is nothing to do. */
export const restored: Wish = (model, machine) => {
  const changes = machine ? core().restoreLayout(model, machine) : [];
  if (changes.length > 0) return { changes, warnings: [] };
  void vscode.window.showInformationMessage(plain(machine ? whyNothing(model, machine) : vscode.l10n.t('The machine is not there any more.')));
  return undefined;
};

function whyNothing(model: HostModel, machine: Machine): string {
  const layout = core().layoutOf(model, machine);
  if (machine.state === 'starting' || layout.stage !== 'complete') return vscode.l10n.t('{0} is still starting: who placed it is not done yet.', machine.name);
  if (layout.kind === 'unmanaged') return vscode.l10n.t('Nobody is known who placed {0}: there is no layout to restore.', machine.name);
  return vscode.l10n.t('Nothing is to be done for {0}: every thread that can be moved safely is where it belongs ({1}).', machine.name, core().layoutText(layout));
}
