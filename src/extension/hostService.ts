import * as vscode from 'vscode';
import type { CaptureProblem } from '../core/capture/format';
import type { HostId, Question } from '../core/host/source';
import type { HostModel, Problem } from '../core/model/hostModel';
import type { Rates } from '../core/model/rates';
import type { RawSnapshot } from '../core/rawSnapshot';
import type { RuleFailure } from '../core/rules/allRules';
import { onDidChangeConfig, programNames, timeoutSeconds } from './config';
import { forgetRuleSettings, lookForFindings } from './findings';
import { core } from './lazyCore';
import { Reading } from './reading';
import { type HostSource, LOCAL, captureSource, localSource } from './sources';
import { type SshShared, SshSource, sshId } from './sshSource';
import { plain } from './text';

const CAPTURES = 'captures';

/** A host as the window knows it now. Replaced, never changed, at each refresh. */
export interface HostState {
  readonly source: HostSource;
  /** What the latest refresh brought; kept when a later one fails. */
  readonly view: HostView | undefined;
  /** Why the latest refresh failed. */
  readonly error: unknown;
  /** Of a host that is reached by SSH. `disconnected` by a person: nothing but a person connects it again. */
  readonly link?: 'connecting' | 'connected' | 'disconnected' | undefined;
}

export interface HostView {
  readonly raw: RawSnapshot;
  readonly model: HostModel;
  readonly problems: readonly Problem[];
  readonly captureProblems: readonly CaptureProblem[];
  readonly rates: Rates;
}

interface Running {
  readonly reading: Reading;
  readonly done: Promise<void>;
}

/** Owns the hosts, their latest models, refresh and cancellation. One event tells that anything changed. */
export class HostService implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<HostId | undefined>();
  /** The host that changed; `undefined` when hosts came or went. */
  readonly onDidChange = this.changed.event;
  private readonly settingsChanged = new vscode.EventEmitter<void>();
  /** Nothing was read anew: the same findings are told otherwise. */
  readonly onDidChangeRuleSettings = this.settingsChanged.event;
  private readonly states = new Map<HostId, HostState>();
  private readonly running = new Map<HostId, Running>();
  /** Questions that have no answer yet, and whom they were put to. */
  private readonly asking = new Map<Reading, HostId>();
  /** Captures that are being read for the first time: their labels are taken already. */
  private readonly opening = new Map<HostId, HostSource>();
  /** Rules that failed, and were told of. */
  private readonly failedRules = new Set<string>();
  /** Whether refreshes bring every cgroup of a live host, or only those on the way to its QEMU threads. */
  allCgroups = false;
  private disposed = false;
  private readonly watching = ['rules', 'suppressed'].map(name => onDidChangeConfig(() => {
    forgetRuleSettings();
    this.settingsChanged.fire();
  }, name));

  constructor(
    private readonly memento: vscode.Memento,
    private readonly log: vscode.LogOutputChannel,
  ) {
    if (vscode.workspace.isTrusted) this.addLocal();
    for (const uri of memento.get<string[]>(CAPTURES, [])) this.put(captureSource(vscode.Uri.parse(uri), this.freeLabel));
  }

  get hosts(): readonly HostState[] {
    return [...this.states.values()];
  }

  host(id: HostId): HostState | undefined {
    return this.states.get(id);
  }

  /** This machine, where it is a Linux host and the window is trusted. */
  addLocal(): void {
    if (process.platform !== 'linux' || this.states.has(LOCAL)) return;
    this.put(localSource(this.freeLabel, () => this.allCgroups));
    this.sort([]);
    this.changed.fire(undefined);
  }

  /** Lists the hosts that are reached by SSH, in this order; those that are not named any more are closed. */
  setSshHosts(names: readonly string[], shared: SshShared): void {
    for (const { source } of this.hosts) if (source instanceof SshSource && !names.includes(source.name)) this.drop(source);
    for (const name of names) if (!this.states.has(sshId(name))) this.put(new SshSource(name, this.freeLabel(name), shared, () => this.allCgroups));
    this.sort(names.map(sshId));
    this.changed.fire(undefined);
  }

  /** Opens a capture as a read-only host. @throws CaptureError, or what the file system says */
  async addCapture(uri: vscode.Uri): Promise<HostId> {
    const id = uri.toString();
    const source = this.states.get(id)?.source ?? this.opening.get(id) ?? captureSource(uri, this.freeLabel);
    this.opening.set(id, source);
    try {
      const view = await this.read(source, new Reading(Infinity, true), undefined);
      this.states.set(id, { source, view, error: undefined });
    } finally {
      this.opening.delete(id);
    }
    this.remember();
    this.changed.fire(undefined);
    return id;
  }

  removeCapture(id: HostId): void {
    const source = this.states.get(id)?.source;
    if (source?.kind !== 'capture') return;
    this.drop(source);
    this.remember();
    this.changed.fire(undefined);
  }

  /**
   * Reads a host anew because a person wants it: what only they can answer is asked. A refresh that is under way already
   * serves all who ask. Never throws: the state has the error.
   */
  async refresh(id: HostId, token?: vscode.CancellationToken): Promise<void> {
    const state = this.states.get(id);
    if (!state || this.disposed) return;
    const { reading, done } = this.running.get(id) ?? this.start(state, true);
    const joined = !reading.mayAsk;
    reading.mayAsk = true;
    const cancelling = token?.onCancellationRequested(() => reading.cancel());
    try {
      await done;
    } finally {
      cancelling?.dispose();
    }
    // It began by itself, and had given up a question before a person came along.
    if (joined && core().SshError.is(this.states.get(id)?.error, 'not-asked')) await this.refresh(id, token);
  }

  /** Reads a host anew because it is time to: asks nothing, and leaves alone who keeps failing or was disconnected. */
  async refreshByItself(id: HostId): Promise<void> {
    const state = this.states.get(id);
    if (!state || this.disposed || state.link === 'disconnected') return;
    if (state.source instanceof SshSource && !state.source.backOff.isOver) return;
    await (this.running.get(id) ?? this.start(state, false)).done;
  }

  /** Ends the connection to a host, or what is under way to make one. */
  disconnect(id: HostId): void {
    const source = this.states.get(id)?.source;
    if (!(source instanceof SshSource)) return;
    this.update(source, { link: 'disconnected', error: undefined });
    this.cancel(id);
    source.disconnect();
  }

  /** Asks a running host one thing more; a capture has no answer: `undefined`. @throws CollectError, and what the host throws */
  async ask<T>(id: HostId, question: Question<T>): Promise<T | undefined> {
    const source = this.states.get(id)?.source;
    if (!source) throw new (core().CollectError)('cancelled', { host: id }); // closed meanwhile
    const milliseconds = timeoutSeconds() * 1000;
    const reading = new Reading(milliseconds, true);
    this.asking.set(reading, id);
    try {
      const answer = await source.ask?.(question, reading);
      // A person asked: a host that was disconnected is connected again by that.
      if (source instanceof SshSource && !reading.signal.aborted) this.update(source, { link: 'connected' });
      return answer;
    } catch (error) {
      throw reading.timedOut ? new (core().CollectError)('timeout', { host: source.label, milliseconds }, error) : error;
    } finally {
      reading.end();
      this.asking.delete(reading);
    }
  }

  dispose(): void {
    this.disposed = true;
    for (const watch of this.watching) watch.dispose();
    for (const { source } of this.hosts) this.drop(source);
    this.changed.dispose();
    this.settingsChanged.dispose();
  }

  private start(state: HostState, mayAsk: boolean): Running {
    const { id } = state.source;
    const reading = new Reading(timeoutSeconds() * 1000, mayAsk);
    const done = this.readHost(state, reading).finally(() => {
      reading.end();
      if (this.running.get(id)?.reading === reading) this.running.delete(id);
    });
    const running = { reading, done };
    this.running.set(id, running);
    return running;
  }

  private async readHost({ source, view, link }: HostState, reading: Reading): Promise<void> {
    const remote = source instanceof SshSource ? source : undefined;
    if (remote && reading.mayAsk) remote.backOff.reset();
    // Whoever tries again has read why it failed; what runs by itself leaves that where it is.
    if (remote && link !== 'connected') this.update(source, { link: 'connecting', ...(reading.mayAsk ? { error: undefined } : {}) });
    try {
      const next = await this.read(source, reading, view?.model);
      remote?.backOff.reset();
      this.update(source, { view: next, error: undefined, link: remote && 'connected' });
    } catch (error) {
      if (core().CollectError.is(error, 'cancelled') && !reading.timedOut) {
        // The person's own wish: what was there stays.
        if (this.states.get(source.id)?.link === 'connecting') this.update(source, { link });
        return;
      }
      const reason = reading.timedOut ? new (core().CollectError)('timeout', { host: source.label, milliseconds: timeoutSeconds() * 1000 }, error) : error;
      this.log.error(core().describeError(reason));
      remote?.backOff.failed();
      this.update(source, { error: reason, link: undefined });
    }
  }

  private async read(source: HostSource, reading: Reading, before: HostModel | undefined): Promise<HostView> {
    const raw = await source.collect(reading);
    const { model, problems } = await core().buildModel(raw, source, programNames());
    const rates = new (core().Rates)(source.kind === 'capture' ? undefined : before, model);
    await lookForFindings(model, rates, failure => this.ruleFailed(source, failure));
    if (reading.signal.aborted) throw new (core().CollectError)('cancelled', { host: source.label }); // too late for this answer
    // What is new is told, not each of a thousand refreshes.
    const text = `${source.label}: ${core().describeCollection(model, problems, source.kind)}, ${model.machines.length} machines`;
    if (before?.machines.length === model.machines.length) this.log.debug(text);
    else this.log.info(text);
    for (const remark of raw.collection.remarks.filter(one => !before?.collection.remarks.includes(one))) this.log.warn(`${source.label}: ${remark}`);
    for (const problem of problems.slice(0, 50)) this.log.warn(`${source.label}: ${problem.errno} ${problem.path}`);
    for (const { line, expected, found } of source.damage.slice(0, 50)) this.log.warn(`${source.label}: line ${line}: expected ${expected}, found ${found}`);
    return { raw, model, problems, captureProblems: source.damage, rates };
  }

  /** Said once: the host is looked at again and again. */
  private ruleFailed({ label }: HostSource, { rule, machine, error }: RuleFailure): void {
    if (this.failedRules.has(rule)) return;
    this.failedRules.add(rule);
    this.log.error(`${label}: ${rule}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    void vscode.window.showErrorMessage(plain(vscode.l10n.t('The rule {0} failed on {1}: what it would have found is missing. The log "Cgroup Lens" says why.', rule, machine.name)));
  }

  /** A late answer for a host that was closed meanwhile, or for a window that is going away, is nobody's business. */
  private update(source: HostSource, change: Partial<HostState>): void {
    const state = this.states.get(source.id);
    if (this.disposed || state?.source !== source) return;
    this.states.set(source.id, { ...state, ...change });
    this.changed.fire(source.id);
  }

  private put(source: HostSource): void {
    this.states.set(source.id, { source, view: undefined, error: undefined });
  }

  /** Ends all that is under way with a host. */
  private cancel(id: HostId): void {
    this.running.get(id)?.reading.cancel();
    for (const [reading, asked] of this.asking) if (asked === id) reading.cancel();
  }

  private drop(source: HostSource): void {
    this.cancel(source.id);
    this.states.delete(source.id);
    this.running.delete(source.id); // one of the same name that comes later is read anew
    if (source instanceof SshSource) source.disconnect();
  }

  /** This machine, then those of `ids` in that order, then all others as they are. */
  private sort(ids: readonly HostId[]): void {
    const first = [LOCAL, ...ids];
    const rank = (id: HostId): number => (first.includes(id) ? first.indexOf(id) : first.length);
    const sorted = [...this.states].sort(([a], [b]) => rank(a) - rank(b));
    this.states.clear();
    for (const [id, state] of sorted) this.states.set(id, state);
  }

  /** Labels are the first part of documents' paths: no two hosts may share one. */
  private readonly freeLabel = (wanted: string): string => {
    const taken = new Set([...this.hosts.map(state => state.source), ...this.opening.values()].map(source => source.label));
    let label = wanted;
    for (let n = 2; taken.has(label); n++) label = `${wanted} (${n})`;
    return label;
  };

  private remember(): void {
    const captures = this.hosts.filter(state => state.source.kind === 'capture').map(state => state.source.id);
    void this.memento.update(CAPTURES, captures);
  }
}
