import * as vscode from 'vscode';
import type { Cgroup, HostModel, Machine, Thread } from '../core/model/hostModel';
import type { Node, Span } from '../core/placement/parse';
import { PLACEMENT_LANGUAGE, SCHEME, type Target, cgroupUri, resolve } from './documents';
import { tell, tellBeside } from './findingText';
import type { HostService } from './hostService';
import { nodeAt, parsedDocument } from './parsedDocuments';
import { placeFindings } from './placedFindings';
import { Markdown, plain } from './text';
import { hostTooltip, machineTooltip, threadTooltip } from './views/tooltips';
import { trouble } from './views/trouble';
import { core } from './lazyCore';

const SELECTOR: vscode.DocumentSelector = { scheme: SCHEME, language: PLACEMENT_LANGUAGE };

/** Outline, folding, hover, links and inlay hints of placement documents: what the text means in the latest model. */
export class PlacementLanguage
  implements
    vscode.DocumentSymbolProvider,
    vscode.FoldingRangeProvider,
    vscode.HoverProvider,
    vscode.DocumentLinkProvider,
    vscode.InlayHintsProvider,
    vscode.CodeLensProvider,
    vscode.Disposable
{
  private readonly hints = new vscode.EventEmitter<void>();
  readonly onDidChangeInlayHints = this.hints.event;
  readonly onDidChangeCodeLenses = this.hints.event;
  private readonly disposables: vscode.Disposable[];

  constructor(private readonly hosts: HostService) {
    this.disposables = [
      vscode.languages.registerDocumentSymbolProvider(SELECTOR, this, { label: 'Cgroup Lens' }),
      vscode.languages.registerFoldingRangeProvider(SELECTOR, this),
      vscode.languages.registerHoverProvider(SELECTOR, this),
      vscode.languages.registerDocumentLinkProvider(SELECTOR, this),
      vscode.languages.registerInlayHintsProvider(SELECTOR, this),
      vscode.languages.registerCodeLensProvider(SELECTOR, this),
      hosts.onDidChange(() => this.hints.fire()),
      hosts.onDidChangeRuleSettings(() => this.hints.fire()),
      this.hints,
    ];
  }

  provideDocumentSymbols(document: vscode.TextDocument): vscode.DocumentSymbol[] {
    return parsedDocument(document).nodes.flatMap(node => {
      const title = node.kind === 'thread' ? node.role : node.kind === 'all' || node.kind === 'above' ? document.lineAt(node.line).text : undefined;
      if (title === undefined) return [];
      const range = new vscode.Range(node.line, 0, node.last, document.lineAt(node.last).text.length);
      const detail = node.kind === 'thread' ? `${node.tid}` : '';
      return [new vscode.DocumentSymbol(plain(title), detail, node.kind === 'thread' ? vscode.SymbolKind.Object : vscode.SymbolKind.Namespace, range, document.lineAt(node.line).range)];
    });
  }

  provideFoldingRanges(document: vscode.TextDocument): vscode.FoldingRange[] {
    return parsedDocument(document).nodes.filter(node => node.kind !== 'row' && node.last > node.line).map(node => new vscode.FoldingRange(node.line, node.last));
  }

  provideHover(document: vscode.TextDocument, position: vscode.Position): vscode.Hover | undefined {
    const node = nodeAt(document, position.line);
    const target = this.target(document);
    if (!node || !target) return undefined;
    const view = target.state.view!;
    if (node.kind === 'thread') {
      const thread = target.machine.threads.find(t => t.tid === node.tid);
      const beside = new Set(placeFindings(target.model, target.machine, parsedDocument(document)).flatMap(({ finding, range }) => (range.contains(position) ? [finding] : [])));
      return thread && new vscode.Hover(threadTooltip(view, thread, beside), document.lineAt(node.line).range);
    }
    if (node.kind === 'machine') return new vscode.Hover(machineTooltip(view.model, target.machine), document.lineAt(node.line).range);
    if (node.kind === 'host') return new vscode.Hover(hostTooltip(target.state), document.lineAt(node.line).range);
    if (node.kind !== 'row') return undefined;
    const text = new Markdown();
    const parsed = parsedDocument(document);
    const shown = (path: string): string => core().pathText(path, parsed.alias);
    for (const { finding, range } of placeFindings(target.model, target.machine, parsed)) {
      if (range.contains(position)) tellBeside(text, target.model, finding, shown);
      else if (range.start.line === node.line) tell(text, target.model, finding, shown);
    }
    const silent: string[] = []; // hierarchies with nothing to say of this path share one line
    for (const cgroup of cgroupsOf(node, target)) {
      const limits = limitsOf(cgroup, target.model);
      if (limits.length === 0) silent.push(cgroup.hierarchy);
      else describeCgroup(text, cgroup, limits);
    }
    if (silent.length > 0) text.own('\n\n**').host(silent.join(' ')).own('** ').host(core().unescapeUnit(node.row.path)).own(`\n\n${vscode.l10n.t('no limit here or above')}`);
    return new vscode.Hover(text.build(), rangeOf(node.cells.path));
  }

  provideDocumentLinks(document: vscode.TextDocument): vscode.DocumentLink[] {
    const target = this.target(document);
    if (!target) return [];
    return parsedDocument(document).nodes.flatMap(node => {
      const cgroups = node.kind === 'row' ? cgroupsOf(node, target).filter(cgroup => cgroup.directory !== undefined) : [];
      if (cgroups.length === 0 || node.kind !== 'row') return [];
      const link = new vscode.DocumentLink(rangeOf(node.cells.path), cgroupUri(target.state, cgroups));
      link.tooltip = vscode.l10n.t('Show the interface files as they were read');
      return [link];
    });
  }

  provideInlayHints(document: vscode.TextDocument, range: vscode.Range): vscode.InlayHint[] {
    const target = this.target(document);
    if (!target) return [];
    const view = target.state.view!;
    return parsedDocument(document).nodes.flatMap(node => {
      if (node.line < range.start.line || node.line > range.end.line) return [];
      if (node.kind === 'host') return [hint(document, node.line, core().describeCollection(view.model, view.problems, target.state.source.kind), hostTooltip(target.state))];
      if (node.kind !== 'thread') return [];
      const thread = target.machine.threads.find(t => t.tid === node.tid);
      return thread ? [hint(document, node.line, [...(trouble(view, thread) ? [trouble(view, thread)!.text] : []), vscode.l10n.t('last on {0}', thread.lastCpu)].join(' · '), threadTooltip(view, thread))] : [];
    });
  }

  /** A document that shows nothing offers what would make it show something. */
  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const target = resolve(this.hosts, document.uri);
    const top = new vscode.Range(0, 0, 0, 0);
    if (target.kind === 'not-connected' && target.state) {
      return [new vscode.CodeLens(top, { title: vscode.l10n.t('Read {0} Now', plain(target.state.source.label)), command: 'cgroupLens.refreshHost', arguments: [target.state.source.id] })];
    }
    if (target.kind === 'not-connected') return [new vscode.CodeLens(top, { title: vscode.l10n.t('Open Capture…'), command: 'cgroupLens.openCapture' })];
    return [];
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }

  private target(document: vscode.TextDocument): Extract<Target, { kind: 'placement' }> | undefined {
    const target = resolve(this.hosts, document.uri);
    return target.kind === 'placement' ? target : undefined;
  }
}

/** The cgroups that a row speaks of, one for each of its hierarchies. */
function cgroupsOf(node: Extract<Node, { kind: 'row' }>, target: { readonly model: HostModel; readonly machine: Machine }): Cgroup[] {
  const thread: Thread | undefined = target.machine.threads.find(t => t.tid === node.tid);
  return node.row.hierarchies.flatMap(key => {
    const place = thread?.membership.places.get(key)?.cgroup;
    const cgroup = place?.path === node.row.path ? place : target.model.hierarchies.find(h => h.key === key)?.cgroups.get(node.row.path);
    return cgroup ? [cgroup] : [];
  });
}

/** Its values, and those of all above it, the nearest first: a thread gets the least of all. */
function limitsOf(cgroup: Cgroup, model: HostModel): (readonly [at: Cgroup, values: string])[] {
  return [...core().withAncestors(cgroup)].flatMap(at => {
    const values = core().valuesOf(at, model.topology.nodes.size).map(a => `${a.name} ${a.value}`.trim());
    if (at.throttled && at.throttled.times > 0) {
      values.push(vscode.l10n.t('throttled {0} times in {1} periods, {2} s', at.throttled.times, at.throttled.periods, (at.throttled.time / 1e9).toFixed(1)));
    }
    return values.length > 0 ? [[at, values.join(', ')] as const] : [];
  });
}

function describeCgroup(text: Markdown, cgroup: Cgroup, limits: ReturnType<typeof limitsOf>): void {
  text.own('\n\n**').host(cgroup.hierarchy).own('** ').host(core().unescapeUnit(cgroup.path)).own('\n');
  if (cgroup.directory !== undefined) text.entry(vscode.l10n.t('Directory'), cgroup.directory);
  for (const [at, values] of limits) text.entry(at === cgroup ? vscode.l10n.t('Here') : core().unescapeUnit(at.path), values);
}

function rangeOf(span: Span): vscode.Range {
  return new vscode.Range(span.line, span.start, span.line, span.end);
}

function hint(document: vscode.TextDocument, line: number, text: string, tooltip: vscode.MarkdownString): vscode.InlayHint {
  const inlay = new vscode.InlayHint(document.lineAt(line).range.end, `\u00a0\u00a0${text}`); // a line's cells stand two apart
  inlay.tooltip = tooltip;
  return inlay;
}
