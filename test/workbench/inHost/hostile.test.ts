import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import { parsePlacement } from '../../../src/core/placement/parse';
import { toPlacement } from '../../../src/core/placement/toPlacement';
import { refused } from '../../../src/extension/virtualFs';
import { BROKEN, hostile, hostileLines } from '../hostile.mjs';
import { SAMPLE, type Read, answer, asRead, closeEditors, hoverAt, linesOf, only, openCapture, read, write } from './support';

describe('names where a save is refused', () => {
  // VS Code shows the text in a notification, where whatever looks like a link is one, of commands too.
  it('are no link', () => assert.match(refused('Not possible: [Show plan](command:x) in /a/[b](file:///c)').message, /^Not possible: \[Show plan\]\u2060\(command:x\) in \/a\/\[b\]\u2060\(file:\/\/\/c\)$/));
});

/** Words in which all is escaped, and an argument in which all is encoded. */
const OUR_LINK = /\[(?:\\[!-/:-@[-`{-~]|[^\\[\]()])*\]\(command:(?:cgroupLens\.(?:explainRule|fix)|workbench\.action\.openSettings)\?[\w.%~-]*\)/g;

const sample = readFileSync(SAMPLE, 'utf8');

for (const [title, text] of [['try to be markup', hostile(sample)], ['hold line feeds', hostileLines(sample)]] as const) {
  describe(`names that ${title}`, () => {
    let host: Read;
    let document: vscode.TextDocument;

    before(async () => {
      assert.notEqual(text, sample);
      const file = write(`${title.replaceAll(' ', '-')}.capture`, text);
      host = await read(file);
      await openCapture(file);
      await vscode.commands.executeCommand('cgroupLens.openPlacement', { kind: 'machine', state: { source: { id: vscode.Uri.file(file).toString(), label: host.model.label }, view: host }, machine: only(host.model) });
      document = vscode.window.activeTextEditor!.document;
    });
    after(closeEditors);

    it('are in the text, and nothing of it is invisible', () => {
      assert.match(document.getText(), /^machine /);
      assert.doesNotMatch(document.getText(), /[^\p{L}\p{M}\p{N}\p{P}\p{S} \n]/u);
    });

    it('come back when the text is read', () => {
      const { placement, problems } = parsePlacement(document.getText());
      assert.deepEqual(problems, []);
      assert.deepEqual(placement, toPlacement(host.model, only(host.model)));
    });

    it('make no line of their own', () => {
      assert.equal(linesOf(document).filter(line => line.startsWith('machine ')).length, 1);
      assert.equal(parsePlacement(document.getText()).nodes.filter(node => node.kind === 'thread').length, only(host.model).threads.length);
    });

    it('stay text in every hover: no link but our own, no picture, no HTML, no icon, no trust but in what shows something', async () => {
      for (const node of parsePlacement(document.getText()).nodes) {
        if (node.kind !== 'thread' && node.kind !== 'row') continue;
        const column = node.kind === 'row' ? node.cells.path.start : node.cells.tid.start;
        for (const content of await hoverAt(document.uri, node.line, column)) {
          assert.ok(!content.supportHtml && !content.supportThemeIcons, `line ${node.line + 1}`);
          if (content.isTrusted) assert.deepEqual(content.isTrusted, { enabledCommands: ['cgroupLens.explainRule', 'cgroupLens.fix', 'workbench.action.openSettings'] });
          assert.doesNotMatch(content.value, /[^\p{L}\p{M}\p{N}\p{P}\p{S}\p{Cf} \n]|[\u200e\u200f\u202a-\u202e\u2066-\u2069]/u);
          // Markdown of our own has no brackets, no angles, no code and no address: each that is here must be escaped.
          const live = content.value.replace(OUR_LINK, '').replace(/\\[!-/:-@[-`{-~]/g, '').replaceAll('&nbsp;', ' ');
          assert.doesNotMatch(live, /[[\]`<!&|~]|\$\(|:\/\/|www\./, `line ${node.line + 1}: ${content.value}`);
        }
      }
    });

    it('stay text in the outline and in the hints', async () => {
      const symbols = await answer<vscode.DocumentSymbol>('vscode.executeDocumentSymbolProvider', document.uri);
      const hints = await answer<vscode.InlayHint>('vscode.executeInlayHintProvider', document.uri, new vscode.Range(0, 0, document.lineCount, 0));
      for (const shown of [...symbols.map(it => `${it.name} ${it.detail}`), ...hints.map(it => String(it.label).trim())]) {
        assert.doesNotMatch(shown, /\]\(|\$\(/);
        assert.doesNotMatch(shown, /[^\p{L}\p{M}\p{N}\p{P}\p{S}\u2060 ]/u);
      }
    });

    it('do not get lost on the way to the files of a cgroup', async () => {
      const links = (await answer<vscode.DocumentLink>('vscode.executeLinkProvider', document.uri)).filter(link => link.target?.scheme !== 'https'); // VS Code finds addresses in every text
      assert.ok(links.length > 4);
      for (const { target } of links) {
        const files = await vscode.workspace.openTextDocument(target!);
        assert.match(files.getText(), /^\/sys\/fs\/cgroup/);
        assert.doesNotMatch(files.getText(), /[^\p{L}\p{M}\p{N}\p{P}\p{S} \n]/u);
        assert.doesNotMatch(target!.path, /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/u);
      }
    });
  });
}

describe('a broken byte in a name', () => {
  it('is shown as what it is', async () => {
    const file = write('broken.capture', hostile(sample));
    const { model } = await read(file);
    await openCapture(file);
    await vscode.commands.executeCommand('cgroupLens.openPlacement', { kind: 'machine', state: { source: { id: vscode.Uri.file(file).toString(), label: 'broken' }, view: { model } }, machine: only(model) });
    const { document } = vscode.window.activeTextEditor!;
    assert.ok(BROKEN.includes('%FF') && document.getText().includes('b\\udcffc'));
    const line = linesOf(document).findIndex(it => it.startsWith('machine '));
    const vcpu3 = linesOf(document).findIndex(it => /^other|^vCPU 3/.test(it) && it.includes('say'));
    assert.ok(line === 0 && vcpu3 > 0);
    assert.match(asRead(await hoverAt(document.uri, vcpu3, 0)), /b\\xffc/);
    await closeEditors();
  });
});
