import { homedir } from 'node:os';
import { join } from 'node:path';
import type { HistoryEntry } from '../core/apply/history';
import { HistoryFile, historyHosts } from '../core/apply/historyFile';
import type { Source } from '../core/host/source';

/** Where the command line keeps what it has to remember: histories, and keys of hosts that were accepted. */
export function stateFolder(): string {
  const state = process.env['XDG_STATE_HOME'];
  return join(state?.startsWith('/') ? state : join(homedir(), '.local/state'), 'cgroup-lens');
}

export function historyOf({ id }: Source): HistoryFile {
  return new HistoryFile(stateFolder(), id);
}

/** What was applied from the command line on whichever host, the oldest first. */
export async function allEntries(): Promise<readonly HistoryEntry[]> {
  const hosts = await historyHosts(stateFolder());
  const histories = await Promise.all([...new Set(hosts)].map(id => new HistoryFile(stateFolder(), id).read()));
  return histories.flatMap(({ entries }) => entries).sort((a, b) => a.startedAt - b.startedAt);
}

/**
 * Whether a plan was applied on this host. Homes are shared between machines, and each is `local` to itself: there the
 * name counts too.
 */
export function isOn({ plan }: HistoryEntry, { id, label }: Source): boolean {
  return plan.hostId === id && (id !== LOCAL || plan.hostLabel === label);
}

export const LOCAL = 'local';
