import * as vscode from 'vscode';
import type { HostId } from '../core/host/source';
import { autoRefreshSeconds, onDidChangeConfig } from './config';
import { PLACEMENT_LANGUAGE, hostIdOf } from './documents';
import type { HostService, HostState } from './hostService';

/**
 * Reads hosts again by itself, as long as somebody looks at them, in a view or in a document. Each has a time of its own,
 * which begins when its reading has ended: a slow host delays no other, and none is read twice at once.
 */
export class AutoRefresh implements vscode.Disposable {
  private readonly timers = new Map<HostId, NodeJS.Timeout>();
  private readonly disposables: vscode.Disposable[];

  /** @param isShown whether a view shows the hosts now */
  constructor(
    private readonly hosts: HostService,
    private readonly isShown: () => boolean,
  ) {
    this.disposables = [onDidChangeConfig(() => this.restart(), 'autoRefresh'), hosts.onDidChange(id => id === undefined && this.schedule())];
    this.schedule();
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
    this.stop();
  }

  private restart(): void {
    this.stop();
    this.schedule();
  }

  private stop(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
  }

  /** Every host gets its time; one that is set is kept. */
  private schedule(): void {
    const seconds = autoRefreshSeconds();
    if (seconds === 0) return;
    for (const { source } of this.hosts.hosts) {
      if (source.kind !== 'live' || this.timers.has(source.id)) continue;
      const timer = setTimeout(() => void this.refresh(source.id, timer), seconds * 1000);
      this.timers.set(source.id, timer);
    }
  }

  private async refresh(id: HostId, timer: NodeJS.Timeout): Promise<void> {
    const state = this.hosts.host(id);
    if (state && this.isWatched(state)) await this.hosts.refreshByItself(id);
    if (this.timers.get(id) !== timer) return; // all times were set anew meanwhile
    this.timers.delete(id);
    this.schedule();
  }

  /** A host that was read, or tried, and that somebody looks at. */
  private isWatched({ source, view, error }: HostState): boolean {
    if (view === undefined && error === undefined) return false;
    return this.isShown() || vscode.window.visibleTextEditors.some(editor => editor.document.languageId === PLACEMENT_LANGUAGE && hostIdOf(editor.document.uri) === source.id);
  }
}
