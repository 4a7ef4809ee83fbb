import * as vscode from 'vscode';
import type { HostModel, Machine } from '../core/model/hostModel';
import type { Finding, Fix } from '../core/rules/rule';
import { addSuppression, turnRuleOff } from './config';
import { placementUri } from './documents';
import { SEVERITY_ICONS, inShort, severityText, worstFirst } from './findingText';
import { type FindingName, findingNamed, findingsIn, isFindingName } from './findings';
import type { HostService, HostState } from './hostService';
import { core } from './lazyCore';
import { parsedDocument } from './parsedDocuments';
import { placeFindings } from './placedFindings';
import type { Plans } from './plans';
import { plain } from './text';
import type { CgroupsNode } from './views/cgroupNodes';
import type { MachinesNode } from './views/machineNodes';

interface Parts {
  readonly hosts: HostService;
  readonly plans: Plans;
  readonly extensionUri: vscode.Uri;
}

/** What a command on findings is about: a rule's id, one finding, or a row; from the palette nothing: then all that is known. */
export type About = string | FindingName | MachinesNode | CgroupsNode | undefined;

/** A finding, and the host that it is of as the window knows it now. */
interface Found {
  readonly state: HostState;
  readonly model: HostModel;
  readonly finding: Finding;
}

export async function explainRule({ hosts, extensionUri }: Parts, about: About): Promise<void> {
  const rules = core().ALL_RULES;
  const ids = typeof about === 'string' ? [about] : about === undefined ? rules.map(({ id }) => id) : [...new Set(foundOf(hosts, about).map(({ finding }) => finding.rule))];
  const known = rules.filter(({ id }) => ids.includes(id)); // nothing else becomes a file's name
  if (known.length === 0) return void vscode.window.showInformationMessage(vscode.l10n.t('There is no such rule.'));
  const items = known.map(rule => ({ label: rule.title(), description: rule.id, rule }));
  const rule = known.length === 1 ? known[0] : (await pick(items, vscode.l10n.t('Explain'), vscode.l10n.t('What can be wrong with a placement')))?.rule;
  if (!rule) return;
  const page = vscode.Uri.joinPath(extensionUri, 'dist', 'rules', `${rule.id}.md`);
  try {
    await vscode.commands.executeCommand('markdown.showPreview', page);
  } catch {
    await vscode.window.showTextDocument(page); // VS Code's own Markdown extension can be turned off
  }
}

/** Shows the plan of a fix: the same from the light bulb, from a row and from the palette. */
export async function fix({ hosts, plans }: Parts, about: About): Promise<void> {
  const all: (Found & { readonly fix: Fix })[] = [];
  const known = new Set<string>();
  for (const found of foundOf(hosts, about)) {
    for (const one of found.finding.fixes) {
      const name = JSON.stringify([found.state.source.id, found.finding.machine.key, one.title(path => path)]);
      if (!known.has(name)) all.push({ ...found, fix: one });
      known.add(name); // several findings may have one fix for all of them
    }
  }
  if (all.length === 0) return void vscode.window.showInformationMessage(vscode.l10n.t('Nothing that was found here has a fix that is safe to offer. What to do by hand is said with each finding.'));
  const items = all.map(one => ({ label: plain(one.fix.title(inShort)), detail: `${plain(one.finding.sentence(inShort))} · ${describe(one)}`, one }));
  const chosen = all.length === 1 ? all[0] : (await pick(items, vscode.l10n.t('Fix'), vscode.l10n.t('Its plan is shown first')))?.one;
  if (chosen) await plans.open(fixRequest(chosen.model, chosen.finding, chosen.fix));
}

export function fixRequest({ hostId }: HostModel, { machine }: Finding, { changes }: Fix): Parameters<Plans['open']>[0] {
  return { hostId, machine: machine.key, changes: changes() };
}

/** Shows a finding where it stands. */
export async function goToFinding({ hosts }: Parts, about: About): Promise<void> {
  const found = await pickFound(foundOf(hosts, about), vscode.l10n.t('Go to Finding'));
  if (!found) return;
  const { state, model, finding } = found;
  const document = await vscode.workspace.openTextDocument(placementUri(state, model, finding.machine));
  const editor = await vscode.window.showTextDocument(document);
  const range = placeFindings(model, finding.machine, parsedDocument(document)).find(placed => placed.finding === finding)?.range;
  if (!range) return;
  editor.selection = new vscode.Selection(range.start, range.start);
  editor.revealRange(range, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}

/** Asks for the reason: without one nobody dares to take it back. */
export async function suppressRule({ hosts }: Parts, about: About): Promise<void> {
  const all = foundOf(hosts, about);
  // One of each rule and machine: that is all that a suppression knows.
  const found = await pickFound(all.filter((one, i) => all.findIndex(({ finding }) => finding.rule === one.finding.rule && finding.machine === one.finding.machine) === i), vscode.l10n.t('Suppress'));
  if (!found) return;
  const { model, finding: { rule, machine } } = found;
  const reason = await vscode.window.showInputBox({
    title: plain(vscode.l10n.t('Suppress {0} for {1}', rule, machine.name)),
    prompt: plain(vscode.l10n.t('Why? It is kept in your settings, and told with the machine on {0}.', model.label)),
    placeHolder: vscode.l10n.t('The emulator has a CPU of its own, on purpose'),
    validateInput: text => (text.trim() === '' ? vscode.l10n.t('A reason, so that somebody can take it back one day') : undefined),
  });
  if (reason !== undefined) await addSuppression({ rule, machine: nameInSettings(model, machine), host: model.label, reason: reason.trim() });
}

/** Its name, which people know, where it has that alone. */
function nameInSettings({ machines }: HostModel, { name, uuid }: Machine): string {
  return uuid !== undefined && machines.filter(machine => machine.name === name).length > 1 ? uuid : name;
}

export async function turnOff(about: About): Promise<void> {
  if (typeof about !== 'string' || !core().ALL_RULES.some(({ id }) => id === about)) return;
  await turnRuleOff(about);
  const settings = vscode.l10n.t('Open Settings');
  // Not waited for: it is answered or not. Nothing else would say what was done for all machines, and where it is taken back.
  void vscode.window.showInformationMessage(vscode.l10n.t('{0} is off, for all machines and windows.', about), settings).then(chosen => (chosen === settings ? vscode.commands.executeCommand('workbench.action.openSettings', 'cgroupLens.rules') : undefined));
}

function foundOf(hosts: HostService, about: About): Found[] {
  const ofHost = (state: HostState, choose: (model: HostModel) => readonly Finding[]): Found[] => {
    const model = state.view?.model;
    return model ? worstFirst(choose(model)).map(finding => ({ state, model, finding })) : [];
  };
  if (about === undefined || typeof about === 'string') {
    const all = hosts.hosts.flatMap(state => ofHost(state, model => findingsIn(model).all));
    return core().SEVERITIES.flatMap(severity => all.filter(({ finding }) => finding.severity === severity));
  }
  if (isFindingName(about)) {
    const state = hosts.host(about.hostId);
    return state ? ofHost(state, model => [findingNamed(model, about) ?? []].flat()) : [];
  }
  // A row is of the model that it was drawn of, and so are its findings; a plan looks its threads up again.
  return ofHost(about.state, model => ofRow(model, about));
}

/** @returns those that the row tells of */
export function ofRow(model: HostModel, row: MachinesNode | CgroupsNode): readonly Finding[] {
  const findings = findingsIn(model);
  switch (row.kind) {
    case 'host':
      return findings.all;
    case 'machine':
      return findings.ofMachine(row.machine);
    case 'thread':
      return findings.ofThread(row.thread);
    case 'place':
      return findings.ofThread(row.thread).filter(({ at }) => 'hierarchy' in at && row.hierarchies.includes(at.hierarchy));
    case 'cgroup':
    case 'hierarchy':
      return row.cgroup ? findings.atCgroup(model, row.cgroup) : [];
    default:
      return [];
  }
}

async function pickFound(all: readonly Found[], title: string): Promise<Found | undefined> {
  if (all.length <= 1) {
    if (all.length === 0) void vscode.window.showInformationMessage(vscode.l10n.t('Nothing is found on the hosts of this window.'));
    return all[0];
  }
  const items = all.map(found => ({ label: `$(${SEVERITY_ICONS[found.finding.severity]}) ${plain(found.finding.sentence(inShort))}`, detail: describe(found), found }));
  return (await pick(items, title, vscode.l10n.t('The worst first')))?.found;
}

function describe({ model, finding }: Found): string {
  return [severityText(finding.severity), plain(finding.rule), plain(finding.machine.name), plain(model.label)].join(' · ');
}

async function pick<T extends vscode.QuickPickItem>(items: readonly T[], title: string, placeHolder: string): Promise<T | undefined> {
  return vscode.window.showQuickPick(items, { title, placeHolder, matchOnDescription: true, matchOnDetail: true });
}
