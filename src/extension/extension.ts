import * as vscode from 'vscode';
import { AutoRefresh } from './autoRefresh';
import { CodeActions } from './codeActions';
import { registerCommands } from './commands';
import { CursorKeeper } from './cursorKeeper';
import { Diagnostics } from './diagnostics';
import { HostService } from './hostService';
import { createLog } from './log';
import { NeighboursDocuments } from './neighbours';
import { PlacementFs } from './placementFs';
import { PlacementLanguage } from './placementLanguage';
import { Plans } from './plans';
import { SshHosts } from './sshHosts';
import { CgroupsView } from './views/cgroupsView';
import { Decorations } from './views/decorations';
import { MachinesView } from './views/machinesView';

/** Only wires: every part registers itself at birth and ends with the context. */
export function activate(context: vscode.ExtensionContext): void {
  const log = createLog();
  context.subscriptions.push(log);
  try {
    const hosts = new HostService(context.workspaceState, log);
    const ssh = new SshHosts(hosts, log, context.globalStorageUri);
    const plans = new Plans();
    const neighbours = new NeighboursDocuments(hosts);
    const files = new PlacementFs(hosts, neighbours);
    const cgroups = new CgroupsView(hosts, context.workspaceState, log);
    const machines = new MachinesView(hosts, log);
    context.subscriptions.push(
      hosts,
      ssh,
      neighbours,
      files,
      cgroups,
      machines,
      plans,
      new Diagnostics(hosts),
      new CodeActions(hosts, plans, log),
      new Decorations(),
      new AutoRefresh(hosts, () => machines.isVisible || cgroups.isVisible),
      new CursorKeeper(files, context.workspaceState),
      new PlacementLanguage(hosts),
      ...registerCommands({ hosts, ssh, machines, cgroups, neighbours, log, extensionUri: context.extensionUri }),
      vscode.workspace.onDidGrantWorkspaceTrust(() => hosts.addLocal()),
    );
    // Set by `npm start`, so that a first look finds something to look at.
    if (process.env['CGROUP_LENS_OPEN_SAMPLE'] === '1') void vscode.commands.executeCommand('cgroupLens.openSampleCapture');
  } catch (error) {
    log.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
    void vscode.window.showErrorMessage(vscode.l10n.t('Cgroup Lens cannot start: {0}', error instanceof Error ? error.message : String(error)));
  }
}
