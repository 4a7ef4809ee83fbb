import * as vscode from 'vscode';
import { tallyOf, tallyTexts } from './findingText';
import { findingsIn } from './findings';
import type { HostService } from './hostService';
import { Markdown } from './text';

/** One item of the status bar for all hosts: how many findings there are of the worst kind that there is. Hidden where nothing hurts. */
export class FindingsStatus implements vscode.Disposable {
  /** Made when it is first needed. */
  private item: vscode.StatusBarItem | undefined;
  private readonly watching: readonly vscode.Disposable[];

  constructor(private readonly hosts: HostService) {
    this.watching = [hosts.onDidChange(() => this.update()), hosts.onDidChangeRuleSettings(() => this.update())];
  }

  dispose(): void {
    for (const watch of this.watching) watch.dispose();
    this.item?.dispose();
  }

  private update(): void {
    const found = this.hosts.hosts.flatMap(({ source, view }) => (view ? [{ label: source.label, tally: tallyOf(findingsIn(view.model).all) }] : []));
    const bad = found.filter(({ tally: { errors, warnings } }) => errors + warnings > 0);
    if (bad.length === 0) return this.item?.hide();
    const errors = bad.reduce((sum, { tally }) => sum + tally.errors, 0);
    const warnings = bad.reduce((sum, { tally }) => sum + tally.warnings, 0);
    const item = (this.item ??= this.create());
    // "QEMU": the same icons and numbers beside it are those of all problems in the window.
    item.text = errors > 0 ? `$(error) QEMU ${errors}` : `$(warning) QEMU ${warnings}`;
    item.backgroundColor = errors > 0 ? new vscode.ThemeColor('statusBarItem.errorBackground') : undefined;
    const all = tallyTexts({ errors, warnings }).join(', ');
    item.accessibilityInformation = { label: bad.length === 1 ? vscode.l10n.t('Cgroup Lens: {0} on one host', all) : vscode.l10n.t('Cgroup Lens: {0} on {1} hosts', all, bad.length), role: 'button' };
    const text = new Markdown().own(`**Cgroup Lens**: ${vscode.l10n.t('what hurts QEMU')}\n`);
    for (const { label, tally } of bad) text.entry(label, tallyTexts(tally).join(' · '));
    item.tooltip = text.build();
    item.show();
  }

  private create(): vscode.StatusBarItem {
    // On the left stands what is about the whole window; at its end, for it comes and goes.
    const item = vscode.window.createStatusBarItem('cgroupLens.findings', vscode.StatusBarAlignment.Left, -100);
    item.name = vscode.l10n.t('Cgroup Lens: Findings');
    item.command = 'cgroupLens.goToFinding';
    return item;
  }
}
