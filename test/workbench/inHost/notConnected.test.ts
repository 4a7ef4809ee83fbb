import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import { print } from '../../../src/core/placement/print';
import { toPlacement } from '../../../src/core/placement/toPlacement';
import { SAMPLE, answer, closeEditors, eventually, only, openCapture, placementUri, read, show, write } from './support';

describe('a document whose host is not open', () => {
  after(closeEditors);

  it('says so, offers what to do, and fills by itself when the capture is opened', async () => {
    const file = write('later.capture', readFileSync(SAMPLE));
    const document = await show(placementUri(file, 'serial'));
    assert.equal(document.getText(), 'not connected: this host or capture is not open in this window\n');
    const [lens] = await answer<vscode.CodeLens>('vscode.executeCodeLensProvider', document.uri);
    assert.equal(lens?.command?.command, 'cgroupLens.openCapture');
    await openCapture(file);
    const { model } = await read(file);
    const text = print(toPlacement(model, only(model)));
    await eventually(() => assert.equal(document.getText(), text));
    await eventually(async () => assert.deepEqual(await vscode.commands.executeCommand('vscode.executeCodeLensProvider', document.uri), []));
    assert.equal(document.isDirty, false);
  });

  it('tells a machine that is not there from a host that is not there', async () => {
    const file = write('there.capture', readFileSync(SAMPLE));
    await openCapture(file);
    const document = await show(placementUri(file, 'nobody'));
    assert.equal(document.getText(), 'gone: there has no such machine or cgroup now\n');
    assert.deepEqual(await vscode.commands.executeCommand('vscode.executeCodeLensProvider', document.uri), []);
  });

  it('takes an address that somebody made up', async () => {
    for (const [authority, path] of [['zz', '/x/y.placement'], ['', '/x.placement'], ['local', '/..'], ['ff', '/a/b.cgroup']] as const) {
      const document = await vscode.workspace.openTextDocument(vscode.Uri.from({ scheme: 'cgroup-lens', authority, path, query: '%%%' }));
      assert.match(document.getText(), /^(not connected|gone): .+\n$/);
    }
  });
});
