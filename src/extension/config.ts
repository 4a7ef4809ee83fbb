import * as vscode from 'vscode';
import type { ProgramNames } from '../core/model/machines';
import { core } from './lazyCore';

const SECTION = 'cgroupLens';

/** Names of QEMU executables: the usual ones and those of the setting. */
export function qemuExecutables(): readonly string[] {
  const more = vscode.workspace.getConfiguration(SECTION).get<unknown>('qemuExecutables');
  const names = Array.isArray(more) ? more.filter((name): name is string => typeof name === 'string' && core().isProgramName(name)) : [];
  return [...core().DEFAULT_QEMU_EXECUTABLES, ...names];
}

export function programNames(): ProgramNames {
  return { qemu: qemuExecutables(), managers: core().MANAGERS, helpers: core().HELPERS };
}

/** Seconds between refreshes while something of ours is visible; 0 for never. */
export function autoRefreshSeconds(): number {
  return number('autoRefresh', 10);
}

export function timeoutSeconds(): number {
  return Math.max(1, number('timeout', 30));
}

function number(name: string, otherwise: number): number {
  const value = vscode.workspace.getConfiguration(SECTION).get<unknown>(name);
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : otherwise;
}

export function onDidChangeConfig(listener: () => void): vscode.Disposable {
  return vscode.workspace.onDidChangeConfiguration(event => {
    if (event.affectsConfiguration(SECTION)) listener();
  });
}
