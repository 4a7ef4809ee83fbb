import * as vscode from 'vscode';
import type { Applied } from '../../core/plan/applied';
import type { Plan } from '../../core/plan/plan';
import type { HostService } from '../hostService';
import { core } from '../lazyCore';
import type { PlanEnd, PlanRequest } from '../planRequest';
import { pathSegment, timeText } from '../text';

export const PLAN_SCHEME = 'cgroup-lens-plan';

/** `shown` until a person decides; `ended`: applied, failed or given up, and nothing can be done with it any more. */
export type Phase = 'shown' | 'applying' | 'ended';

/** A plan whose preview is, or was, open. */
export interface Preview {
  readonly uri: vscode.Uri;
  readonly plan: Plan;
  /** What it was made for: to make it again of news. `undefined` of one that undoes another. */
  readonly request: PlanRequest | undefined;
  /** The entry of the history that it undoes. */
  readonly undoes: string | undefined;
  phase: Phase;
  applied: Applied | undefined;
  /** Its entry of the history, once it is applied. */
  entry: string | undefined;
  /** What the window has to say of it: that it runs, what broke off. */
  note: string | undefined;
  readonly ended: Promise<PlanEnd>;
  end(how: PlanEnd): void;
}

/** The documents of plans: read-only, with what can be done with them above the text and in the editor's title. Closing one gives its plan up. */
export class Previews implements vscode.TextDocumentContentProvider, vscode.CodeLensProvider, vscode.Disposable {
  private readonly open = new Map<string, Preview>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;
  private readonly lensesChanged = new vscode.EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.lensesChanged.event;
  private readonly disposables: vscode.Disposable[];
  private readonly texts = new Map<string, string>();
  private count = 0;

  constructor(private readonly hosts: HostService) {
    this.disposables = [
      this.changed,
      this.lensesChanged,
      vscode.workspace.registerTextDocumentContentProvider(PLAN_SCHEME, this),
      vscode.languages.registerCodeLensProvider({ scheme: PLAN_SCHEME }, this),
      vscode.window.tabGroups.onDidChangeTabs(({ closed }) => closed.forEach(tab => this.closed(tab))),
      vscode.window.onDidChangeActiveTextEditor(() => this.tellWhatCanBeDone()),
      // A newer picture of the host makes a plan older.
      hosts.onDidChange(() => this.open.size > 0 && this.lensesChanged.fire()),
    ];
  }

  async show(plan: Plan, about: { readonly request?: PlanRequest; readonly undoes?: string }): Promise<Preview> {
    let end: (how: PlanEnd) => void = () => undefined;
    const ended = new Promise<PlanEnd>(resolve => (end = resolve));
    const name = pathSegment(plan.machine?.name ?? plan.hostLabel);
    const uri = vscode.Uri.from({ scheme: PLAN_SCHEME, path: `/${pathSegment(plan.hostLabel)}/${name}${this.count === 0 ? '' : `-${this.count + 1}`}.plan` });
    this.count++;
    const preview: Preview = { uri, plan, request: about.request, undoes: about.undoes, phase: 'shown', applied: undefined, entry: undefined, note: undefined, ended, end };
    this.open.set(uri.toString(), preview);
    try {
      await this.reveal(preview);
    } catch (error) {
      this.open.delete(uri.toString());
      throw error;
    }
    return preview;
  }

  async reveal({ uri }: Preview): Promise<void> {
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: false });
    this.tellWhatCanBeDone();
  }

  /** A text beside the plans, served as they are. */
  async showText(name: string, text: string): Promise<void> {
    const uri = vscode.Uri.from({ scheme: PLAN_SCHEME, path: `/${pathSegment(name)}.plan` });
    this.texts.set(uri.toString(), text);
    this.changed.fire(uri);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri));
  }

  /** The plan of the editor that a person looks at. */
  get active(): Preview | undefined {
    const uri = vscode.window.activeTextEditor?.document.uri;
    return uri && this.open.get(uri.toString());
  }

  of(uri: vscode.Uri): Preview | undefined {
    return this.open.get(uri.toString());
  }

  update(preview: Preview): void {
    this.changed.fire(preview.uri);
    this.lensesChanged.fire();
    this.tellWhatCanBeDone();
  }

  /** Closes its editors, which gives up a plan that still could be applied. */
  async close({ uri }: Preview): Promise<void> {
    const tabs = vscode.window.tabGroups.all.flatMap(group => group.tabs).filter(tab => isOf(tab, uri));
    if (tabs.length > 0) await vscode.window.tabGroups.close(tabs);
    this.giveUp(uri);
  }

  provideTextDocumentContent(uri: vscode.Uri): string {
    const preview = this.of(uri);
    if (!preview) return this.texts.get(uri.toString()) ?? vscode.l10n.t('This plan was given up.');
    const text = core().printPlan(preview.plan, preview.applied);
    return preview.note === undefined ? text : `${preview.note}\n\n${text}`; // above: it is what is new
  }

  provideCodeLenses({ uri }: vscode.TextDocument): vscode.CodeLens[] {
    const preview = this.of(uri);
    if (!preview) return [];
    const lens = (title: string, command: string): vscode.CodeLens => new vscode.CodeLens(new vscode.Range(0, 0, 0, 0), { title, command: command && `cgroupLens.${command}`, arguments: [uri] });
    const lenses: vscode.CodeLens[] = [];
    if (this.canApply(preview)) lenses.push(lens(vscode.l10n.t('Apply'), 'applyPlan'));
    lenses.push(lens(vscode.l10n.t('Copy as Shell Script'), 'copyPlanScript'));
    if (preview.phase === 'shown') {
      if (preview.plan.ownersWay) lenses.push(lens(vscode.l10n.t('The Owner\'s Way Instead'), 'planOwnersWay'));
      if (this.isOld(preview)) lenses.push(lens(vscode.l10n.t('The host was read again since: Plan Again'), 'planAgain'));
      lenses.push(lens(vscode.l10n.t('Discard'), 'discardPlan'));
    }
    if (this.hasStopped(preview)) lenses.push(lens(vscode.l10n.t('Plan Again'), 'planAgain'));
    if (preview.phase === 'ended' && preview.applied?.steps.some(({ state }) => state === 'done')) lenses.push(lens(vscode.l10n.t('Undo…'), 'undo'));
    lenses.push(lens(vscode.l10n.t('made of what was read at {0}', this.isCapture(preview) ? timeText(preview.plan.readAt) : new Date(preview.plan.readAt).toLocaleTimeString('en-GB')), '')); // never text: it gets old by itself
    if (this.isCapture(preview)) lenses.push(lens(vscode.l10n.t('A capture: nothing can be applied to it'), ''));
    return lenses;
  }

  canApply(preview: Preview): boolean {
    return preview.phase === 'shown' && !this.isCapture(preview) && vscode.workspace.isTrusted;
  }

  isCapture({ plan }: Preview): boolean {
    return this.hosts.host(plan.hostId)?.source.kind !== 'live';
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
    for (const preview of this.open.values()) preview.end('discarded');
    void vscode.commands.executeCommand('setContext', 'cgroupLens.plan', undefined);
  }

  /** Whether the window has a later model than the one that it was made from. */
  private isOld({ plan, request }: Preview): boolean {
    const readAt = this.hosts.host(plan.hostId)?.view?.model.collection.startedAt;
    return request !== undefined && readAt !== undefined && readAt > plan.readAt;
  }

  /** It was applied, and not to its last step: what is left can be planned anew. */
  private hasStopped({ phase, request, applied }: Preview): boolean {
    return phase === 'ended' && request !== undefined && applied?.steps.some(({ state }) => state !== 'done') === true;
  }

  /** What stands in the editor's title and in the palette. */
  private tellWhatCanBeDone(): void {
    const { active } = this;
    const can = !active ? undefined : [...(this.canApply(active) ? ['apply'] : []), ...(active.phase === 'shown' ? ['discard', ...(active.request ? ['again'] : []), ...(active.plan.ownersWay ? ['owner'] : [])] : []), ...(this.hasStopped(active) ? ['again'] : []), 'copy'].join(' ');
    void vscode.commands.executeCommand('setContext', 'cgroupLens.plan', can);
  }

  /** A tab that is moved to another group is closed in the first, too. */
  private closed(tab: vscode.Tab): void {
    const { input } = tab;
    if (!(input instanceof vscode.TabInputText) || input.uri.scheme !== PLAN_SCHEME) return;
    if (!vscode.window.tabGroups.all.some(group => group.tabs.some(other => isOf(other, input.uri)))) this.giveUp(input.uri);
  }

  private giveUp(uri: vscode.Uri): void {
    const preview = this.of(uri);
    if (!preview || preview.phase === 'applying') return; // its result is still to be told
    this.open.delete(uri.toString());
    preview.phase = 'ended';
    preview.end('discarded'); // nothing where it has ended before
    this.tellWhatCanBeDone();
  }
}

function isOf({ input }: vscode.Tab, uri: vscode.Uri): boolean {
  return input instanceof vscode.TabInputText && input.uri.toString() === uri.toString();
}
