import * as vscode from 'vscode';
import { AutoRefresh } from './autoRefresh';
import { CgroupFileLanguage } from './cgroupFileLanguage';
import { CgroupFs } from './cgroupFs';
import { CodeActions } from './codeActions';
import { registerCommands } from './commands';
import { Comparing } from './comparing';
import { CursorKeeper } from './cursorKeeper';
import { Diagnostics } from './diagnostics';
import { FindingsStatus } from './findingsStatus';
import { HostService } from './hostService';
import { createLog } from './log';
import { ManualSaves } from './manualSaves';
import { NeighboursDocuments } from './neighbours';
import { PlacementDrafts } from './placementDrafts';
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
    const neighbours = new NeighboursDocuments(hosts);
    const saves = new ManualSaves();
    const plans = new Plans(hosts, context.globalStorageUri, log);
    const files = new PlacementFs(hosts, neighbours, saves);
    const drafts = new PlacementDrafts(files, hosts, plans, log);
    const cgroups = new CgroupsView(hosts, context.workspaceState, log, plans);
    const machines = new MachinesView(hosts, log, plans);
    const comparing = new Comparing(hosts);
    context.subscriptions.push(
      hosts,
      ssh,
      plans,
      neighbours,
      saves,
      files,
      drafts,
      new CgroupFs(hosts, plans, saves),
      new CgroupFileLanguage(hosts),
      cgroups,
      machines,
      comparing,
      new Decorations(),
      new AutoRefresh(hosts, () => machines.isVisible || cgroups.isVisible),
      new CursorKeeper(files, context.workspaceState),
      new PlacementLanguage(hosts),
      new Diagnostics(hosts, log),
      new FindingsStatus(hosts),
      new CodeActions(hosts, plans, log),
      ...registerCommands({ hosts, ssh, machines, cgroups, neighbours, plans, drafts, comparing, log, extensionUri: context.extensionUri }),
      vscode.workspace.onDidGrantWorkspaceTrust(() => hosts.addLocal()),
    );
    // Set by `npm start`, so that a first look finds something to look at.
    if (process.env['CGROUP_LENS_OPEN_SAMPLE'] === '1') void vscode.commands.executeCommand('cgroupLens.openSampleCapture');
  } catch (error) {
    log.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
    void vscode.window.showErrorMessage(vscode.l10n.t('Cgroup Lens cannot start: {0}', error instanceof Error ? error.message : String(error)));
  }
}
