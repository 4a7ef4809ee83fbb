import * as vscode from 'vscode';
import type { HistoryEntry } from '../../core/apply/history';
import type { HostId } from '../../core/host/source';
import type { HostService } from '../hostService';
import { core } from '../lazyCore';
import { plain, timeText } from '../text';
import { pick } from './ask';
import type { Desk } from './desk';

/** What was changed on a host, the latest first, as a text that nobody keeps. */
export async function showHistory(desk: Desk, hosts: HostService, wanted: HostId | undefined): Promise<void> {
  const kept = await desk.history.hosts();
  const labels = new Map(hosts.hosts.map(({ source }) => [source.id, source.label]));
  const items = kept.map(id => ({ label: plain(labels.get(id) ?? id), id }));
  const id = wanted !== undefined && kept.includes(wanted) ? wanted : items.length <= 1 ? items[0]?.id : (await pick(items, vscode.l10n.t('History of')))?.id;
  if (id === undefined) {
    if (items.length === 0) void vscode.window.showInformationMessage(vscode.l10n.t('Nothing was changed yet, by this extension.'));
    return;
  }
  const entries = await desk.history.of(id);
  const content = [vscode.l10n.t('What was changed on {0}, the latest first', core().cell(labels.get(id) ?? id)), ...[...entries].reverse().map(entryText)].join('\n\n');
  await desk.previews.showText(`${labels.get(id) ?? id} history`, `${content}\n`);
}

function entryText({ startedAt, plan, applied, undoes, undoneBy }: HistoryEntry): string {
  const head = [timeText(startedAt), ...(undoes === undefined ? [] : [vscode.l10n.t('an undo')]), ...(undoneBy === undefined ? [] : [vscode.l10n.t('undone')]), ...(applied ? [] : [vscode.l10n.t('what became of it is not known')])].join(' · ');
  return `${head}\n${core().printPlan(plan, applied).trimEnd().split('\n').map(line => `  ${line}`.trimEnd()).join('\n')}`;
}
