import { homedir } from 'node:os';
import { join } from 'node:path';
import type { HistoryEntry } from '../core/apply/history';
import { HistoryFile, allHistories } from '../core/apply/historyFile';
import type { Source } from '../core/host/source';
import { say } from './terminal';

/** Where the command line keeps what it has to remember: histories, and keys of hosts that were accepted. */
export function stateFolder(): string {
  const state = process.env['XDG_STATE_HOME'];
  return join(state?.startsWith('/') ? state : join(homedir(), '.local/state'), 'cgroup-lens');
}

export function historyOf({ id }: Source): HistoryFile {
  return new HistoryFile(stateFolder(), id);
}

/** What was applied from the command line on a host, or on whichever, the oldest first; what of it cannot be read is said. */
export async function entriesOf(source: Source | undefined): Promise<readonly HistoryEntry[]> {
  const file = source && historyOf(source);
  const histories = file ? [{ path: file.path, ...(await file.read()) }] : await allHistories(stateFolder());
  for (const { path, foreign } of histories) if (foreign > 0) say(unread(path, foreign));
  return histories.flatMap(({ entries }) => entries).sort((a, b) => a.startedAt - b.startedAt);
}

/** Plans may be among them, later ones than those that are known. */
export function unread(path: string, lines: number): string {
  return `${lines === 1 ? '1 line' : `${lines} lines`} of ${path} cannot be read: torn, of a newer version, or of somebody else`;
}
