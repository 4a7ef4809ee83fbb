import * as os from 'node:os';
import * as vscode from 'vscode';
import type { CaptureProblem } from '../core/capture/format';
import type { HostId, Question, Source } from '../core/host/source';
import type { HostModel, Problem } from '../core/model/hostModel';
import type { Rates } from '../core/model/rates';
import type { RawSnapshot } from '../core/rawSnapshot';
import { programNames, qemuExecutables, timeoutSeconds } from './config';
import { core } from './lazyCore';

export const LOCAL: HostId = 'local';
const CAPTURES = 'captures';

/** A host as the window knows it now. Replaced, never changed, at each refresh. */
export interface HostState {
  readonly source: Source;
  /** What the latest refresh brought; kept when a later one fails. */
  readonly view: HostView | undefined;
  /** Why the latest refresh failed. */
  readonly error: unknown;
}

export interface HostView {
  readonly raw: RawSnapshot;
  readonly model: HostModel;
  readonly problems: readonly Problem[];
  readonly captureProblems: readonly CaptureProblem[];
  readonly rates: Rates;
}

/** A source that is made when it is first read: until then its name is all that is needed, and the core is not loaded. */
class LazySource implements Source {
  /** What was read wrong in the latest reading, of a capture. */
  damage: readonly CaptureProblem[] = [];
  readonly ask?: NonNullable<Source['ask']>;
  private made: Source | undefined;

  constructor(
    readonly id: HostId,
    readonly label: string,
    readonly kind: Source['kind'],
    private readonly make: (id: HostId, label: string) => Source,
  ) {
    if (kind === 'live') this.ask = (question, signal) => this.source().ask!(question, signal);
  }

  async collect(signal: AbortSignal): Promise<RawSnapshot> {
    const made = this.source();
    const raw = await made.collect(signal);
    if (made instanceof core().CaptureSource) this.damage = made.problems;
    return raw;
  }

  private source(): Source {
    return (this.made ??= this.make(this.id, this.label));
  }
}

/** Owns the hosts, their latest models, refresh and cancellation. One event tells that anything changed. */
export class HostService implements vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<HostId | undefined>();
  /** The host that changed; `undefined` when hosts came or went. */
  readonly onDidChange = this.changed.event;
  private readonly states = new Map<HostId, HostState>();
  private readonly running = new Map<HostId, { readonly abort: AbortController; readonly done: Promise<void> }>();
  /** Captures that are being read for the first time: their labels are taken already. */
  private readonly opening = new Map<HostId, Source>();
  /** Whether refreshes bring every cgroup of a live host, or only those on the way to its QEMU threads. */
  allCgroups = false;
  private disposed = false;

  constructor(
    private readonly memento: vscode.Memento,
    private readonly log: vscode.LogOutputChannel,
  ) {
    if (process.platform === 'linux' && vscode.workspace.isTrusted) this.addLocal();
    for (const uri of memento.get<string[]>(CAPTURES, [])) this.add(this.captureSource(vscode.Uri.parse(uri)));
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
    const make = (id: HostId, label: string): Source => new (core().LiveSource)(id, new (core().LocalHost)(label), () => ({ qemuExecutables: qemuExecutables(), asRoot: false, allCgroups: this.allCgroups }));
    this.add(new LazySource(LOCAL, this.freeLabel(os.hostname()), 'live', make), true);
    this.changed.fire(undefined);
  }

  /** Opens a capture as a read-only host. @throws CaptureError, or what the file system says */
  async addCapture(uri: vscode.Uri): Promise<HostId> {
    const id = uri.toString();
    const source = this.states.get(id)?.source ?? this.opening.get(id) ?? this.captureSource(uri);
    this.opening.set(id, source);
    try {
      const view = await this.read(source, new AbortController().signal, undefined);
      this.states.set(id, { source, view, error: undefined });
    } finally {
      this.opening.delete(id);
    }
    this.remember();
    this.changed.fire(undefined);
    return id;
  }

  removeCapture(id: HostId): void {
    if (this.states.get(id)?.source.kind !== 'capture') return;
    this.running.get(id)?.abort.abort();
    this.states.delete(id);
    this.remember();
    this.changed.fire(undefined);
  }

  /** Reads a host anew. A refresh that is under way already serves all who ask. Never throws: the state has the error. */
  refresh(id: HostId, token?: vscode.CancellationToken): Promise<void> {
    const state = this.states.get(id);
    if (!state || this.disposed) return Promise.resolve();
    const running = this.running.get(id);
    const abort = running?.abort ?? new AbortController();
    token?.onCancellationRequested(() => abort.abort());
    if (running) return running.done;
    const done = this.refreshNow(state, abort).finally(() => this.running.delete(id));
    this.running.set(id, { abort, done });
    return done;
  }

  async refreshAll(token?: vscode.CancellationToken): Promise<void> {
    await Promise.all([...this.states.keys()].map(id => this.refresh(id, token)));
  }

  /** Asks a running host one thing more; a capture has no answer: `undefined`. @throws CollectError, and what the host throws */
  async ask<T>(id: HostId, question: Question<T>): Promise<T | undefined> {
    const source = this.states.get(id)?.source;
    const milliseconds = timeoutSeconds() * 1000;
    const signal = AbortSignal.timeout(milliseconds);
    try {
      return await source?.ask?.(question, signal);
    } catch (error) {
      throw source && signal.aborted ? new (core().CollectError)('timeout', { host: source.label, milliseconds }, error) : error;
    }
  }

  dispose(): void {
    this.disposed = true;
    for (const { abort } of this.running.values()) abort.abort();
    this.changed.dispose();
  }

  private async refreshNow(state: HostState, abort: AbortController): Promise<void> {
    const { source } = state;
    const seconds = timeoutSeconds();
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      abort.abort();
    }, seconds * 1000);
    let next: HostState;
    try {
      next = { source, view: await this.read(source, abort.signal, state.view?.model), error: undefined };
    } catch (error) {
      if (core().CollectError.is(error, 'cancelled') && !timedOut) return; // the person's own wish: what was there stays
      const reason = timedOut ? new (core().CollectError)('timeout', { host: source.label, milliseconds: seconds * 1000 }, error) : error;
      this.log.error(core().describeError(reason));
      next = { source, view: state.view, error: reason };
    } finally {
      clearTimeout(timer);
    }
    // A late answer for a host that was closed meanwhile, or for a window that is going away, is nobody's business.
    if (this.disposed || this.states.get(source.id)?.source !== source) return;
    this.states.set(source.id, next);
    this.changed.fire(source.id);
  }

  private async read(source: Source, signal: AbortSignal, before: HostModel | undefined): Promise<HostView> {
    const raw = await source.collect(signal);
    const { model, problems } = await core().buildModel(raw, source, programNames());
    const text = `${source.label}: ${core().describeCollection(model, problems, source.kind)}, ${model.machines.length} machines`;
    if (before?.machines.length === model.machines.length) this.log.debug(text);
    else this.log.info(text); // what is new is told, not each of a thousand refreshes
    for (const remark of raw.collection.remarks) this.log.warn(`${source.label}: ${remark}`);
    for (const problem of problems.slice(0, 50)) this.log.warn(`${source.label}: ${problem.errno} ${problem.path}`);
    const captureProblems = source instanceof LazySource ? source.damage : [];
    for (const { line, expected, found } of captureProblems.slice(0, 50)) this.log.warn(`${source.label}: line ${line}: expected ${expected}, found ${found}`);
    return { raw, model, problems, captureProblems, rates: new (core().Rates)(source.kind === 'capture' ? undefined : before, model) };
  }

  private add(source: Source, first = false): void {
    const entry = [source.id, { source, view: undefined, error: undefined }] as const;
    const others = [...this.states];
    this.states.clear();
    for (const [id, state] of first ? [entry, ...others] : [...others, entry]) this.states.set(id, state);
  }

  private captureSource(uri: vscode.Uri): LazySource {
    const name = uri.path.replace(/^.*\//, '').replace(/\.capture$/, '');
    return new LazySource(uri.toString(), this.freeLabel(name), 'capture', (id, label) => new (core().CaptureSource)(id, label, async () => vscode.workspace.fs.readFile(uri)));
  }

  /** Labels are the first part of documents' paths: no two hosts may share one. */
  private freeLabel(wanted: string): string {
    const taken = new Set([...this.hosts.map(state => state.source), ...this.opening.values()].map(source => source.label));
    let label = wanted;
    for (let n = 2; taken.has(label); n++) label = `${wanted} (${n})`;
    return label;
  }

  private remember(): void {
    const captures = this.hosts.filter(state => state.source.kind === 'capture').map(state => state.source.id);
    void this.memento.update(CAPTURES, captures);
  }
}
