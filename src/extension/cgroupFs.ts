import * as vscode from 'vscode';
import { visible } from '../core/visible';
import { CGROUPFS, cgroupFileUri, encodeName, resolveFile } from './cgroupFiles';
import { expertMode, virshCommand } from './config';
import type { HostService } from './hostService';
import { core } from './lazyCore';
import type { ManualSaves } from './manualSaves';
import { absenceText } from './placementFs';
import type { Plans } from './plans';
import { type Served, type Version, VirtualFs, refused } from './virtualFs';

/** A file is asked for once when VS Code looks at it and then reads it. */
const KEEPS_FOR = 2000;

/**
 * Interface files of cgroups as files. They are read from the host when somebody opens them; a save is a plan of one
 * write, and the editor stays dirty until that is done.
 */
export class CgroupFs extends VirtualFs<'editable'> {
  /** Documents that show why there is nothing to show. */
  private readonly absent = new Set<string>();
  /** When the host was last asked for each: a picture of it that is older says nothing new. */
  private readonly askedAt = new Map<string, number>();

  constructor(
    private readonly hosts: HostService,
    private readonly plans: Plans,
    saves: ManualSaves,
  ) {
    super(CGROUPFS, saves, KEEPS_FOR);
    this.disposables.push(hosts.onDidChange(() => void this.refreshAll()));
  }

  override async stat(uri: vscode.Uri): Promise<vscode.FileStat> {
    const target = resolveFile(this.hosts, uri);
    if (target.kind === 'directory') return { type: vscode.FileType.Directory, ctime: 0, mtime: 0, size: 0, permissions: vscode.FilePermission.Readonly };
    return super.stat(uri);
  }

  override async readDirectory(uri: vscode.Uri): Promise<[string, vscode.FileType][]> {
    const target = resolveFile(this.hosts, uri);
    if (target.kind !== 'directory') throw vscode.FileSystemError.FileNotFound(uri);
    const { state, model, cgroup, directory } = target;
    const folder = (name: string): [string, vscode.FileType] => [name, vscode.FileType.Directory];
    if (!cgroup || directory === undefined) return model.hierarchies.flatMap(h => { const top = h.cgroups.get(h.mountRoot); return top?.directory === undefined ? [] : [folder(cgroupFileUri(state, top).path.split('/')[2]!)]; });
    const below = model.hierarchies.find(h => h.key === cgroup.hierarchy)!.cgroups.values();
    const folders = [...below].filter(({ parent }) => parent === cgroup).map(({ path }) => folder(encodeName(path.slice(path.lastIndexOf('/') + 1))));
    const seen = [...state.view!.raw.files.keys()].filter(path => path.startsWith(`${directory}/`) && !path.includes('/', directory.length + 1)).map(path => path.slice(directory.length + 1));
    const found = state.source.kind === 'live' ? (await this.ask(target.state.source.id, core().cgroupFilesQuestion(directory))).split('\n') : seen;
    return [...folders, ...found.filter(core().isFileName).map((name): [string, vscode.FileType] => [name, vscode.FileType.File])];
  }

  protected override async current(uri: vscode.Uri, isFresh: boolean): Promise<Served<'editable'> | undefined> {
    const target = resolveFile(this.hosts, uri);
    if (target.kind === 'directory') throw vscode.FileSystemError.FileIsADirectory(uri);
    const key = uri.toString();
    if (target.kind !== 'file') {
      this.absent.add(key);
      return { text: `${absenceText(target)}\n`, about: undefined };
    }
    const isNews = this.absent.delete(key);
    const { state, directory, file } = target;
    const about = core().isWritable(file) ? 'editable' : undefined;
    const seen = state.view!.raw.files.get(`${directory}/${file}`);
    if (state.source.kind === 'live' && (isFresh || isNews)) {
      const now = Date.now();
      const text = await this.ask(state.source.id, core().cgroupFileQuestion(directory, file));
      this.askedAt.set(key, now);
      return { text, about };
    }
    if (target.model.collection.startedAt < (this.askedAt.get(key) ?? 0)) return undefined;
    if (seen !== undefined) return { text: seen, about };
    if (state.source.kind === 'live') return undefined; // not among what a refresh reads
    throw vscode.FileSystemError.FileNotFound(uri);
  }

  protected override async save(uri: vscode.Uri, text: string, base: Version<'editable'>): Promise<boolean> {
    const target = resolveFile(this.hosts, uri);
    if (target.kind !== 'file' || !core().isWritable(target.file)) throw refused(target.kind === 'not-connected' || target.kind === 'gone' ? absenceText(target) : vscode.l10n.t('This file is not written from here.'));
    const { state, model, cgroup, file } = target;
    const written = core().writtenValue(base.text, text);
    if (written === undefined) return false;
    if (written === 'many') throw refused(vscode.l10n.t('{0} takes one line a write: change or add one, and save.', file));
    const now = await this.current(uri, true);
    if (now?.text.trim() !== base.text.trim()) {
      throw refused(vscode.l10n.t('{0} has changed on {1} since: it reads "{2}" now, and the edit began from "{3}". Revert the file to see it.', file, visible(state.source.label), visible(now?.text.trim() ?? ''), visible(base.text.trim())));
    }
    const machines = model.machines.filter(({ threads }) => threads.some(({ membership }) => core().isWithin(membership.places.get(cgroup.hierarchy)?.path ?? '', cgroup.path)));
    const machine = machines.length === 1 ? machines[0] : undefined;
    // The plan may stay open for long: it is for what was read now, of one line also the way back.
    const before = now.text.replace(/\n$/, '');
    const changes = [{ kind: 'set', hierarchy: cgroup.hierarchy, path: cgroup.path, file, value: written.value, ...(before.includes('\n') ? {} : { before }) }] as const;
    const { refusal } = core().makePlan(model, machine, changes, { expert: expertMode(), virsh: virshCommand() });
    if (refusal) throw refused(vscode.l10n.t('Not possible: {0}', core().sentence(refusal.because)));
    const end = await this.plans.show({ hostId: state.source.id, machine: machine?.key, changes }).catch((error: unknown) => {
      throw refused(core().describeError(error));
    });
    if (end === 'applied') return false;
    const value = visible(written.value);
    throw refused(
      end === 'failed'
        ? vscode.l10n.t('"{0}" was not written to {1} of {2}: the plan says what the kernel answered.', value, file, visible(cgroup.path))
        : vscode.l10n.t('"{0}" was not written to {1} of {2}: its plan was refused or not applied.', value, file, visible(cgroup.path)),
    );
  }

  /** @throws FileSystemError, with the host's own reason */
  private async ask(hostId: string, question: ReturnType<ReturnType<typeof core>['cgroupFileQuestion']>): Promise<string> {
    let answer;
    try {
      answer = await this.hosts.ask(hostId, question);
    } catch (error) {
      throw refused(core().describeError(error));
    }
    if (answer?.said !== undefined) throw refused(vscode.l10n.t('It cannot be read: {0}', visible(answer.said)));
    return answer?.text ?? '';
  }
}
