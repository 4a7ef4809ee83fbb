import * as vscode from 'vscode';
import type { HostService } from '../hostService';
import type { PlanRequest } from '../planRequest';
import { plain } from '../text';
import type { Dragged } from '../views/dragThreads';
import { movesTo } from './moves';
import type { Node } from './targets';

/** What dropping threads onto a row asks for: a move in that row's hierarchy alone. `undefined`: nothing, and it was said why. */
export function dropChanges(hosts: HostService, target: Node, dragged: Dragged): PlanRequest | undefined {
  if (!('at' in target) || !target.cgroup) return undefined;
  const { state: { source }, cgroup } = target;
  if (source.id !== dragged.host) {
    void vscode.window.showInformationMessage(plain(vscode.l10n.t('These threads run on another host than {0}: nothing is moved.', source.label)));
    return undefined;
  }
  const view = hosts.host(source.id)?.view;
  const machines = view?.model.machines.filter(machine => dragged.machines.includes(machine.key)) ?? [];
  const [machine] = machines;
  if (!view || !machine) return undefined;
  if (machines.length > 1) {
    void vscode.window.showInformationMessage(vscode.l10n.t('These are threads of several machines. A plan is about one: drag threads of one machine.'));
    return undefined;
  }
  // A machine that was dragged is all threads of its process.
  const threads = machine.threads.filter(thread => (dragged.threads.length > 0 ? dragged.threads.includes(thread.key) : thread.pid === machine.pid));
  const changes = movesTo({ view, machine, threads }, cgroup);
  if (changes.length === 0) {
    void vscode.window.showInformationMessage(vscode.l10n.t('They are there already.'));
    return undefined;
  }
  return { hostId: source.id, machine: machine.key, changes };
}
