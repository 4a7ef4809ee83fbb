import * as vscode from 'vscode';
import type { Machine, Thread } from '../core/model/hostModel';
import type { HostService, HostState } from './hostService';
import { plain } from './text';
import { core } from './lazyCore';

interface Found extends vscode.QuickPickItem {
  readonly state?: HostState;
  readonly machine?: Machine;
  readonly thread?: Thread | undefined;
}

/**
 * One quick pick over all hosts. People arrive with a TID from `top -H`, a PID, a UUID from a log, or a name: each
 * stands in the row, so that VS Code's own matching finds it.
 */
export async function pickMachineOrThread(hosts: HostService): Promise<{ state: HostState; machine: Machine; thread: Thread | undefined } | undefined> {
  const items: Found[] = [];
  for (const state of hosts.hosts) {
    if (!state.view || state.view.model.machines.length === 0) continue;
    items.push({ label: plain(state.source.label), kind: vscode.QuickPickItemKind.Separator });
    for (const machine of state.view.model.machines) {
      const name = plain(machine.name);
      items.push({ label: `$(vm) ${name}`, description: ['PID', machine.pid, plain(machine.uuid ?? '')].join(' '), state, machine });
      for (const thread of machine.threads) {
        const label = `$(blank) ${plain(core().roleText(thread.role))} · ${name}`;
        items.push({ label, description: `TID ${thread.tid} · ${plain(thread.comm)}`, state, machine, thread });
      }
    }
  }
  const picked = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t('Go to Machine or Thread'),
    placeHolder: items.length === 0 ? vscode.l10n.t('No machine is known yet') : vscode.l10n.t('Name, UUID, PID or TID'),
    matchOnDescription: true,
  });
  return picked?.state && picked.machine ? { state: picked.state, machine: picked.machine, thread: picked.thread } : undefined;
}
