import { createHash } from 'node:crypto';
import * as vscode from 'vscode';
import { type ManualSaves, whyNot } from './manualSaves';
import { plain } from './text';

/** What a document says of a host. */
export interface Served<About> {
  readonly text: string;
  /** What the text was made of; `undefined` of a text that cannot be edited. */
  readonly about: About | undefined;
}

/** A text that was served once. An edit is the difference to the one that it began from, not to the latest. */
export interface Version<About> extends Served<About> {
  readonly bytes: Uint8Array;
  /** Of the change that was seen: VS Code reads a document again only when its time or size changed. */
  readonly mtime: number;
}

interface Entry<About> {
  now: Version<About> | undefined;
  /** When `now` was known to be so. */
  readAt: number;
  /** A person's text, saved and not applied. As long as there is one the host's text is not shown. */
  draft: Version<About> | undefined;
  /**
   * By hash of a content that the editor had: the text that it began from. Undo and redo bring back any of them, those of
   * the host among them: what the host once said is no edit of anybody. `undefined` where that is not known.
   */
  readonly bases: Map<string, Version<About> | undefined>;
  /** Of the editor's present content. */
  base: Version<About> | undefined;
  isDirty: boolean;
}

/** VS Code does not hear of a change while it saves, nor in the moment after. */
const AFTER_SAVE = 250;

/** As many texts of the host are remembered of one document; what began from an older one is an edit of an unknown text. */
const MOST_VERSIONS = 50;

/**
 * Documents of what a host says, which a person may edit. Nothing is ever written from here: a save is handed to `save`,
 * and only a person's own. While a document is dirty, or has a draft, it stays as it is.
 */
export abstract class VirtualFs<About> implements vscode.FileSystemProvider, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  readonly onDidChangeFile = this.changed.event;
  private readonly willChange = new vscode.EventEmitter<vscode.Uri>();
  /** Fired before VS Code hears of a change: the last moment to see where the cursor is. */
  readonly onWillChange = this.willChange.event;
  private readonly edited = new vscode.EventEmitter<vscode.Uri>();
  /** What of a document is a person's edit may have changed. */
  readonly onDidEdit = this.edited.event;
  private readonly entries = new Map<string, Entry<About>>();
  protected readonly disposables: vscode.Disposable[];

  /** @param keepsFor milliseconds for which a text that was read is not asked for again */
  constructor(
    private readonly scheme: string,
    private readonly saves: ManualSaves,
    private readonly keepsFor: number,
  ) {
    this.disposables = [
      vscode.workspace.registerFileSystemProvider(scheme, this, { isCaseSensitive: true }),
      vscode.workspace.onDidOpenTextDocument(document => this.notice(document, true)),
      vscode.workspace.onDidChangeTextDocument(({ document }) => this.notice(document, false)),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.closed(uri)),
      vscode.workspace.onDidGrantWorkspaceTrust(() => this.trusted()),
      this.changed,
      this.willChange,
      this.edited,
    ];
    for (const document of vscode.workspace.textDocuments) this.notice(document, true);
  }

  /**
   * @param isFresh asks the host, however lately it was asked; without it only what is known already counts
   * @returns `undefined` only where nothing is known without asking
   * @throws FileSystemError
   */
  protected abstract current(uri: vscode.Uri, isFresh: boolean): Served<About> | Promise<Served<About> | undefined>;

  /**
   * Takes a person's own save of a text that differs from `base`, from which it began.
   *
   * @returns whether it is a draft now; otherwise the host's own text is shown again
   * @throws refused()
   */
  protected abstract save(uri: vscode.Uri, text: string, base: Version<About> & { readonly about: About }): Promise<boolean>;

  watch(): vscode.Disposable {
    return new vscode.Disposable(() => undefined); // every refresh tells of every document that changed
  }

  async stat(uri: vscode.Uri): Promise<vscode.FileStat> {
    const { mtime, bytes, about } = await this.serve(uri);
    const stat = { type: vscode.FileType.File, ctime: 0, mtime, size: bytes.byteLength };
    if (!vscode.workspace.isTrusted) return { ...stat, permissions: vscode.FilePermission.Readonly };
    // Of a stale edit VS Code would say that the file is newer, or read-only: `writeFile` says what is wrong with it.
    if (isDirty(uri) && this.baseOf(uri)?.about === undefined) return { ...stat, mtime: 0 };
    return about === undefined ? { ...stat, permissions: vscode.FilePermission.Readonly } : stat;
  }

  async readFile(uri: vscode.Uri): Promise<Uint8Array> {
    return (await this.serve(uri)).bytes;
  }

  async writeFile(uri: vscode.Uri, content: Uint8Array): Promise<void> {
    if (!vscode.workspace.isTrusted) throw refused(vscode.l10n.t('In Restricted Mode nothing is written.'));
    const by = await this.saves.whose(uri);
    if (by !== 'person') throw refused(whyNot(by));
    const entry = this.entryOf(uri);
    const text = Buffer.from(content).toString('utf8');
    const base = entry.bases.get(hashOf(text));
    if (!base) throw refused(staleText());
    if (!isAbout(base)) throw refused(vscode.l10n.t('This text cannot be edited.'));
    const isDraft = text !== base.text && (await this.save(uri, text, base));
    const saved = { text, bytes: content, mtime: Math.max(Date.now(), (entry.now?.mtime ?? 0) + 1), about: base.about };
    entry.now = saved;
    entry.draft = isDraft ? saved : undefined;
    this.edited.fire(uri);
    if (!isDraft) setTimeout(() => void this.refresh(uri, true).catch(() => undefined), AFTER_SAVE);
  }

  readDirectory(_uri: vscode.Uri): [string, vscode.FileType][] | Promise<[string, vscode.FileType][]> {
    return [];
  }

  createDirectory(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  delete(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  rename(uri: vscode.Uri): never {
    throw vscode.FileSystemError.NoPermissions(uri);
  }

  hasDraft(uri: vscode.Uri): boolean {
    return this.entries.get(uri.toString())?.draft !== undefined;
  }

  /** Names the draft, so that it is known later whether it still is the same. */
  draftOf(uri: vscode.Uri): object | undefined {
    return this.entries.get(uri.toString())?.draft;
  }

  /** The text from which the editor's present content began; `undefined` if nobody knows. */
  baseOf(uri: vscode.Uri): Version<About> | undefined {
    return this.entries.get(uri.toString())?.base;
  }

  /** Ends a draft, and all that was edited since: the document says what the host says. */
  async discard(uri: vscode.Uri): Promise<void> {
    this.entryOf(uri).draft = undefined;
    if (isDirty(uri)) {
      await vscode.window.showTextDocument(uri);
      await vscode.commands.executeCommand('workbench.action.files.revert');
    }
    this.edited.fire(uri);
    await this.refresh(uri, true);
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }

  /** Shows what the host says now, wherever that is another text and nobody edits. */
  protected async refreshAll(): Promise<void> {
    for (const [key, { now }] of [...this.entries]) if (now) await this.refresh(vscode.Uri.parse(key), false).catch(() => undefined); // its host went away: what is shown stays
  }

  protected async refresh(uri: vscode.Uri, isFresh: boolean): Promise<void> {
    const entry = this.entryOf(uri);
    const isEdited = (): boolean => entry.draft !== undefined || isDirty(uri);
    if (isEdited()) return;
    const served = await this.current(uri, isFresh);
    if (!served || isEdited()) return;
    const before = entry.now;
    if (before?.text === served.text && (before.about === undefined) === (served.about === undefined)) return void this.put(entry, served);
    this.willChange.fire(uri);
    this.put(entry, served);
    this.changed.fire([{ type: vscode.FileChangeType.Changed, uri }]);
  }

  private async serve(uri: vscode.Uri): Promise<Version<About>> {
    const entry = this.entryOf(uri);
    const isKept = entry.draft !== undefined || isDirty(uri) || performance.now() - entry.readAt < this.keepsFor;
    if (entry.now && isKept) return entry.now;
    const served = await this.current(uri, true);
    if (!served) throw vscode.FileSystemError.FileNotFound(uri);
    return this.put(entry, served);
  }

  private put(entry: Entry<About>, { text, about }: Served<About>): Version<About> {
    const { now } = entry;
    const isSame = now?.text === text && (now.about === undefined) === (about === undefined);
    const version = isSame ? { ...now, about } : { text, about, bytes: Buffer.from(text, 'utf8'), mtime: Math.max(Date.now(), (now?.mtime ?? 0) + 1) };
    entry.now = version;
    entry.readAt = performance.now();
    const hash = hashOf(text);
    if (entry.base && entry.base === entry.bases.get(hash)) entry.base = version;
    entry.bases.delete(hash);
    entry.bases.set(hash, version); // the latest at the end
    forgetOldest(entry.bases);
    return version;
  }

  /** Keeps track of what the editor's content began from. */
  private notice(document: vscode.TextDocument, isOpening: boolean): void {
    if (document.uri.scheme !== this.scheme) return;
    const entry = this.entryOf(document.uri);
    const hash = hashOf(document.getText());
    if (entry.bases.has(hash)) entry.base = entry.bases.get(hash);
    else {
      if (isOpening) entry.base = undefined; // brought back from another window's time
      entry.bases.set(hash, entry.base);
    }
    const wasDirty = entry.isDirty;
    entry.isDirty = document.isDirty;
    // What the host said while a person was already typing has never been seen: their save must not be called a conflict of files.
    if (document.isDirty && !entry.draft && entry.base) entry.now = entry.base;
    if (wasDirty || document.isDirty) this.edited.fire(document.uri);
    if (wasDirty && !document.isDirty && !entry.draft) setTimeout(() => void this.refresh(document.uri, true).catch(() => undefined), AFTER_SAVE);
  }

  /** What contents began from is kept: VS Code remembers what can be undone, too. */
  private closed(uri: vscode.Uri): void {
    const entry = this.entries.get(uri.toString());
    if (!entry) return;
    entry.isDirty = false;
    if (!entry.draft) entry.now = undefined;
  }

  private trusted(): void {
    for (const [key, entry] of this.entries) {
      if (!entry.now) continue;
      entry.now = { ...entry.now, mtime: Math.max(Date.now(), entry.now.mtime + 1) };
      this.changed.fire([{ type: vscode.FileChangeType.Changed, uri: vscode.Uri.parse(key) }]);
    }
  }

  private entryOf(uri: vscode.Uri): Entry<About> {
    const key = uri.toString();
    let entry = this.entries.get(key);
    if (!entry) this.entries.set(key, (entry = { now: undefined, readAt: Number.NEGATIVE_INFINITY, draft: undefined, bases: new Map(), base: undefined, isDirty: false }));
    return entry;
  }
}

/** VS Code shows its text in a notification, and the editor stays dirty. */
export function refused(text: string): vscode.FileSystemError {
  return vscode.FileSystemError.Unavailable(plain(text));
}

export function staleText(): string {
  return vscode.l10n.t('This edit began in another window or too long ago: what it began from is not known, so nothing is planned of it. Copy what you need, then revert the file.');
}

export function isDirty(uri: vscode.Uri): boolean {
  const key = uri.toString();
  return vscode.workspace.textDocuments.some(document => document.isDirty && document.uri.toString() === key);
}

function isAbout<About>(version: Version<About>): version is Version<About> & { readonly about: About } {
  return version.about !== undefined;
}

/** A base holds a model's machine: the oldest go, and the contents that began from them become nobody's. */
function forgetOldest<About>(bases: Map<string, Version<About> | undefined>): void {
  const versions = new Set(bases.values());
  versions.delete(undefined);
  if (versions.size <= MOST_VERSIONS) return;
  const [oldest] = versions;
  for (const [hash, version] of bases) if (version === oldest) bases.set(hash, undefined);
}

/** As the editor has it, whatever ends its lines. */
function hashOf(text: string): string {
  return createHash('sha1').update(text.replace(/\r\n?/g, '\n')).digest('base64');
}
