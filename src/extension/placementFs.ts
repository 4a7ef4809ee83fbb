import * as vscode from 'vscode';
import type { HostId } from '../core/host/source';
import type { Cgroup, Machine } from '../core/model/hostModel';
import type { DraftProblem } from '../core/placement/diff';
import { visible } from '../core/visible';
import { type Target, SCHEME, isNeighboursUri, resolve } from './documents';
import { layoutIn } from './findings';
import type { HostService, HostView } from './hostService';
import { core } from './lazyCore';
import type { ManualSaves } from './manualSaves';
import type { NeighboursDocuments } from './neighbours';
import { type Served, type Version, VirtualFs, refused } from './virtualFs';

/** What a placement text was made of. */
export interface PlacementAbout {
  readonly hostId: HostId;
  readonly machine: Machine;
}

/**
 * Serves placement documents, the files of cgroups, and who else is on some CPUs. A document changes only when what
 * it says changed, so that an open editor stays still while nothing moves. Placements alone can be edited: a save is
 * kept as a draft, and asks for a plan.
 */
export class PlacementFs extends VirtualFs<PlacementAbout> {
  private readonly saved = new vscode.EventEmitter<vscode.Uri>();
  /** There is a draft, and a person wants its plan. */
  readonly onDidSaveDraft = this.saved.event;

  constructor(
    private readonly hosts: HostService,
    private readonly neighbours: NeighboursDocuments,
    saves: ManualSaves,
  ) {
    super(SCHEME, saves, Infinity); // each refresh tells
    this.disposables.push(
      hosts.onDidChange(() => void this.refreshAll()),
      neighbours.onDidChange(() => void this.refreshAll()),
      this.saved,
    );
  }

  /** The folder of a host, which has no list. */
  override stat(uri: vscode.Uri): Promise<vscode.FileStat> {
    if (!/^\/[^/.][^/]*$/.test(uri.path) || /\.(placement|cgroup|neighbours)$/.test(uri.path)) return super.stat(uri);
    return Promise.resolve({ type: vscode.FileType.Directory, ctime: 0, mtime: 0, size: 0, permissions: vscode.FilePermission.Readonly });
  }

  protected override current(uri: vscode.Uri): Served<PlacementAbout> {
    if (isNeighboursUri(uri)) return { text: this.neighbours.textOf(uri), about: undefined };
    const target = resolve(this.hosts, uri);
    switch (target.kind) {
      case 'placement':
        return { text: core().print(core().toPlacement(target.model, target.machine, layoutIn(target.model, target.machine))), about: { hostId: target.state.source.id, machine: target.machine } };
      case 'cgroup':
        return { text: `${target.cgroups.map(cgroup => cgroupText(cgroup, target.state.view!)).join('\n\n')}\n`, about: undefined };
      default:
        return { text: `${absenceText(target)}\n`, about: undefined };
    }
  }

  protected override save(uri: vscode.Uri, text: string, base: Version<PlacementAbout>): Promise<boolean> {
    const { edits, problems } = core().diffPlacement(core().parsePlacement(base.text), core().parsePlacement(text));
    const [problem] = problems;
    if (problem) throw refused(vscode.l10n.t('Nothing is planned: line {0}: {1}', problem.line + 1, problemText(problem)));
    if (edits.length > 0) setTimeout(() => this.saved.fire(uri)); // when the save is over
    return Promise.resolve(edits.length > 0);
  }
}

/** What is wrong with a line of a draft. */
export function problemText({ reason, expected }: DraftProblem): string {
  const words = visible(expected);
  switch (reason) {
    case 'not-understood':
      return vscode.l10n.t('not understood; expected: {0}', words);
    case 'not-editable':
      return vscode.l10n.t('this cannot be changed here; it was: {0}', words);
    case 'removed':
      return vscode.l10n.t('this is missing: {0}', words);
    case 'not-known':
      return vscode.l10n.t('not in the text that the edit began from; there is: {0}', words);
    case 'twice':
      return vscode.l10n.t('said twice: {0}', words);
    case 'path-and-limits':
      return vscode.l10n.t('the path was changed and so were the limits: these are of neither cgroup. Change the path first; there is now: {0}', words);
  }
}

/** Why there is nothing to show. */
export function absenceText(target: Extract<Target, { kind: 'not-connected' | 'gone' }>): string {
  const { state } = target;
  if (!state) return vscode.l10n.t('not connected: this host or capture is not open in this window');
  const label = visible(state.source.label);
  if (target.kind === 'gone') return vscode.l10n.t('gone: {0} has no such machine or cgroup now', label);
  if (state.error !== undefined) return vscode.l10n.t('not connected: {0}', core().describeError(state.error));
  return vscode.l10n.t('not connected: {0} has not been read in this window', label);
}

/** Every interface file that was read of a cgroup and of those above it, the nearest first. */
function cgroupText(cgroup: Cgroup, view: HostView): string {
  const blocks = [...core().withAncestors(cgroup)].map(({ directory, path }) => ({ directory, lines: [visible(directory ?? `${path} (not mounted here)`)] }));
  const byDirectory = new Map(blocks.map(({ directory, lines }) => [directory, lines]));
  for (const [path, text] of view.raw.files) { // once: there may be a hundred thousand
    const slash = path.lastIndexOf('/');
    const lines = byDirectory.get(path.slice(0, slash));
    if (!lines) continue;
    const name = path.slice(slash + 1);
    const values = text.trimEnd().split('\n').map(visible);
    lines.push(values.length === 1 ? `  ${name.padEnd(26)}  ${values[0]}`.trimEnd() : `  ${name}`, ...(values.length === 1 ? [] : values.map(value => `      ${value}`)));
  }
  for (const { lines } of blocks) if (lines.length === 1) lines.push(`  ${vscode.l10n.t('no file was read')}`);
  return blocks.map(({ lines }) => lines.join('\n')).join('\n\n');
}
