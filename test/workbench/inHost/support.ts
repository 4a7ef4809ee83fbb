// What the suites share: the installed extension, captures on disk, and what the core says of them.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { parseCapture } from '../../../src/core/capture/format';
import { DEFAULT_QEMU_EXECUTABLES, HELPERS, MANAGERS } from '../../../src/core/collect/script';
import { buildModel } from '../../../src/core/model/buildModel';
import type { HostModel, Machine } from '../../../src/core/model/hostModel';
import { decodeBytes } from '../../../src/core/parse/bytes';
import type { RawSnapshot } from '../../../src/core/rawSnapshot';

/** This runs as out/inHost/NAME.test.js. */
export const root = path.resolve(__dirname, '../..');
export const SAMPLE = path.join(root, 'media/sample.capture');
export const HOSTS = path.join(root, 'test/fixtures/hosts');

export function ours(): vscode.Extension<unknown> {
  const extension = vscode.extensions.getExtension('cgroup-lens.cgroup-lens');
  assert.ok(extension, 'the extension is not installed');
  return extension;
}

/** A file in the workspace folder. */
export function write(name: string, text: string | Uint8Array): string {
  const folder = vscode.workspace.workspaceFolders![0]!.uri.fsPath;
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
}

export async function openCapture(file: string): Promise<void> {
  await vscode.commands.executeCommand('cgroupLens.openCapture', vscode.Uri.file(file));
}

/** The address of a machine's document, as the extension promises it: kept in the workbench's state from one start to the next. */
export function placementUri(file: string, machine: string): vscode.Uri {
  const authority = Buffer.from(vscode.Uri.file(file).toString(), 'utf8').toString('hex');
  return vscode.Uri.from({ scheme: 'cgroup-lens', authority, path: `/${path.basename(file, '.capture')}/${machine}.placement` });
}

export interface Read {
  readonly raw: RawSnapshot;
  readonly model: HostModel;
}

/** What the core makes of the same capture. */
export async function read(file: string): Promise<Read> {
  const raw = parseCapture(decodeBytes(readFileSync(file))).snapshot;
  const names = { qemu: DEFAULT_QEMU_EXECUTABLES, managers: MANAGERS, helpers: HELPERS };
  const { model } = await buildModel(raw, { id: vscode.Uri.file(file).toString(), label: path.basename(file, '.capture') }, names);
  return { raw, model };
}

export async function show(uri: vscode.Uri): Promise<vscode.TextDocument> {
  const document = await vscode.workspace.openTextDocument(uri);
  await vscode.window.showTextDocument(document, { preview: false });
  return document;
}

export const linesOf = (document: vscode.TextDocument): string[] => document.getText().split('\n');

/** The document's machine, where only one of a host is shown. */
export function only(model: HostModel): Machine {
  assert.equal(model.machines.length, 1);
  return model.machines[0]!;
}

/** Tries until it does not throw: there is no event for what another process shows. */
export async function eventually<T>(check: () => T | Promise<T>, milliseconds = 15_000): Promise<T> {
  for (const until = Date.now() + milliseconds; ; ) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > until) throw error;
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  }
}

/** A provider of ours may not be there yet in the moment after its document opened: asked until it answers. */
export function answer<T>(command: string, ...args: unknown[]): Promise<T[]> {
  return eventually(async () => {
    const result = await vscode.commands.executeCommand<T[] | undefined>(command, ...args);
    assert.ok(result && result.length > 0, `${command} has no answer`);
    return result;
  });
}

export async function hoverAt(uri: vscode.Uri, line: number, column: number): Promise<vscode.MarkdownString[]> {
  const hovers = await answer<vscode.Hover>('vscode.executeHoverProvider', uri, new vscode.Position(line, column));
  return hovers.flatMap(hover => hover.contents as vscode.MarkdownString[]);
}

/** Markdown as a person reads it. */
export function asRead(contents: readonly vscode.MarkdownString[]): string {
  return contents
    .map(({ value }) => value.replaceAll('&nbsp;', ' ').replace(/\\([!-/:-@[-`{-~])/g, '$1'))
    .join('\n')
    .replaceAll('\u2060', '');
}

export async function closeEditors(): Promise<void> {
  await vscode.commands.executeCommand('workbench.action.closeAllEditors');
}
