import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { HOSTS, answer, asRead, closeEditors, eventually, hoverAt, linesOf, openCapture, ours, placementUri, show, write } from './support';

const CAPTURE = path.join(HOSTS, 'misplaced-vcpus.capture');

/** Ours alone, of one rule, in the order of the document. */
function diagnosticsOf(uri: vscode.Uri): vscode.Diagnostic[] {
  return vscode.languages.getDiagnostics(uri).filter(({ source, code }) => source === 'Cgroup Lens' && typeof code === 'object' && code.value === 'vcpu-in-emulator').sort((a, b) => a.range.start.compareTo(b.range.start));
}

function found(uri: vscode.Uri, count: number): Promise<vscode.Diagnostic[]> {
  return eventually(() => {
    const all = diagnosticsOf(uri);
    assert.equal(all.length, count, all.map(({ message }) => message).join('\n'));
    return all;
  });
}

function actionsAt(uri: vscode.Uri, range: vscode.Range, kind?: string): Promise<vscode.CodeAction[]> {
  return answer<vscode.CodeAction>('vscode.executeCodeActionProvider', uri, range, kind);
}

/** The line of a thread, and the first line below it that fits. */
function lineOf(document: vscode.TextDocument, role: string, below?: RegExp): number {
  const lines = linesOf(document);
  const thread = lines.findIndex(line => line.startsWith(`${role} `));
  const line = below ? lines.findIndex((text, i) => i > thread && below.test(text)) : thread;
  assert.ok(thread >= 0 && line >= 0, `no ${role} ${String(below)}`);
  return line;
}

describe('findings', () => {
  const uri = placementUri(CAPTURE, 'serial');
  let document: vscode.TextDocument;

  before(async () => {
    await openCapture(CAPTURE);
  });
  after(closeEditors);

  it('are problems of the document, before it is opened', async () => {
    assert.ok(!vscode.workspace.textDocuments.some(it => it.uri.toString() === uri.toString() && !it.isClosed));
    const [first] = await found(uri, 3);
    assert.equal(first!.severity, vscode.DiagnosticSeverity.Warning);
    assert.deepEqual(first!.message.split('\n'), [
      'vCPU 2 is in S/emulator (cpu,cpuacct), expected S/vcpu2 (quota 80000/100000 instead of 50000/100000)',
      'Cost: it has the CPUs and the quota of who else is there, and what libvirt sets for this vCPU has no effect on it',
      'What to do: write 460 to tasks of S/vcpu2',
    ]);
    const { value, target } = first!.code as { value: string; target: vscode.Uri };
    assert.equal(value, 'vcpu-in-emulator');
    assert.equal(decodeURIComponent(target.toString()), 'command:cgroupLens.explainRule?["vcpu-in-emulator"]');
  });

  it('stand under the very words that are at fault', async () => {
    document = await show(uri);
    const all = await found(uri, 3);
    assert.deepEqual(all.map(({ range }) => document.getText(range)), ['S/emulator', 'S/emulator', 'S/emulator']);
    assert.deepEqual(all.map(({ range }) => range.start.line), [lineOf(document, 'vCPU 2', /cpu,cpuacct/), lineOf(document, 'vCPU 3', /cpu,cpuacct/), lineOf(document, 'vCPU 3', /^ {2}cpuset/)].sort((a, b) => a - b));
  });

  it('are told with their evidence where a thread\'s whole story is', async () => {
    const said = asRead(await hoverAt(uri, lineOf(document, 'vCPU 2'), 0));
    for (const fact of ['**Warning** vcpu-in-emulator: vCPU 2 is in …/libvirt/emulator', '/proc/450/task/460/cgroup', 'cpu.cfs_quota_us: 80000', 'cpu.cfs_quota_us: 50000', '- Cost: it has', '- What to do: write 460 to tasks of …/libvirt/vcpu2', '[Explain](command:cgroupLens.explainRule?', '[Fix…](command:cgroupLens.fix?']) assert.ok(said.includes(fact), `"${fact}" is not in\n${said}`);
  });

  it('are told at the words themselves with what VS Code does not show there, and beside them whole', async () => {
    const [first] = await found(uri, 3);
    const { line, character } = first!.range.start;
    const [at, beside] = [asRead(await hoverAt(uri, line, character)), asRead(await hoverAt(uri, line, 2))];
    for (const said of [at, beside]) assert.match(said, /cpu\.cfs_quota_us: 80000[\s\S]*\[Explain\]\(command:cgroupLens\.explainRule\?/);
    assert.match(at, /vcpu-in-emulator, as it was read/);
    assert.doesNotMatch(at, /What to do/);
    assert.match(beside, /\*\*Warning\*\* vcpu-in-emulator: vCPU 2 is in S\/emulator[\s\S]*What to do: write 460/);
  });

  it('offer their fix, preferred, and the same everywhere where there is more than one', async () => {
    const [first, , third] = await found(uri, 3);
    const fixes = await actionsAt(uri, first!.range, 'quickfix');
    const others = ['Explain: vcpu-in-emulator', 'Suppress vcpu-in-emulator for serial…', 'Turn Off vcpu-in-emulator Everywhere'];
    assert.deepEqual(fixes.map(({ title, isPreferred }) => [title, isPreferred]), [['Move vCPU 2 to S/vcpu2 (cpu,cpuacct)', true], ['Bring 2 threads back', false], ...others.map(title => [title, undefined])]);
    for (const { kind } of fixes) assert.equal(kind?.value, 'quickfix');
    assert.deepEqual((await actionsAt(uri, third!.range, 'quickfix')).map(({ title }) => title), [
      `Move vCPU 3 to S/vcpu3 (${document.lineAt(third!.range.start).text.trim().split(' ')[0]})`,
      'Move vCPU 3 to S/vcpu3 (cpu,cpuacct, cpuset)',
      'Bring 2 threads back',
      ...others,
    ]);
  });

  it('are what the sample with faults is for', async () => {
    await vscode.commands.executeCommand('cgroupLens.openSampleWithFaults');
    const sample = path.join(ours().extensionPath, 'media/sample-with-faults.capture');
    await found(placementUri(sample, 'serial'), 3);
    await vscode.commands.executeCommand('cgroupLens.closeCapture', { kind: 'host', state: { source: { id: vscode.Uri.file(sample).toString() } } });
  });

  it('go away with the capture', async () => {
    const copy = write('misplaced.capture', readFileSync(CAPTURE));
    await openCapture(copy);
    await found(placementUri(copy, 'serial'), 3);
    await vscode.commands.executeCommand('cgroupLens.closeCapture', { kind: 'host', state: { source: { id: vscode.Uri.file(copy).toString() } } });
    await found(placementUri(copy, 'serial'), 0);
  });
});

describe('the light bulb of a placement document', () => {
  const uri = placementUri(CAPTURE, 'serial');
  let document: vscode.TextDocument;
  const lineRange = (line: number): vscode.Range => document.lineAt(line).range;

  before(async () => {
    await openCapture(CAPTURE);
    document = await show(uri);
  });
  after(closeEditors);

  it('on a thread: where it may go in all hierarchies of thread groups, its own group first, and what it may be pinned to', async () => {
    const titles = (await actionsAt(uri, lineRange(lineOf(document, 'vCPU 3')), 'refactor')).map(({ title }) => title);
    assert.deepEqual(titles, [
      'Move vCPU 3 to S/vcpu3 (cpu,cpuacct, cpuset)',
      ...['iothread1', 'iothread2', 'vcpu0', 'vcpu1', 'vcpu2'].map(group => `Move vCPU 3 to S/${group} (cpu,cpuacct, cpuset)`),
      'Move vCPU 3 to Other Cgroup…',
      'Pin vCPU 3 to CPUs…',
      'Pin vCPU 3 to All CPUs',
    ]);
  });

  it('on a membership: only in its hierarchies, and where it is already is no target', async () => {
    const titles = (await actionsAt(uri, lineRange(lineOf(document, 'vCPU 2', /^ {2}cpuset/)), 'refactor.move')).map(({ title }) => title);
    assert.equal(titles[0], 'Move vCPU 2 to S/emulator (cpuset)');
    assert.ok(titles.every(title => /\(cpuset\)$|…$/.test(title)), titles.join('\n'));
    assert.ok(!titles.some(title => title.includes('S/vcpu2')));
  });

  it('on what all threads share, and on the head: nothing', async () => {
    for (const line of [0, 1, linesOf(document).findIndex(text => text.startsWith('all '))]) {
      assert.deepEqual(await vscode.commands.executeCommand('vscode.executeCodeActionProvider', uri, lineRange(line)), [], `line ${line + 1}`);
    }
  });

  it('has nothing that is run by itself when a document is saved', async () => {
    for (let line = 0; line < document.lineCount; line++) {
      const actions: vscode.CodeAction[] = await vscode.commands.executeCommand('vscode.executeCodeActionProvider', uri, lineRange(line));
      for (const { kind, title } of actions) assert.match(kind!.value, /^(quickfix|refactor)(\.|$)/, title);
    }
    assert.deepEqual(await vscode.commands.executeCommand('vscode.executeCodeActionProvider', uri, new vscode.Range(0, 0, document.lineCount, 0), 'source'), []);
  });
});

describe('findings with hostile names', () => {
  const NAME = '[run](command:workbench.action.quit) $(zap) <b>& `id`';
  let uri: vscode.Uri;

  before(async () => {
    const text = readFileSync(CAPTURE, 'utf8').replaceAll(String.raw`qemu\x2d1\x2dserial.scope`, () => String.raw`qemu\x2d1\x2d` + `${NAME}.scope`);
    const file = write('hostile-findings.capture', text);
    await openCapture(file);
    uri = placementUri(file, 'serial');
  });
  after(closeEditors);

  it('say what is wrong, with nothing in them that could be a link or an icon', async () => {
    const all = await found(uri, 3);
    const document = await show(uri);
    await found(uri, 3);
    for (const { message } of all) assert.doesNotMatch(message, /\]\(|\$\(/);
    const titles = (await actionsAt(uri, document.lineAt(lineOf(document, 'vCPU 2', /cpu,cpuacct/)).range)).map(({ title }) => title);
    assert.ok(titles.includes('Move vCPU 2 to S/vcpu2 (cpu,cpuacct)'));
    for (const title of titles) assert.doesNotMatch(title, /\]\(|\$\(/);
  });
});
