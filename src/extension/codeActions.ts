import * as vscode from 'vscode';
import type { Machine, Thread } from '../core/model/hostModel';
import type { CpuSet } from '../core/parse/cpuList';
import type { Node, ParsedPlacement } from '../core/placement/parse';
import type { Change } from '../core/plan/plan';
import { ruleOf } from './diagnostics';
import { PLACEMENT_LANGUAGE, SCHEME, type Target, resolve } from './documents';
import { fixRequest } from './findingCommands';
import { nameOf } from './findings';
import type { HostService } from './hostService';
import { core } from './lazyCore';
import { type MoveTarget, moveTargets } from './moveTargets';
import { parsedDocument } from './parsedDocuments';
import { placeFindings, threadOf } from './placedFindings';
import type { PlanRequest, Plans } from './plans';
import { plain } from './text';

/** Takes a {@link PlanRequest}. */
const SHOW_PLAN = 'cgroupLens.showPlan';

/** Never one that begins with `source`: `editor.codeActionsOnSave` runs those by itself. */
const MOVE = vscode.CodeActionKind.Refactor.append('move');
const PIN = vscode.CodeActionKind.RefactorRewrite.append('pin');

/** A menu that is longer is no help: the rest is behind "Other Cgroup…". */
const MOST_TARGETS = 8;

type PlacementTarget = Extract<Target, { kind: 'placement' }>;

/** The light bulb of placement documents: what puts a finding right, and where the thread under the cursor may go. Each only shows a plan. */
export class CodeActions implements vscode.CodeActionProvider, vscode.Disposable {
  private readonly disposables: vscode.Disposable[];

  constructor(
    private readonly hosts: HostService,
    plans: Pick<Plans, 'show'>,
    log: vscode.LogOutputChannel,
  ) {
    this.disposables = [
      vscode.languages.registerCodeActionsProvider({ scheme: SCHEME, language: PLACEMENT_LANGUAGE }, this, { providedCodeActionKinds: [vscode.CodeActionKind.QuickFix, MOVE, PIN] }),
      vscode.commands.registerCommand(SHOW_PLAN, (request: PlanRequest) => {
        // Not waited for: it ends when the plan does.
        plans.show(request).catch((error: unknown) => {
          log.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
          void vscode.window.showErrorMessage(plain(core().describeError(error)));
        });
      }),
    ];
  }

  provideCodeActions(document: vscode.TextDocument, range: vscode.Range, { only, diagnostics }: vscode.CodeActionContext): vscode.CodeAction[] {
    const wants = (kind: vscode.CodeActionKind): boolean => only === undefined || only.contains(kind);
    const target = resolve(this.hosts, document.uri);
    if (target.kind !== 'placement') return [];
    const parsed = parsedDocument(document);
    const actions = wants(vscode.CodeActionKind.QuickFix) ? fixes(target, parsed, range, diagnostics) : [];
    const line = wants(MOVE) || wants(PIN) ? lineAt(target.machine, parsed, range) : undefined;
    if (line && wants(MOVE)) actions.push(...moves(target, parsed, line).filter(move => !actions.some(fix => fix.title === move.title)));
    if (line && wants(PIN)) actions.push(...pins(target, line));
    return actions;
  }

  dispose(): void {
    for (const disposable of this.disposables) disposable.dispose();
  }
}

/** What puts right what stands here, the likeliest first; then, of each rule, what it means and how to hear no more of it. */
function fixes(target: PlacementTarget, parsed: ParsedPlacement, range: vscode.Range, diagnostics: readonly vscode.Diagnostic[]): vscode.CodeAction[] {
  const fixes: vscode.CodeAction[] = [];
  const others = new Map<string, vscode.CodeAction[]>();
  const shown = (path: string): string => core().pathText(path, parsed.alias);
  for (const { finding, range: words } of placeFindings(target.model, target.machine, parsed)) {
    if (!words.intersection(range)) continue;
    const { rule, severity } = finding;
    const own = diagnostics.filter(one => ruleOf(one) === rule && one.range.isEqual(words));
    const add = (to: vscode.CodeAction[], title: string, name: string, argument: unknown): vscode.CodeAction => {
      const action = command(title, vscode.CodeActionKind.QuickFix, name, argument);
      action.diagnostics = own;
      to.push(action);
      return action;
    };
    for (const [i, fix] of finding.fixes.entries()) {
      if (fixes.some(({ title }) => title === plain(fix.title(shown)))) continue; // one for several findings
      const action = add(fixes, fix.title(shown), SHOW_PLAN, fixRequest(target.model, finding, fix));
      action.isPreferred = i === 0 && (severity === 'error' || severity === 'warning');
    }
    if (others.has(rule)) continue;
    const of: vscode.CodeAction[] = [];
    others.set(rule, of);
    add(of, vscode.l10n.t('Explain: {0}', rule), 'cgroupLens.explainRule', rule);
    add(of, vscode.l10n.t('Suppress {0} for {1}…', rule, target.machine.name), 'cgroupLens.suppressRule', nameOf(target.model, finding));
    add(of, vscode.l10n.t('Turn Off {0} Everywhere', rule), 'cgroupLens.turnRuleOff', rule);
  }
  return [...fixes, ...[...others.values()].flat()];
}

/** A thread's line, or a line of its memberships. */
interface Line {
  readonly thread: Thread;
  /** Of a membership: the hierarchies that it speaks of. */
  readonly hierarchies: readonly string[] | undefined;
}

function lineAt(machine: Machine, parsed: ParsedPlacement, range: vscode.Range): Line | undefined {
  const at = parsed.nodes.find(node => node.line === range.start.line && (node.kind === 'thread' || node.kind === 'row'));
  const block = parsed.nodes.find((node): node is Extract<Node, { kind: 'thread' }> => node.kind === 'thread' && node.line <= range.start.line && range.start.line <= node.last);
  const thread = at && block && threadOf(block, machine, parsed);
  return thread && { thread, hierarchies: at.kind === 'row' ? at.row.hierarchies : undefined };
}

function moves(target: PlacementTarget, parsed: ParsedPlacement, { thread, hierarchies }: Line): vscode.CodeAction[] {
  if (core().isBound(thread)) return [];
  const shown = (path: string): string => core().pathText(path, parsed.alias);
  const actions = moveTargets(target.model, target.machine, thread, hierarchies).slice(0, MOST_TARGETS).map(one => planned(target, moveTitle(thread, one, shown), MOVE, changesTo(thread, one)));
  const row = { kind: 'thread', id: '', state: target.state, machine: target.machine, thread };
  const place = thread.membership.places.get(hierarchies?.[0] ?? '');
  actions.push(command(vscode.l10n.t('Move {0} to Other Cgroup…', core().roleText(thread.role)), MOVE, 'cgroupLens.moveToCgroup', place ? { ...row, kind: 'place', hierarchies, place } : row));
  return actions;
}

function moveTitle(thread: Thread, { places }: MoveTarget, shown: (path: string) => string): string {
  return vscode.l10n.t('Move {0} to {1} ({2})', core().roleText(thread.role), shown(places[0]!.path), places.map(({ hierarchy }) => (hierarchy === '0::' ? 'v2' : hierarchy)).join(', '));
}

function changesTo(thread: Thread, { places }: MoveTarget): Change[] {
  return places.map(({ hierarchy, path }) => ({ kind: 'move', thread, hierarchy, to: path }));
}

function pins(target: PlacementTarget, { thread }: Line): vscode.CodeAction[] {
  if (core().isBound(thread)) return [];
  const role = core().roleText(thread.role);
  const pin = (title: string, cpus: CpuSet | 'all'): vscode.CodeAction => planned(target, title, PIN, [{ kind: 'pin', thread, cpus }]);
  const own = cpusetOf(target, thread);
  return [
    command(vscode.l10n.t('Pin {0} to CPUs…', role), PIN, 'cgroupLens.pinToCpus', { kind: 'thread', id: '', state: target.state, machine: target.machine, thread }),
    ...(own && !own.isEmpty && thread.cpusAllowed?.equals(own) === false ? [pin(vscode.l10n.t('Pin {0} to CPUs {1}, as Its Cgroup', role, own.toString()), own)] : []),
    pin(vscode.l10n.t('Pin {0} to All CPUs', role), 'all'),
  ];
}

/** What its cpuset grants it. */
function cpusetOf({ model }: PlacementTarget, thread: Thread): CpuSet | undefined {
  const hierarchy = model.hierarchies.find(({ controllers }) => controllers.includes('cpuset'));
  for (const cgroup of core().withAncestors(hierarchy && thread.membership.places.get(hierarchy.key)?.cgroup)) {
    const cpus = core().effectiveCpus(cgroup);
    if (cpus) return cpus;
  }
  return undefined;
}

function planned({ state, machine }: PlacementTarget, title: string, kind: vscode.CodeActionKind, changes: readonly Change[]): vscode.CodeAction {
  const request: PlanRequest = { hostId: state.source.id, machine: machine.key, changes };
  return command(title, kind, SHOW_PLAN, request);
}

function command(title: string, kind: vscode.CodeActionKind, name: string, argument: unknown): vscode.CodeAction {
  const action = new vscode.CodeAction(plain(title), kind);
  action.command = { command: name, title: action.title, arguments: [argument] };
  return action;
}
