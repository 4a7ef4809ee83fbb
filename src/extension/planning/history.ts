import * as vscode from 'vscode';
import type { HistoryEntry, HistoryEvent } from '../../core/apply/history';
import type { HostId } from '../../core/host/source';
import { core } from '../lazyCore';

/** What was changed on each host, by any window: a line before the host is asked, one with its answer. */
export class History {
  constructor(private readonly storage: vscode.Uri) {}

  async append(host: HostId, event: HistoryEvent): Promise<void> {
    await this.fileOf(host).append(event);
    void vscode.commands.executeCommand('setContext', 'cgroupLens.hasHistory', true);
  }

  /** The oldest first; none where nothing was ever changed. */
  async of(host: HostId): Promise<readonly HistoryEntry[]> {
    return (await this.fileOf(host).read()).entries;
  }

  /** Those of which anything was ever written down. */
  async hosts(): Promise<readonly HostId[]> {
    return core().historyHosts(this.storage.fsPath);
  }

  private fileOf(host: HostId): InstanceType<ReturnType<typeof core>['HistoryFile']> {
    return new (core().HistoryFile)(this.storage.fsPath, host);
  }
}
