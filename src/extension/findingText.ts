import * as vscode from 'vscode';
import type { HostModel, Machine } from '../core/model/hostModel';
import type { Finding, Severity, ShowPath } from '../core/rules/rule';
import { findingsIn, nameOf } from './findings';
import { core } from './lazyCore';
import { Markdown, plain } from './text';

/** What a row, a badge and the status bar count: what hurts. Remarks and hints are told where somebody reads on. */
export interface Tally {
  readonly errors: number;
  readonly warnings: number;
}

export function tallyOf(findings: readonly Finding[]): Tally {
  let [errors, warnings] = [0, 0];
  for (const { severity } of findings) {
    if (severity === 'error') errors++;
    else if (severity === 'warning') warnings++;
  }
  return { errors, warnings };
}

/** `1 error`, `2 warnings`; the worse first, none where there is nothing. */
export function tallyTexts({ errors, warnings }: Tally): string[] {
  return [
    ...(errors === 0 ? [] : [errors === 1 ? vscode.l10n.t('1 error') : vscode.l10n.t('{0} errors', errors)]),
    ...(warnings === 0 ? [] : [warnings === 1 ? vscode.l10n.t('1 warning') : vscode.l10n.t('{0} warnings', warnings)]),
  ];
}

/** Of a row, by the worst of it. */
export function colorOf({ errors, warnings }: Tally): string | undefined {
  return errors > 0 ? 'list.errorForeground' : warnings > 0 ? 'list.warningForeground' : undefined;
}

export const SEVERITY_ICONS: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', information: 'info', hint: 'lightbulb' };

/** As a name and as a word: `Error`. */
export function severityText(severity: Severity): string {
  switch (severity) {
    case 'error':
      return vscode.l10n.t('Error');
    case 'warning':
      return vscode.l10n.t('Warning');
    case 'information':
      return vscode.l10n.t('Information');
    case 'hint':
      return vscode.l10n.t('Hint');
  }
}

/** The worst first; within one severity as they stand. */
export function worstFirst(findings: readonly Finding[]): Finding[] {
  const { SEVERITIES } = core();
  return SEVERITIES.flatMap(severity => findings.filter(finding => finding.severity === severity));
}

/** A path as it is told where no document stands beside it: `…/libvirt/vcpu2`. */
export const inShort: ShowPath = path => shortPath(core().unescapeUnit(path));

/** The end of a path is what differs: `…/libvirt/vcpu2`. */
export function shortPath(path: string): string {
  const parts = path.split('/');
  return parts.length <= 4 ? path : `…/${parts.slice(-2).join('/')}`;
}

/** What the Problems panel and the wavy line say: the first line alone must do, for the panel shows the others on demand. */
export function messageOf(finding: Finding, shown: ShowPath): string {
  return plainLines([finding.sentence(shown), ...costAndAdvice(finding, shown).map(([what, text]) => `${what}: ${text}`)]);
}

function plainLines(lines: readonly string[]): string {
  return lines.map(plain).join('\n');
}

function costAndAdvice(finding: Finding, shown: ShowPath): (readonly [what: string, text: string])[] {
  return [[vscode.l10n.t('Cost'), finding.cost()], [vscode.l10n.t('What to do'), finding.advice(shown)]];
}

/** A hover has an end; a rule may have read a file of each of a thousand threads. */
const MOST_EVIDENCE = 12;

/** All of a finding where somebody reads on: what is wrong, what it costs, what to do, how it is known, and the ways from there. */
export function tell(text: Markdown, model: HostModel, finding: Finding, shown: ShowPath = inShort): void {
  text.own(`\n\n**${severityText(finding.severity)}** `).host(finding.rule).own(': ').host(finding.sentence(shown)).own('\n');
  for (const [what, said] of costAndAdvice(finding, shown)) text.entry(what, said);
  tellEvidence(text, model, finding, shown);
}

/** What is not said already where VS Code shows the problem itself. */
export function tellBeside(text: Markdown, model: HostModel, finding: Finding, shown: ShowPath): void {
  text.own('\n\n').host(vscode.l10n.t('{0}, as it was read', finding.rule)).own('\n');
  tellEvidence(text, model, finding, shown);
}

function tellEvidence(text: Markdown, model: HostModel, finding: Finding, shown: ShowPath): void {
  for (const { file, value } of finding.evidence.slice(0, MOST_EVIDENCE)) text.entry(file, value);
  if (finding.evidence.length > MOST_EVIDENCE) text.own(`\n- ${vscode.l10n.t('{0} files more', finding.evidence.length - MOST_EVIDENCE)}`);
  text.own('\n\n').link(vscode.l10n.t('Explain'), 'cgroupLens.explainRule', finding.rule);
  const fix = finding.fixes[0];
  if (fix && vscode.workspace.isTrusted) text.own(' · ').link(finding.fixes.length === 1 ? fix.title(shown) : vscode.l10n.t('Fix…'), 'cgroupLens.fix', nameOf(model, finding));
}

/** What a person does not want to hear of a machine: that it is so must not be forgotten, nor why. */
export function tellSuppressed(text: Markdown, model: HostModel, machine: Machine): void {
  const suppressed = findingsIn(model).suppressedOf(machine);
  if (suppressed.length === 0) return;
  text.own('\n\n').host(suppressed.length === 1 ? vscode.l10n.t('1 finding is suppressed') : vscode.l10n.t('{0} findings are suppressed', suppressed.length)).own(' (').link(vscode.l10n.t('Setting'), 'workbench.action.openSettings', 'cgroupLens.suppressed').own(')\n');
  const entries = new Map(suppressed.map(({ finding, reason }) => [JSON.stringify([finding.rule, reason]), { rule: finding.rule, reason }]));
  for (const { rule, reason } of entries.values()) text.entry(rule, reason);
}
