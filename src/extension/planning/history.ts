import { appendFile, mkdir, readFile, readdir } from 'node:fs/promises';
import * as path from 'node:path';
import * as vscode from 'vscode';
import type { HistoryEntry, HistoryLine } from '../../core/apply/history';
import type { HostId } from '../../core/host/source';
import { core } from '../lazyCore';

const SUFFIX = '.history';

/**
 * What was changed on each host, by any window, in a file that is only ever appended to: a line before the host is asked,
 * one with its answer. Two windows write whole lines (O_APPEND), so neither loses what the other wrote.
 */
export class History {
  constructor(private readonly storage: vscode.Uri) {}

  async append(host: HostId, line: HistoryLine): Promise<void> {
    await mkdir(this.storage.fsPath, { recursive: true });
    await appendFile(this.fileOf(host), core().printHistoryLine(line), { mode: 0o600 });
    void vscode.commands.executeCommand('setContext', 'cgroupLens.hasHistory', true);
  }

  /** The oldest first; none where nothing was ever changed. */
  async of(host: HostId): Promise<readonly HistoryEntry[]> {
    const text = await readFile(this.fileOf(host), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    return core().parseHistory(text);
  }

  async hosts(): Promise<readonly HostId[]> {
    const files = await readdir(this.storage.fsPath).catch(() => []);
    return files.filter(file => file.endsWith(SUFFIX)).map(file => Buffer.from(file.slice(0, -SUFFIX.length), 'base64url').toString('utf8'));
  }

  /** A host's id may hold anything, and becomes one name. */
  private fileOf(host: HostId): string {
    return path.join(this.storage.fsPath, `${Buffer.from(host, 'utf8').toString('base64url')}${SUFFIX}`);
  }
}
