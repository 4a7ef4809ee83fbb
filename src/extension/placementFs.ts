import * as vscode from 'vscode';
import type { Cgroup } from '../core/model/hostModel';
import { visible } from '../core/visible';
import { type Target, SCHEME, isNeighboursUri, resolve } from './documents';
import type { HostService, HostView } from './hostService';
import { core } from './lazyCore';
import type { NeighboursDocuments } from './neighbours';

interface Served {
  text: string;
  bytes: Uint8Array;
  /** Of the last change that was seen: VS Code reads a document again only when its time or size changed. */
  mtime: number;
}

/**
 * Serves placement documents, the files of cgroups, and who else is on some CPUs. Read-only until plans exist. A document changes only when what
 * it says changed, so that an open editor stays still while nothing moves.
 */
export class PlacementFs implements vscode.FileSystemProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  readonly onDidChangeFile = this.changed.event;
  private readonly willChange = new vscode.EventEmitter<vscode.Uri>();
  /** Fired before VS Code hears of a change: the last moment to see where the cursor is. */
  readonly onWillChange = this.willChange.event;
  private readonly served = new Map<string, Served>();
  private readonly disposables: vscode.Disposable[] = [];

  constructor(
    private readonly hosts: HostService,
    private readonly neighbours: NeighboursDocuments,
  ) {
    this.disposables.push(
      vscode.workspace.registerFileSystemProvider(SCHEME, this, { isCaseSensitive: true, isReadonly: true }),
      hosts.onDidChange(() => this.update()),
      neighbours.onDidChange(() => this.update()),
      vscode.workspace.onDidCloseTextDocument(document => this.served.delete(document.uri.toString())),
      this.changed,
      this.willChange,
    );
  }

  watch(): vscode.Disposable {
    return new vscode.Disposable(() => undefined); // every refresh tells of every document that changed
  }

  stat(uri: vscode.Uri): vscode.FileStat {
    const { mtime, bytes } = this.serve(uri);
    return { type: vscode.FileType.File, ctime: 0, mtime, size: bytes.byteLength };
  }

  readFile(uri: vscode.Uri): Uint8Array {
    return this.serve(uri).bytes;
  }

  readDirectory(): [string, vscode.FileType][] {
    return [];
  }

  createDirectory(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  writeFile(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  delete(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  rename(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }

  private serve(uri: vscode.Uri): Served {
    const key = uri.toString();
    const known = this.served.get(key);
    if (known) return known;
    const text = this.textOf(uri);
    const served = { text, bytes: Buffer.from(text, 'utf8'), mtime: Date.now() };
    this.served.set(key, served);
    return served;
  }

  private update(): void {
    for (const [key, served] of this.served) {
      const uri = vscode.Uri.parse(key);
      const text = this.textOf(uri);
      if (text === served.text) continue;
      this.willChange.fire(uri);
      served.text = text;
      served.bytes = Buffer.from(text, 'utf8');
      served.mtime = Math.max(Date.now(), served.mtime + 1);
      this.changed.fire([{ type: vscode.FileChangeType.Changed, uri }]);
    }
  }

  private textOf(uri: vscode.Uri): string {
    if (isNeighboursUri(uri)) return this.neighbours.textOf(uri);
    const target = resolve(this.hosts, uri);
    switch (target.kind) {
      case 'placement':
        return core().print(core().toPlacement(target.model, target.machine));
      case 'cgroup':
        return `${target.cgroups.map(cgroup => cgroupText(cgroup, target.state.view!)).join('\n\n')}\n`;
      default:
        return `${absenceText(target)}\n`;
    }
  }
}

/** Why there is nothing to show. */
export function absenceText(target: Extract<Target, { kind: 'not-connected' | 'gone' }>): string {
  const { state } = target;
  if (!state) return vscode.l10n.t('not connected: this host or capture is not open in this window');
  const label = visible(state.source.label);
  if (target.kind === 'gone') return vscode.l10n.t('gone: {0} has no such machine or cgroup now', label);
  if (state.error !== undefined) return vscode.l10n.t('not connected: {0}', core().describeError(state.error));
  return vscode.l10n.t('not connected: {0} has not been read in this window', label);
}

/** Every interface file that was read of a cgroup and of those above it, the nearest first. */
function cgroupText(cgroup: Cgroup, view: HostView): string {
  const blocks: string[] = [];
  for (const at of core().withAncestors(cgroup)) {
    const lines = [visible(at.directory ?? `${at.path} (not mounted here)`)];
    const prefix = `${at.directory}/`;
    for (const [path, text] of view.raw.files) {
      if (at.directory === undefined || !path.startsWith(prefix) || path.indexOf('/', prefix.length) >= 0) continue;
      const values = text.trimEnd().split('\n').map(visible);
      const name = path.slice(prefix.length);
      lines.push(values.length === 1 ? `  ${name.padEnd(26)}  ${values[0]}`.trimEnd() : `  ${name}`, ...(values.length === 1 ? [] : values.map(value => `      ${value}`)));
    }
    if (lines.length === 1) lines.push(`  ${vscode.l10n.t('no file was read')}`);
    blocks.push(lines.join('\n'));
  }
  return blocks.join('\n\n');
}
