import * as vscode from 'vscode';
import type { Neighbours } from '../core/model/neighbours';
import type { CpuSet } from '../core/parse/cpuList';
import type { RawTasks } from '../core/rawSnapshot';
import { neighboursUri } from './documents';
import type { HostService, HostState, HostView } from './hostService';
import { core } from './lazyCore';
import { plain } from './text';

/** "Who else is here": what was found for some CPUs stays as it was until somebody asks again. */
export class NeighboursDocuments implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChange = this.changed.event;
  private readonly texts = new Map<string, string>();

  constructor(private readonly hosts: HostService) {}

  /** Reads all tasks and interrupts of the host, and shows those of these CPUs. @throws CollectError, SshError */
  async show(state: HostState, cpus: CpuSet): Promise<void> {
    const { source, view } = state;
    if (!view) return;
    const raw = await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title: vscode.l10n.t('Looking who else is on CPUs {0} of {1}', cpus.toString(), plain(source.label)) }, () =>
      this.hosts.ask(source.id, core().tasksQuestion));
    const found = await core().paced(core().findingNeighbours(cpus, view.model, raw ?? { tasks: [], interrupts: undefined, errors: new Map(), hides: false, collection: view.raw.collection }));
    const uri = neighboursUri(state, cpus);
    this.texts.set(uri.toString(), neighboursText(view, found, raw));
    this.changed.fire();
    await vscode.window.showTextDocument(uri);
  }

  textOf(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? vscode.l10n.t('not read in this window: run the command "Who Else Is Here" again');
  }

  dispose(): void {
    this.changed.dispose();
  }
}

/** @param raw `undefined`: of a capture */
function neighboursText({ model }: HostView, found: Neighbours, raw: RawTasks | undefined): string {
  const { cell, joinCells, roleText } = core();
  const read = core().describeCollection({ ...model, hidden: [], collection: raw?.collection ?? model.collection }, [], raw ? 'live' : 'capture');
  const lines = [vscode.l10n.t('CPUs {0} of {1}, read {2}', found.cpus.toString(), cell(model.label), read)];
  const section = (title: string, rows: readonly (readonly string[])[], count: number | string = rows.length): void => {
    const widths = Array.from({ length: 4 }, (_, i) => rows.reduce((widest, row) => Math.max(widest, row[i]?.length ?? 0), 0));
    lines.push('', vscode.l10n.t('{0}: {1}', title, count || vscode.l10n.t('none')), ...rows.map(row => `  ${joinCells(row, widths)}`));
  };
  const on = (cpus: CpuSet): string => `cpus ${cpus}`;
  section(vscode.l10n.t('QEMU threads that may run there'), found.threads.map(({ machine, thread }) => [on(thread.cpusAllowed!), cell(machine.name), cell(roleText(thread.role)), String(thread.tid), vscode.l10n.t('last on {0}', thread.lastCpu)]));
  if (!raw) {
    lines.push('', vscode.l10n.t('A capture holds no other tasks and no interrupts.'));
    return `${lines.join('\n')}\n`;
  }
  section(vscode.l10n.t('Other tasks that are bound there'), found.bound.map(({ pid, tids, name, isKernel, cpus }) => [
    on(cpus), cell(name), `PID ${pid}`, isKernel ? vscode.l10n.t('kernel thread') : tids.length === 1 ? `TID ${tids[0]}` : vscode.l10n.t('{0} threads', tids.length),
  ]));
  if (found.interrupts) section(vscode.l10n.t('Interrupts that are served there'), found.interrupts.map(({ irq, handlers, cpus, asked }) => [on(cpus), `IRQ ${irq}`, handlers.map(cell).join(' ') || '-', asked ? vscode.l10n.t('may be on {0}', asked.toString()) : '']));
  else lines.push('', vscode.l10n.t('Interrupts: this reader is shown none (no /proc/irq)'));
  if (found.ofOneCpu.length > 0) section(vscode.l10n.t('The kernel\'s own threads'), found.ofOneCpu.map(({ cpu, names }) => [`CPU ${cpu}`, [...names].map(([name, count]) => (count === 1 ? cell(name) : `${cell(name)} ×${count}`)).join(' ')]), vscode.l10n.t('on every CPU, and nobody can move them'));
  lines.push('', vscode.l10n.t('Not listed: {0} tasks that nobody bound. They may run wherever PID 1 may: CPUs {1}.', found.unbound, found.usual?.toString() ?? '?'));
  if (found.unreadable > 0) lines.push(vscode.l10n.t('{0} tasks could not be read.', found.unreadable));
  if (raw.hides) lines.push(vscode.l10n.t('This host hides tasks of other users (hidepid): as root there may be more.'));
  return `${lines.join('\n')}\n`;
}

/** Asks for CPUs of a host that was read: of those that are online, where that is known. */
export async function askForCpus({ source, view }: HostState): Promise<CpuSet | undefined> {
  const online = view?.model.topology.online;
  const fault = (text: string): string | undefined => {
    const cpus = core().parseCpuList(text);
    if (!cpus || cpus.isEmpty) return vscode.l10n.t('Not a list of CPUs');
    return online && !cpus.isSubsetOf(online) ? vscode.l10n.t('Only CPUs {0} are online', online.toString()) : undefined;
  };
  const text = await vscode.window.showInputBox({
    title: vscode.l10n.t('Who Else Is Here'),
    prompt: vscode.l10n.t('CPUs of {0}, as the kernel writes them: 4 or 0-3,8 (online: {1})', plain(source.label), online?.toString() ?? '?'),
    validateInput: fault,
  });
  return text === undefined ? undefined : core().parseCpuList(text);
}
