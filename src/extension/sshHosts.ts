import * as vscode from 'vscode';
import type { HostId } from '../core/host/source';
import type { SshMeans } from '../core/host/sshConnection';
import { changeHosts, hostsAtOnce, onDidChangeConfig, sshHosts } from './config';
import type { HostService } from './hostService';
import { ssh } from './lazySsh';
import { SshPrompts } from './sshQuestions';
import { type SshShared, sshId } from './sshSource';
import { plain } from './text';

/** Milliseconds after which a host that is not done does not count any more among those at once. */
const PATIENCE = 5000;

/**
 * Lists the hosts of the setting `cgroupLens.hosts` for as long as they stand there, once the window is trusted: a
 * folder that is not may not make anybody connect anywhere. The setting is all that is remembered of them.
 */
export class SshHosts implements vscode.Disposable {
  private readonly disposables: vscode.Disposable[];
  private readonly shared: SshShared;
  private means: SshMeans | undefined;
  /** What was told last of entries that are no hosts: it is told once. */
  private told = '[]';

  constructor(
    private readonly hosts: HostService,
    private readonly log: vscode.LogOutputChannel,
    storage: vscode.Uri,
  ) {
    const acceptedKeys = vscode.Uri.joinPath(storage, 'known_hosts').fsPath;
    const means = (): SshMeans => (this.means ??= { acceptedKeys, keyring: new (ssh().Keyring)(), turns: new (ssh().Turns)(hostsAtOnce(), PATIENCE) });
    this.shared = { prompts: new SshPrompts(), means };
    this.disposables = [onDidChangeConfig(() => this.list()), vscode.workspace.onDidGrantWorkspaceTrust(() => this.list())];
    this.list();
  }

  /** Remembers a host and lists it. */
  async add(name: string): Promise<HostId> {
    await changeHosts('hosts', name, true);
    this.list();
    return sshId(name);
  }

  /** Forgets a host, and that it may be read as root. */
  async remove(name: string): Promise<void> {
    await changeHosts('readAsRoot', name, false);
    await changeHosts('hosts', name, false);
    this.list();
  }

  async setAsRoot(name: string, asRoot: boolean): Promise<void> {
    await changeHosts('readAsRoot', name, asRoot);
    this.list();
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }

  private list(): void {
    if (!vscode.workspace.isTrusted) return;
    const { names, refused } = sshHosts();
    this.hosts.setSshHosts(names, this.shared);
    this.tell(refused);
  }

  private tell(refused: readonly unknown[]): void {
    const found = JSON.stringify(refused);
    if (found === this.told) return;
    this.told = found;
    if (refused.length === 0) return;
    const some = refused.slice(0, 3).map(entry => JSON.stringify(entry).slice(0, 80));
    const text = vscode.l10n.t('cgroupLens.hosts has entries that name no host: {0}. A Host of ssh_config or user@host:port is needed.', [...some, ...(refused.length > 3 ? ['…'] : [])].join(', '));
    this.log.warn(text);
    const open = vscode.l10n.t('Open Settings');
    // The setting is the machine's own: in a remote window that is the other one, whose settings open by themselves only.
    const settings = vscode.env.remoteName === undefined ? 'workbench.action.openSettings' : 'workbench.action.openRemoteSettings';
    void vscode.window.showWarningMessage(plain(text), open).then(answer => answer === open && vscode.commands.executeCommand(settings, { query: 'cgroupLens.hosts' }));
  }
}
