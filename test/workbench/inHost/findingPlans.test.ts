import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { HOSTS, SAMPLE, closeEditors, eventually, hoverAt, linesOf, only, openCapture, placementUri, read, show, write } from './support';

const CAPTURE = write('put-right.capture', readFileSync(path.join(HOSTS, 'misplaced-vcpus.capture')));

const planTabs = (): vscode.Uri[] => vscode.window.tabGroups.all.flatMap(group => group.tabs).flatMap(({ input }) => (input instanceof vscode.TabInputText && input.uri.scheme === 'cgroup-lens-plan' ? [input.uri] : []));

/** The only plan that is open, as its text. */
function plan(): Promise<string> {
  return eventually(async () => {
    const [uri, ...others] = planTabs();
    assert.ok(uri && others.length === 0);
    return (await vscode.workspace.openTextDocument(uri)).getText();
  });
}

/** Puts plans away: nobody may wait for one that is not shown any more. */
async function putAway(): Promise<void> {
  for (const uri of planTabs()) await vscode.commands.executeCommand('cgroupLens.discardPlan', uri);
  await closeEditors();
}

describe('the fix of a finding', () => {
  const uri = placementUri(CAPTURE, 'serial');

  before(() => openCapture(CAPTURE));
  afterEach(putAway);

  it('is one plan, from the light bulb and from a link in the hover', async () => {
    const document = await show(uri);
    const line = linesOf(document).findIndex(text => text.startsWith('vCPU 2 '));
    const words = await eventually(() => vscode.languages.getDiagnostics(uri).find(({ message }) => message.startsWith('vCPU 2 is in '))!.range);
    const [fix] = await eventually(async () => {
      const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>('vscode.executeCodeActionProvider', uri, words, 'quickfix');
      assert.ok(actions.length > 0);
      return actions;
    });
    void vscode.commands.executeCommand(fix!.command!.command, ...(fix!.command!.arguments as unknown[]));
    const fromBulb = await plan();
    assert.match(fromBulb, /move vCPU 2 /);
    await putAway();
    await show(uri);
    const links = (await hoverAt(uri, line, 0)).flatMap(({ value }) => [...value.matchAll(/\(command:cgroupLens\.fix\?([^)]*)\)/g)].map(match => JSON.parse(decodeURIComponent(match[1]!)) as unknown[]));
    assert.equal(links.length, 1);
    const [name] = links[0] as [{ readonly rule: string }];
    assert.equal(name.rule, 'vcpu-in-emulator');
    await pickFirst(vscode.commands.executeCommand('cgroupLens.fix', name));
    assert.equal(withoutTimes(await plan()), withoutTimes(fromBulb));
  });

  it('of a finding that is not there any more is none', async () => {
    await vscode.commands.executeCommand('cgroupLens.fix', { hostId: vscode.Uri.file(CAPTURE).toString(), machine: 'no such', rule: 'vcpu-in-emulator', at: '[]' });
    await vscode.commands.executeCommand('cgroupLens.fix', { hostId: 'no such host', machine: '', rule: '', at: '' });
    assert.deepEqual(planTabs(), []);
    await vscode.commands.executeCommand('notifications.clearAll');
  });
});

describe('Restore Layout', () => {
  afterEach(putAway);

  async function restore(file: string): Promise<void> {
    await openCapture(file);
    const { model } = await read(file);
    const state = { source: { id: vscode.Uri.file(file).toString(), label: model.label, kind: 'capture' }, view: { model } };
    await vscode.commands.executeCommand('cgroupLens.restoreLayout', { kind: 'machine', id: '', state, machine: only(model), threads: [] });
  }

  it('shows one plan that brings every thread back', async () => {
    await restore(CAPTURE);
    const text = await plan();
    for (const move of [/move vCPU 2 .*\n.*→ {2}S\/vcpu2/, /move vCPU 3 .*\n.*→ {2}S\/vcpu3/]) assert.match(text, move);
  });

  it('says so where nothing is to be done, and opens nothing', async () => {
    await restore(SAMPLE);
    assert.deepEqual(planTabs(), []);
    await vscode.commands.executeCommand('notifications.clearAll');
  });
});

/** There may be a choice of fixes, of which the first is the likeliest: it is taken until the command is done. Nothing tells that a quick pick is up. */
async function pickFirst(done: Thenable<unknown>): Promise<void> {
  const picking = setInterval(() => void vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem'), 300);
  try {
    await done;
  } finally {
    clearInterval(picking);
  }
}

function withoutTimes(text: string): string {
  return text.replace(/\d\d:\d\d:\d\d/g, '');
}
