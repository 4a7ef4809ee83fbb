import { randomUUID } from 'node:crypto';
import * as vscode from 'vscode';
import type { Applied } from '../../core/plan/applied';
import type { HistoryEntry } from '../../core/apply/history';
import type { HostId } from '../../core/host/source';
import type { HostModel } from '../../core/model/hostModel';
import type { Planned } from '../../core/plan/plan';
import { expertMode, undoAfterFailure, virshCommand } from '../config';
import type { HostService } from '../hostService';
import { core } from '../lazyCore';
import type { PlanEnd, PlanRequest } from '../planRequest';
import { plain } from '../text';
import { consents } from './consent';
import { History } from './history';
import { type Preview, Previews } from './preview';

/** No application is under way for longer, milliseconds: `cgroupLens.timeout` is a day at most, and mostly half a minute. */
const LONGEST = 3_600_000;

/** A plan that was shown, or its refusal that was. */
export interface Opened {
  readonly ended: Promise<PlanEnd>;
}

const REFUSED: Opened = { ended: Promise.resolve('discarded') };

/** Where plans lie until a person decides: makes them of what is wanted, shows them, applies them, and writes down what became of them. */
export class Desk implements vscode.Disposable {
  readonly previews: Previews;
  readonly history: History;
  /** Entries of this window whose answer broke off, until their host is read. */
  private readonly unsure = new Map<string, Preview>();
  private readonly lookedAt = new Set<HostId>();
  private readonly watching: vscode.Disposable;

  constructor(
    private readonly hosts: HostService,
    storage: vscode.Uri,
    private readonly log: vscode.LogOutputChannel,
  ) {
    this.previews = new Previews(hosts);
    this.history = new History(storage);
    this.watching = hosts.onDidChange(id => id !== undefined && this.unsure.size > 0 && this.lookAt(id));
  }

  /** Reads the host anew, makes the plan and opens its preview, or says why there is none. @throws why the host cannot be read */
  async open(request: PlanRequest, expert = expertMode()): Promise<Opened> {
    const model = await this.read(request.hostId);
    if (!model) return REFUSED;
    const made = await this.make(model, request, expert);
    if (!made) return REFUSED;
    if (made.plan) return this.previews.show(made.plan, { request });
    return { ended: this.refuse(request, model, made, expert) };
  }

  /** Shows how to undo an entry of the history, as any plan. @throws why the host cannot be read */
  async openUndo({ id, plan, applied }: HistoryEntry): Promise<Opened> {
    if (!applied) return REFUSED;
    const model = await this.read(plan.hostId);
    if (!model) return REFUSED;
    const made = core().undoPlan(plan, applied, model);
    if (made.plan) return this.previews.show(made.plan, { undoes: id });
    void vscode.window.showWarningMessage(plain(vscode.l10n.t('Not undone: {0}', core().sentence(made.refusal.because))));
    return REFUSED;
  }

  /** Applies a plan once. What it asks for besides is asked first. Never throws: its document says what became of it. */
  async apply(preview: Preview): Promise<void> {
    if (!this.previews.canApply(preview)) return;
    preview.phase = 'applying'; // before anything is waited for: a second click finds it so
    if (!(await consents(preview.plan).catch(() => false))) {
      preview.phase = 'shown';
      return this.previews.update(preview);
    }
    preview.note = vscode.l10n.t('Being applied …');
    this.previews.update(preview);
    const { plan } = preview;
    const id = randomUUID();
    preview.entry = id;
    try {
      // What cannot be written down is not done: nobody could undo it.
      await this.history.append(plan.hostId, { v: 1, event: 'started', id, at: Date.now(), plan, ...(preview.undoes === undefined ? {} : { undoes: preview.undoes }) });
    } catch (error) {
      return this.finish(preview, 'failed', vscode.l10n.t('Not applied: the history of this host cannot be written: {0}', core().describeError(error)));
    }
    let applied: Applied;
    try {
      const title = plain(vscode.l10n.t('Applying "{0}" on {1}', plan.title, plan.hostLabel));
      applied = (await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title }, () => this.hosts.ask(plan.hostId, core().applyQuestion(plan))))!;
    } catch (error) {
      this.log.error(core().describeError(error));
      if (!core().ApplyError.is(error)) {
        this.unsure.set(id, preview);
        return this.brokeOff(preview, core().describeError(error));
      }
      // Its script was never read: that is known, and written down.
      applied = { steps: plan.steps.map(() => ({ state: 'not done', errno: undefined, found: undefined, said: undefined })), complete: true, remarks: [core().describeError(error)] };
    }
    preview.applied = applied;
    await this.history.append(plan.hostId, { v: 1, event: 'ended', id, at: Date.now(), applied }).catch((error: unknown) => this.log.error(core().describeError(error)));
    if (!applied.complete) this.unsure.set(id, preview);
    const isDone = applied.complete && applied.steps.every(({ state }) => state === 'done');
    this.finish(preview, isDone ? 'applied' : 'failed', endText(applied));
    await this.hosts.refresh(plan.hostId);
    if (!isDone) await this.tellFailure(preview, id);
  }

  /** The same plan, of the host as it is now, in a document of its own. */
  async again(preview: Preview): Promise<void> {
    const { request } = preview;
    if (!request) return;
    await this.previews.close(preview);
    await this.open(request);
  }

  /** The same by the tools of whom the values belong to. */
  async ownersWay(preview: Preview): Promise<void> {
    const { plan: { ownersWay }, request } = preview;
    if (ownersWay) await this.previews.show(ownersWay, request ? { request } : {});
  }

  /** After a host was read: what became of that which broke off there, in this window or before it. Said once. */
  lookAt(host: HostId): void {
    this.findOut(host).catch((error: unknown) => this.tell(error));
  }

  private async findOut(host: HostId): Promise<void> {
    const state = this.hosts.host(host);
    const model = state?.view?.model;
    const isOurs = [...this.unsure.values()].some(({ plan }) => plan.hostId === host);
    if (!state || !model || (!isOurs && this.lookedAt.has(host))) return;
    this.lookedAt.add(host);
    for (const entry of await this.history.of(host).catch(() => [])) {
      const preview = this.unsure.get(entry.id);
      // What another window has under way has not broken off.
      const isOver = preview !== undefined || entry.startedAt + LONGEST < model.collection.startedAt;
      if (!core().isOn(entry, state.source) || entry.applied?.complete === true || !isOver || model.collection.startedAt < entry.startedAt) continue;
      this.unsure.delete(entry.id);
      await this.tellWhatWasDone(entry, model, preview);
    }
  }

  dispose(): void {
    this.watching.dispose();
    this.previews.dispose();
  }

  /** The host as it is now; a capture as it was. `undefined`: a person ended it. @throws why it cannot be read */
  private async read(id: HostId): Promise<HostModel | undefined> {
    const state = this.hosts.host(id);
    if (state?.source.kind === 'live') {
      await vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title: plain(vscode.l10n.t('Reading {0}', state.source.label)) }, () => this.hosts.refresh(id));
    }
    const fresh = this.hosts.host(id);
    if (fresh?.error !== undefined) throw fresh.error;
    return fresh?.view?.model;
  }

  /** `undefined`: there is nothing to plan. */
  private async make(model: HostModel, request: PlanRequest, expert: boolean): Promise<Planned | undefined> {
    const machine = model.machines.find(({ key }) => key === request.machine);
    const wish = typeof request.changes === 'function' ? request.changes(model, machine) : { changes: request.changes, warnings: [] };
    return wish && core().paced(core().planning(model, machine, wish.changes, { expert, virsh: virshCommand(), warnings: wish.warnings }), 1);
  }

  /** Says why not, and offers what would do instead. Never throws: nobody may wait for it. */
  private async refuse(request: PlanRequest, model: HostModel, { refusal }: Planned & { readonly plan?: undefined }, expert: boolean): Promise<PlanEnd> {
    const byTitle = new Map(refusal.instead.map(({ title, changes }) => [plain(title), changes]));
    const inExpertMode = vscode.l10n.t('Plan in Expert Mode');
    // Only where that is what it takes.
    const needsExpert = !expert && (await this.make(model, request, true))?.plan !== undefined;
    const answer = await vscode.window.showWarningMessage(plain(vscode.l10n.t('Not possible: {0}', core().sentence(refusal.because))), ...byTitle.keys(), ...(needsExpert ? [inExpertMode] : []));
    const changes = byTitle.get(answer ?? '') ?? (needsExpert && answer === inExpertMode ? request.changes : undefined);
    if (!changes) return 'discarded';
    try {
      return await (await this.open({ ...request, changes }, expert || answer === inExpertMode)).ended;
    } catch (error) {
      void vscode.window.showErrorMessage(plain(core().describeError(error)));
      return 'discarded';
    }
  }

  private async tellWhatWasDone(entry: HistoryEntry, model: HostModel, preview: Preview | undefined): Promise<void> {
    const { plan } = entry;
    const applied: Applied = { steps: core().whatWasDone(plan, model, entry.applied?.steps), complete: true, remarks: entry.applied?.remarks ?? [] };
    await this.history.append(plan.hostId, { v: 1, event: 'ended', id: entry.id, at: Date.now(), applied });
    if (preview) {
      preview.applied = applied;
      preview.note = vscode.l10n.t('The answer broke off. This is what was found when the host was read again.');
      this.previews.update(preview);
    }
    const done = applied.steps.filter(({ state }) => state === 'done').length;
    const [undo, show] = [vscode.l10n.t('Undo What Was Done'), vscode.l10n.t('Show History')];
    const text = vscode.l10n.t('"{0}" on {1} had broken off: {2} of {3} steps were done.', plan.title, plan.hostLabel, done, applied.steps.length);
    const ending = vscode.window.showWarningMessage(plain(text), ...(done > 0 && undoAfterFailure() !== 'never' ? [undo] : []), show);
    const follow = async (): Promise<void> => {
      const answer = await ending;
      if (answer === undo) await this.openUndo({ ...entry, applied });
      else if (answer === show) await vscode.commands.executeCommand('cgroupLens.showHistory', plan.hostId);
    };
    follow().catch((error: unknown) => this.tell(error)); // not waited for: nobody may ever answer
  }

  private tell(error: unknown): void {
    this.log.error(core().describeError(error));
    void vscode.window.showErrorMessage(plain(core().describeError(error)));
  }

  private finish(preview: Preview, end: PlanEnd, note: string | undefined): void {
    preview.phase = 'ended';
    preview.note = note;
    preview.end(end);
    this.previews.update(preview);
  }

  private brokeOff(preview: Preview, why: string): void {
    const text = vscode.l10n.t('The answer broke off: {0} What was done is found out when the host is read again.', why);
    this.finish(preview, 'failed', plain(text));
    void vscode.window.showErrorMessage(plain(text), vscode.l10n.t('Show')).then(answer => (answer === undefined ? undefined : this.previews.reveal(preview)));
  }

  /** Only a failure is told beside the document, with the way back of what was done. */
  private async tellFailure(preview: Preview, id: string): Promise<void> {
    const { plan, applied } = preview;
    const steps = applied?.steps ?? [];
    const done = steps.filter(({ state }) => state === 'done').length;
    const at = steps.findIndex(({ state }) => state !== 'done');
    const entry = (await this.history.of(plan.hostId).catch(() => [])).find(it => it.id === id);
    const when = undoAfterFailure();
    if (when === 'always' && done > 0 && entry) await this.openUndo(entry);
    const [undo, show] = [vscode.l10n.t('Undo What Was Done'), vscode.l10n.t('Show')];
    const text = vscode.l10n.t('"{0}" stopped at step {1} of {2}: {3}', plan.title, at + 1, steps.length, stateText(steps[at]));
    const answer = await vscode.window.showErrorMessage(plain(text), ...(when === 'ask' && done > 0 && entry ? [undo] : []), show);
    if (answer === undo && entry) await this.openUndo(entry);
    else if (answer === show) await this.previews.reveal(preview);
  }
}

/** The first line of an applied plan's document; each step says its own. */
function endText({ steps, complete }: Applied): string {
  const done = steps.filter(({ state }) => state === 'done').length;
  if (!complete) return vscode.l10n.t('The answer broke off. What was done is found out when the host is read again.');
  return done === steps.length ? vscode.l10n.t('✓ Applied') : vscode.l10n.t('✗ Stopped: {0} of {1} steps were done', done, steps.length);
}

function stateText(step: Applied['steps'][number] | undefined): string {
  const words = [step?.state === 'refused' ? vscode.l10n.t('refused') : step?.state === 'changed meanwhile' ? vscode.l10n.t('changed meanwhile') : vscode.l10n.t('unknown'), step?.errno ?? '', step?.found ?? '', step?.said ?? ''];
  return words.filter(word => word !== '').join(' ');
}
