import * as vscode from 'vscode';
import { mayBeHost } from '../core/host/hostName';
import type { ProgramNames } from '../core/model/machines';
import type { Severity } from '../core/rules/rule';
import type { RuleSettings, Suppression } from '../core/rules/settings';
import { core } from './lazyCore';

const SECTION = 'cgroupLens';

/** Names of QEMU executables: the usual ones and those of the setting. */
export function qemuExecutables(): readonly string[] {
  const names = list('qemuExecutables').filter((name): name is string => typeof name === 'string' && core().isProgramName(name));
  return [...core().DEFAULT_QEMU_EXECUTABLES, ...names];
}

export function programNames(): ProgramNames {
  return { qemu: qemuExecutables(), managers: core().MANAGERS, helpers: core().HELPERS };
}

/** Hosts that are reached by SSH, and what stands among them that names none. */
export function sshHosts(): { readonly names: readonly string[]; readonly refused: readonly unknown[] } {
  const entries = list('hosts');
  const names = entries.filter((name): name is string => typeof name === 'string' && mayBeHost(name));
  return { names: [...new Set(names)], refused: entries.filter(entry => !names.includes(entry as string)) };
}

/** Those of them that may be read as root. */
export function readAsRoot(): readonly unknown[] {
  return list('readAsRoot');
}

export function hostsAtOnce(): number {
  return Math.max(1, Math.floor(number('hostsAtOnce', 8)));
}

/** Puts a host into a list of the machine's own settings, or takes it out; what else stands there stays as it is. */
export async function changeHosts(setting: 'hosts' | 'readAsRoot', name: string, isIn: boolean): Promise<void> {
  const others = list(setting).filter(entry => entry !== name);
  if (isIn === (others.length < list(setting).length)) return;
  await vscode.workspace.getConfiguration(SECTION).update(setting, isIn ? [...others, name] : others, vscode.ConfigurationTarget.Global);
}

/** Seconds between refreshes while something of ours is visible; 0 for never. */
export function autoRefreshSeconds(): number {
  const seconds = number('autoRefresh', 10);
  return seconds === 0 ? 0 : inADay(seconds);
}

export function timeoutSeconds(): number {
  return inADay(number('timeout', 30));
}

/** A folder's own settings may have these two: they are neither to hammer a host nor to be more than a timer can count. */
function inADay(seconds: number): number {
  return Math.min(86_400, Math.max(1, seconds));
}

/** Whether plans may lead out of a machine's own subtree. */
export function expertMode(): boolean {
  return vscode.workspace.getConfiguration(SECTION).get<unknown>('expertMode') === true;
}

/** Whether the way back is offered when a plan stopped on its way: `always` shows it at once. */
export function undoAfterFailure(): 'ask' | 'always' | 'never' {
  const value = vscode.workspace.getConfiguration(SECTION).get<unknown>('undoAfterFailure');
  return value === 'always' || value === 'never' ? value : 'ask';
}

/** How libvirt is asked on a host: a program and its first arguments. */
export function virshCommand(): readonly string[] {
  const words = list('virsh').filter((word): word is string => typeof word === 'string' && word !== '');
  return words.length > 0 ? words : ['virsh', '-c', 'qemu:///system'];
}

/** What a person wants to hear of. What in it is no rule, no severity or no reason has no effect. */
export function ruleSettings(): RuleSettings {
  const severities = Object.entries(rulesAsSet()).filter((entry): entry is [string, Severity | 'off'] => entry[1] === 'off' || core().SEVERITIES.includes(entry[1] as Severity));
  return { severities: new Map(severities), suppressed: list('suppressed').filter(isSuppression) };
}

function isSuppression(entry: unknown): entry is Suppression {
  if (typeof entry !== 'object' || entry === null) return false;
  const { rule, machine, host, reason } = entry as Record<string, unknown>;
  return typeof rule === 'string' && typeof machine === 'string' && (host === undefined || typeof host === 'string') && typeof reason === 'string' && reason.trim() !== '';
}

export async function turnRuleOff(id: string): Promise<void> {
  await vscode.workspace.getConfiguration(SECTION).update('rules', { ...rulesAsSet(), [id]: 'off' }, vscode.ConfigurationTarget.Global);
}

/** A text or a list in its place would be taken apart into its letters. */
function rulesAsSet(): object {
  const rules = vscode.workspace.getConfiguration(SECTION).get<unknown>('rules');
  return typeof rules === 'object' && rules !== null && !Array.isArray(rules) ? rules : {};
}

export async function addSuppression(suppression: Suppression): Promise<void> {
  await vscode.workspace.getConfiguration(SECTION).update('suppressed', [...list('suppressed'), suppression], vscode.ConfigurationTarget.Global);
}

function list(name: string): readonly unknown[] {
  const value = vscode.workspace.getConfiguration(SECTION).get<unknown>(name);
  return Array.isArray(value) ? value : [];
}

function number(name: string, otherwise: number): number {
  const value = vscode.workspace.getConfiguration(SECTION).get<unknown>(name);
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : otherwise;
}

/** @param name one setting; any of ours when it is left out */
export function onDidChangeConfig(listener: () => void, name?: string): vscode.Disposable {
  return vscode.workspace.onDidChangeConfiguration(event => {
    if (event.affectsConfiguration(name === undefined ? SECTION : `${SECTION}.${name}`)) listener();
  });
}
