import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import { SAMPLE, answer, closeEditors, linesOf, openCapture, placementUri, read, show, write } from './support';

const sample = readFileSync(SAMPLE, 'utf8');
const cases: Record<string, string | undefined> = {
  'not-a-capture': 'hello\nworld\n',
  newer: sample.replace('cgroup-lens capture 1', 'cgroup-lens capture 2'),
  empty: '',
  'head-only': 'cgroup-lens capture 1\n',
  missing: undefined,
};

describe('a file that is no capture', () => {
  after(closeEditors);

  for (const [name, text] of Object.entries(cases)) {
    it(`${name}: is refused without an exception, and becomes no host`, async () => {
      const file = text === undefined ? `/nowhere/${name}.capture` : write(`${name}.capture`, text);
      await openCapture(file); // ends: its message does not hold it up
      const document = await show(placementUri(file, 'serial'));
      assert.match(document.getText(), /^not connected: this host or capture is not open/);
    });
  }

  it('leaves the hosts usable', async () => {
    const file = write('good.capture', sample);
    await openCapture(file);
    assert.match((await show(placementUri(file, 'serial'))).getText(), /^machine serial /);
  });
});

describe('a capture that was cut off', () => {
  after(closeEditors);

  it('is opened, and says that it is partial', async () => {
    const lines = sample.split('\n');
    const file = write('cut.capture', lines.slice(0, lines.indexOf('text /proc/450/task/460/cgroup') + 4).join('\n'));
    await openCapture(file);
    const { model } = await read(file);
    const document = await show(placementUri(file, 'serial'));
    assert.match(document.getText(), /^machine serial /);
    assert.equal(linesOf(document).filter(line => /^vCPU \d/.test(line)).length, model.machines[0]!.threads.filter(it => it.role.kind === 'vcpu').length);
    const hints = await answer<vscode.InlayHint>('vscode.executeInlayHintProvider', document.uri, new vscode.Range(0, 0, 9, 0));
    assert.match(String(hints.find(hint => hint.position.line === 1)?.label), /, partial$/);
  });
});
