import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { HOSTS, closeEditors, eventually, linesOf, only, openCapture, read, write } from './support';

/** A copy whose machine is that of no other capture in the window. */
function copyOf(name: string, as: string, change: (text: string) => string = text => text): string {
  const text = readFileSync(path.join(HOSTS, `${name}.capture`), 'utf8');
  return write(`${as}.capture`, change(text.replaceAll('11111111-2222', '77777777-2222')));
}

let [BEFORE, NOW] = ['', ''];
const SCHEME = 'cgroup-lens-compare';

/** As the row of the machine does it; the first that is offered then is the same machine elsewhere. */
async function compare(file: string): Promise<void> {
  const { model } = await read(file);
  const source = { id: vscode.Uri.file(file).toString(), label: model.label };
  const done = vscode.commands.executeCommand('cgroupLens.compare', { kind: 'machine', state: { source, view: { model } }, machine: only(model) });
  let isDone = false;
  void done.then(() => (isDone = true));
  await eventually(async () => {
    await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
    await new Promise(resolve => setTimeout(resolve, 200));
    assert.ok(isDone, 'nothing was picked');
  });
}

function shownDiff(): { readonly tab: vscode.Tab; readonly left: vscode.Uri; readonly right: vscode.Uri } {
  const tab = vscode.window.tabGroups.activeTabGroup.activeTab;
  assert.ok(tab?.input instanceof vscode.TabInputTextDiff, String(tab?.label));
  return { tab, left: tab.input.original, right: tab.input.modified };
}

const problemsOf = (uri: vscode.Uri): vscode.Diagnostic[] => vscode.languages.getDiagnostics(uri).filter(({ source }) => source === 'Cgroup Lens');

describe('two machines compared', () => {
  before(async () => {
    await closeEditors();
    [BEFORE, NOW] = [copyOf('guest-hybrid', 'before'), copyOf('misplaced-vcpus', 'now')];
    for (const file of [BEFORE, NOW]) await openCapture(file);
  });
  after(closeEditors);

  it('are two read-only texts in the diff editor, without what differs between any two', async () => {
    await compare(NOW);
    const { tab, left, right } = shownDiff();
    assert.match(tab.label, /^serial: before ↔ now$/);
    assert.deepEqual([left.scheme, right.scheme], [SCHEME, SCHEME]);
    const [before, now] = [await vscode.workspace.openTextDocument(left), await vscode.workspace.openTextDocument(right)];
    const differing = linesOf(now).filter((line, i) => line !== linesOf(before)[i]);
    assert.deepEqual(differing, ['  cpu,cpuacct       S/emulator', '  cpus              0', '  cpu,cpuacct       S/emulator', '  cpuset            S/emulator']);
    assert.doesNotMatch(now.getText(), /\b450\b|77777777|x2d1/);
  });

  it('what moved is a problem of the right one, at its words, with what each side read', async () => {
    const { left, right } = shownDiff();
    const found = await eventually(() => {
      const all = problemsOf(right);
      assert.equal(all.length, 4);
      return all;
    });
    const document = await vscode.workspace.openTextDocument(right);
    assert.deepEqual(found.map(({ range }) => document.getText(range)), ['S/emulator', '0', 'S/emulator', 'S/emulator']);
    assert.deepEqual([found[0]!.severity, found[0]!.code], [vscode.DiagnosticSeverity.Information, 'placement-differs']);
    assert.match(found[0]!.message, /^vCPU 2, cpu,cpuacct: S\/vcpu2 in before, S\/emulator in now\nbefore: \/proc\/450\/task\/460\/cgroup: cpu,cpuacct:.*vcpu2\nnow: .*emulator$/);
    const [at] = found[0]!.relatedInformation!;
    assert.equal(at!.location.uri.toString(), left.toString());
    assert.deepEqual(problemsOf(left), []);
  });

  it('are gone when the editor is closed', async () => {
    const { right } = shownDiff();
    await closeEditors();
    await eventually(() => assert.deepEqual(problemsOf(right), []));
  });

  it('names of a host stay text', async () => {
    const name = '[run](command:workbench.action.quit) $(zap)';
    const file = copyOf('misplaced-vcpus', 'hostile-compare', text => text.replaceAll('libvirt/vcpu3', () => `libvirt/${name}`));
    await openCapture(file);
    await compare(file);
    const { right } = shownDiff();
    await eventually(() => assert.ok(problemsOf(right).length > 0));
    for (const { message } of problemsOf(right)) assert.doesNotMatch(message, /\]\(|\$\(/);
  });
});
