import * as vscode from 'vscode';
import type { HostService } from './hostService';
import { planning } from './lazyPlanning';
import type { PlanEnd, PlanRequest } from './planRequest';
import type { CommandContext, Desk, Node } from './planning';
import type { Dragged } from './views/dragThreads';

export type { PlanEnd, PlanRequest } from './planRequest';

/** Commands that change something, or show what was changed; what each does is in `planning/`. */
export const PLAN_COMMANDS = [
  'moveToCgroup', 'pinToCpus', 'setScheduling', 'newCgroup', 'removeCgroup', 'changeLimit', 'restoreLayout',
  'applyPlan', 'copyPlanScript', 'discardPlan', 'planAgain', 'planOwnersWay', 'undoLast', 'undo', 'showHistory',
] as const;
export type PlanCommand = (typeof PLAN_COMMANDS)[number];

/** Shows plans, applies them, and keeps their history. Light: all that it does is loaded when it is first wanted. */
export class Plans implements vscode.Disposable {
  private made: Desk | undefined;
  private readonly watching: vscode.Disposable;
  /** Rows that are selected in the view where a person selected last: what a command of the palette is about. */
  selection: readonly Node[] = [];

  constructor(
    private readonly hosts: HostService,
    private readonly storage: vscode.Uri,
    private readonly log: vscode.LogOutputChannel,
  ) {
    // What broke off in another window, or in this one before it was reloaded, is looked into when its host is read.
    this.watching = hosts.onDidChange(id => id !== undefined && this.isKept && this.desk.lookAt(id));
    void this.findHistory();
  }

  private isKept = false;

  /**
   * Reads the host, makes the plan and opens its preview, or says why there is none. Ends when the plan has ended.
   *
   * @throws why the host cannot be read
   */
  async show(request: PlanRequest): Promise<PlanEnd> {
    return (await this.desk.open(request)).ended;
  }

  /** As {@link show}, but ends when the preview is open. */
  async open(request: PlanRequest): Promise<void> {
    await this.desk.open(request);
  }

  /**
   * @param nodes rows that it is about; from the palette none: then those that are selected
   * @param about the address of a plan's document, or a host's id
   */
  async run(command: PlanCommand, nodes: readonly Node[], about: CommandContext['about']): Promise<void> {
    await planning().commands[command]({ hosts: this.hosts, desk: this.desk, nodes: nodes.length > 0 ? nodes : this.selection, isOnRows: nodes.length > 0, about });
  }

  /** Threads were dropped onto a row: shows what that would be. */
  async drop(target: Node, dragged: Dragged): Promise<void> {
    const request = planning().dropChanges(this.hosts, target, dragged);
    if (request) await this.open(request);
  }

  dispose(): void {
    this.watching.dispose();
    this.made?.dispose();
  }

  private get desk(): Desk {
    return (this.made ??= new (planning().Desk)(this.hosts, this.storage, this.log));
  }

  /** Whether there is anything to undo, in any window ever: the palette offers it only then. */
  private async findHistory(): Promise<void> {
    const files = await Promise.resolve(vscode.workspace.fs.readDirectory(this.storage)).catch(() => []);
    this.isKept = files.some(([name]) => name.endsWith('.history.jsonl'));
    void vscode.commands.executeCommand('setContext', 'cgroupLens.hasHistory', this.isKept);
  }
}
