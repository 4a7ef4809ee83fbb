import * as vscode from 'vscode';
import type { HistoryEntry } from '../../core/apply/history';
import type { HostId } from '../../core/host/source';
import type { Change } from '../../core/plan/plan';
import type { HostService } from '../hostService';
import { core } from '../lazyCore';
import { plain, timeText } from '../text';
import { pick } from './ask';
import { askForLimit, askForNew, removal } from './cgroups';
import { askForPins } from './cpus';
import type { Desk } from './desk';
import { showHistory } from './historyDocument';
import { askForMoves } from './moves';
import type { Preview } from './preview';
import { askForScheduling } from './scheduling';
import { type CgroupTarget, type Node, type ThreadsTarget, cgroupTarget, machineTarget, threadsTarget } from './targets';
import { restored } from './restore';

export interface CommandContext {
  readonly hosts: HostService;
  readonly desk: Desk;
  /** Rows that it was called on, or those that are selected; none where a person is to be asked. */
  readonly nodes: readonly Node[];
  /** Whether it was called on them. */
  readonly isOnRows: boolean;
  /** The address of a plan's document, or a host's id. */
  readonly about: vscode.Uri | HostId | undefined;
}

type Command = (context: CommandContext) => Promise<unknown>;

/** What each command does. Those that end in a plan end when it is shown. */
export const commands = {
  moveToCgroup: ofThreads(askForMoves),
  pinToCpus: ofThreads(askForPins),
  setScheduling: ofThreads(askForScheduling),
  newCgroup: ofCgroup(() => vscode.l10n.t('New cgroup in'), askForNew),
  removeCgroup: ofCgroup(() => vscode.l10n.t('Remove cgroup'), target => Promise.resolve(removal(target))),
  changeLimit: ofCgroup(() => vscode.l10n.t('Change limit of'), askForLimit),
  restoreLayout: async ({ hosts, desk, nodes }) => {
    const target = await machineTarget(hosts, nodes, vscode.l10n.t('Restore Layout'));
    if (target) await desk.open({ hostId: target.state.source.id, machine: target.machine.key, changes: restored });
  },
  applyPlan: onPlan((desk, preview) => desk.apply(preview)),
  copyPlanScript: onPlan(async (_, { plan }) => {
    await vscode.env.clipboard.writeText(core().planScript(plan));
    vscode.window.setStatusBarMessage(vscode.l10n.t('Copied as a shell script'), 3000);
  }),
  discardPlan: onPlan((desk, preview) => desk.previews.close(preview)),
  planAgain: onPlan((desk, preview) => desk.again(preview)),
  planOwnersWay: onPlan((desk, preview) => desk.ownersWay(preview)),
  undoLast: async context => {
    const { desk } = context;
    // An undo is no change to be undone next: one after the other leads back to how it was.
    const last = (await undoable(context)).find(({ undoes }) => undoes === undefined);
    if (last) await desk.openUndo(last);
    else nothingToUndo();
  },
  undo: async context => {
    const { desk, about } = context;
    const all = await undoable(context);
    // Above a plan's own document it is about that plan.
    const preview = about instanceof vscode.Uri ? desk.previews.of(about) : undefined;
    const entries = preview ? all.filter(({ id }) => id === preview.entry) : all;
    if (preview && entries[0]) return desk.openUndo(entries[0]);
    if (entries.length === 0) return nothingToUndo();
    const items = entries.map(entry => ({ label: plain(entry.plan.title), description: `${plain(entry.plan.hostLabel)} · ${timeText(entry.startedAt)}`, entry }));
    const picked = await pick(items, vscode.l10n.t('Undo'), vscode.l10n.t('The latest first'));
    if (picked) await desk.openUndo(picked.entry);
  },
  showHistory: async ({ desk, hosts, about, nodes, isOnRows }) => showHistory(desk, hosts, typeof about === 'string' ? about : isOnRows ? nodes[0]?.state.source.id : undefined),
} satisfies Record<string, Command>;

function ofThreads(ask: (target: ThreadsTarget) => Promise<readonly Change[] | undefined>): Command {
  return async ({ hosts, desk, nodes }) => {
    const target = await threadsTarget(hosts, nodes);
    const changes = target && (await ask(target));
    if (!target || !changes) return;
    if (changes.length === 0) void vscode.window.showInformationMessage(vscode.l10n.t('They are there already.'));
    else await desk.open({ hostId: target.state.source.id, machine: target.machine.key, changes });
  };
}

function ofCgroup(title: () => string, ask: (target: CgroupTarget) => Promise<readonly Change[] | undefined>): Command {
  return async ({ hosts, desk, nodes }) => {
    const target = await cgroupTarget(hosts, nodes, title());
    const changes = target && (await ask(target));
    if (target && changes) await desk.open({ hostId: target.state.source.id, machine: target.machine?.key, changes });
  };
}

function onPlan(run: (desk: Desk, preview: Preview) => Promise<void>): Command {
  return async ({ desk, about }) => {
    const preview = about instanceof vscode.Uri ? desk.previews.of(about) : desk.previews.active;
    if (preview) await run(desk, preview);
  };
}

/** What was done, even in part, on hosts of this window, and was not undone; the latest first. */
async function undoable({ desk, hosts, nodes, isOnRows }: CommandContext): Promise<HistoryEntry[]> {
  const live = hosts.hosts.filter(({ source }) => source.kind === 'live' && (!isOnRows || nodes.some(({ state }) => state.source.id === source.id)));
  const entries = (await Promise.all(live.map(async ({ source }) => (await desk.history.of(source.id)).filter(entry => core().isOn(entry, source))))).flat();
  return entries.filter(({ undoneBy, applied }) => undoneBy === undefined && applied?.steps.some(({ state }) => state === 'done') === true).sort((a, b) => b.startedAt - a.startedAt);
}

function nothingToUndo(): void {
  void vscode.window.showInformationMessage(vscode.l10n.t('Nothing to undo: no change is known on the hosts of this window that was not undone.'));
}
