import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { ALL_RULES } from '../../../src/core/rules/allRules';
import { HOSTS, answer, asRead, closeEditors, eventually, hoverAt, openCapture, placementUri, show, write } from './support';

const SOURCE = readFileSync(path.join(HOSTS, 'misplaced-vcpus.capture'), 'utf8');
const CAPTURE = write('heard.capture', SOURCE);
const RULE = 'vcpu-in-emulator';

function diagnosticsOf(uri: vscode.Uri): vscode.Diagnostic[] {
  return vscode.languages.getDiagnostics(uri).filter(({ source, code }) => source === 'Cgroup Lens' && typeof code === 'object' && code.value === RULE);
}

const set = (name: 'rules' | 'suppressed', value: unknown): Thenable<void> => vscode.workspace.getConfiguration('cgroupLens').update(name, value, vscode.ConfigurationTarget.Global);

async function severities(uri: vscode.Uri, expected: readonly vscode.DiagnosticSeverity[]): Promise<void> {
  await eventually(() => assert.deepEqual(diagnosticsOf(uri).map(({ severity }) => severity), expected));
}

const { Error: ERROR, Warning: WARNING, Hint: HINT } = vscode.DiagnosticSeverity;

describe('what a person wants to hear of', () => {
  const uri = placementUri(CAPTURE, 'serial');

  before(async () => {
    await openCapture(CAPTURE);
    await severities(uri, [WARNING, WARNING, WARNING]);
  });
  afterEach(async () => {
    await set('rules', undefined);
    await set('suppressed', undefined);
    await severities(uri, [WARNING, WARNING, WARNING]);
  });
  after(closeEditors);

  it('a rule has another severity at once', async () => {
    await set('rules', { [RULE]: 'error' });
    await severities(uri, [ERROR, ERROR, ERROR]);
    await set('rules', { [RULE]: 'hint' });
    await severities(uri, [HINT, HINT, HINT]);
  });

  it('a rule that is off says nothing, and has no fix in the light bulb', async () => {
    const document = await show(uri);
    const words = diagnosticsOf(uri)[0]!.range;
    const fixes = async (): Promise<string[]> => (await vscode.commands.executeCommand<vscode.CodeAction[]>('vscode.executeCodeActionProvider', document.uri, words, 'quickfix')).map(({ title }) => title);
    await eventually(async () => assert.ok((await fixes()).includes(`Turn Off ${RULE} Everywhere`)));
    await set('rules', { [RULE]: 'off' });
    await severities(uri, []);
    assert.deepEqual(await fixes(), []);
  });

  it('Turn Off writes the setting, and leaves the others in it', async () => {
    await set('rules', { 'another-rule': 'hint' });
    await vscode.commands.executeCommand('cgroupLens.turnRuleOff', RULE);
    await severities(uri, []);
    assert.deepEqual(vscode.workspace.getConfiguration('cgroupLens').inspect('rules')?.globalValue, { 'another-rule': 'hint', [RULE]: 'off' });
  });

  it('Turn Off where somebody wrote something else than rules: that is gone', async () => {
    await set('rules', 'loud');
    await severities(uri, [WARNING, WARNING, WARNING]);
    await vscode.commands.executeCommand('cgroupLens.turnRuleOff', RULE);
    await severities(uri, []);
    assert.deepEqual(vscode.workspace.getConfiguration('cgroupLens').inspect('rules')?.globalValue, { [RULE]: 'off' });
  });

  it('what is no severity and no suppression has no effect', async () => {
    await set('rules', { [RULE]: 'loud' });
    await set('suppressed', [{ rule: RULE, machine: 'serial' }, { rule: RULE, machine: 'serial', reason: ' ' }, RULE, null]);
    await severities(uri, [WARNING, WARNING, WARNING]);
  });

  const silenced: readonly (readonly [name: string, entry: object, shown: number])[] = [
    ['by name, on its host', { machine: 'serial', host: 'heard' }, 0],
    ['by name, on every host', { machine: 'serial' }, 0],
    ['by UUID', { machine: '@uuid' }, 0],
    ['but not one on another host', { machine: 'serial', host: 'other' }, 3],
    ['nor another machine', { machine: 'serial2' }, 3],
    ['nor another rule', { machine: 'serial', rule: 'another-rule' }, 3],
  ];
  for (const [name, entry, count] of silenced) {
    it(`a machine is suppressed ${name}`, async () => {
      const uuid = /uuid=([0-9a-f-]{36})|-uuid ([0-9a-f-]{36})/.exec(SOURCE.replaceAll('%00', ' '))?.slice(1).find(Boolean) ?? 'none';
      await set('suppressed', [JSON.parse(JSON.stringify({ rule: RULE, reason: 'on purpose', ...entry }).replace('@uuid', uuid))]);
      await severities(uri, Array.from({ length: count }, () => WARNING));
    });
  }

  it('the machine\'s whole story has a line for each hint, and no more', async () => {
    await show(uri);
    await set('rules', { [RULE]: 'hint' });
    await severities(uri, [HINT, HINT, HINT]);
    const text = asRead(await hoverAt(uri, 0, 0));
    assert.match(text, /vcpu-in-emulator: vCPU 2 is in /);
    assert.doesNotMatch(text, /Cost:/);
  });

  it('over the words of a finding on the line of a thread VS Code says it, and the thread\'s story says it no second time', async () => {
    await show(uri);
    const { start } = vscode.languages.getDiagnostics(uri).find(({ code }) => (code as { value: string }).value === 'emulator-over-vcpus')!.range;
    const over = asRead(await hoverAt(uri, start.line, start.character));
    assert.match(over, /emulator-over-vcpus, as it was read/);
    assert.doesNotMatch(over, /Cost:/);
    assert.match(asRead(await hoverAt(uri, start.line, 0)), /emulator-over-vcpus: the emulator may run on .*\n+- Cost:/);
  });

  it('what is suppressed is told with its reason, which stays text, where the machine\'s whole story is', async () => {
    await show(uri);
    await set('suppressed', [{ rule: RULE, machine: 'serial', reason: '[x](command:workbench.action.quit) $(zap)' }]);
    await severities(uri, []);
    const contents = await hoverAt(uri, 0, 0);
    assert.match(asRead(contents), /3 findings are suppressed \(\[Setting\]\(command:workbench\.action\.openSettings\?/);
    assert.match(asRead(contents), /vcpu-in-emulator: \[x\]\(command:workbench\.action\.quit\) \$\(zap\)/);
    for (const { value } of contents) assert.doesNotMatch(value, /\]\(command:workbench\.action\.quit|\$\(zap/);
  });
});

describe('Explain', () => {
  afterEach(closeEditors);

  const shown = (): string | undefined => {
    const tab = vscode.window.tabGroups.activeTabGroup.activeTab;
    return tab?.input instanceof vscode.TabInputWebview ? tab.label : undefined;
  };

  it('opens the page of each rule in VS Code\'s own preview', async () => {
    for (const { id } of ALL_RULES) {
      await vscode.commands.executeCommand('cgroupLens.explainRule', id);
      await eventually(() => assert.equal(shown(), `Preview ${id}.md`));
    }
  });

  it('opens nothing for what is no rule', async () => {
    for (const id of ['../../package', '', 'no-such-rule', '__proto__', `${RULE}.md`]) await vscode.commands.executeCommand('cgroupLens.explainRule', id);
    assert.equal(vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs).length, 0);
  });

  it('opens the only one that a row tells of', async () => {
    await openCapture(CAPTURE);
    await answer('vscode.executeHoverProvider', (await show(placementUri(CAPTURE, 'serial'))).uri, new vscode.Position(0, 0));
    const { code } = diagnosticsOf(placementUri(CAPTURE, 'serial'))[0]!;
    const { target } = code as { target: vscode.Uri };
    await vscode.commands.executeCommand(target.path, ...(JSON.parse(target.query) as unknown[]));
    await eventually(() => assert.equal(shown(), `Preview ${RULE}.md`));
  });
});

/** The capture with many machines of its kind, each with a name, a scope, a PID and TIDs of its own. */
function crowd(text: string, count: number): string {
  const isOwn = (block: string): boolean => /\/proc\/450\b|qemu\\x2d1\\x2dserial\.scope/.test(block);
  const as = (block: string, n: number): string => block.replace(/(?<![\w.:])4(5\d|6\d)(?![\w.:])/g, (_, end: string) => `${n}4${end}`).replaceAll(String.raw`qemu\x2d1\x2dserial`, () => String.raw`qemu\x2d${n}\x2dserial${n}`).replaceAll('guest=serial', `guest=serial${n}`);
  const [, head, body] = /^([\s\S]*?\n\n)([\s\S]*)end \d+\n$/.exec(text)!;
  const blocks = body!.split(/\n(?=[a-z])/);
  const many = blocks.flatMap(block => (isOwn(block) ? Array.from({ length: count }, (_, i) => as(block, i + 1)) : [block]));
  return `${head}${many.map(block => block.trimEnd()).join('\n\n')}\n\nend ${many.length}\n`;
}

describe('findings of 256 machines', () => {
  const COUNT = 256;

  it('are all told, and others have their turn meanwhile', async () => {
    const file = write('crowd.capture', crowd(SOURCE, COUNT));
    const told = (severity: vscode.DiagnosticSeverity): number => Array.from({ length: COUNT }, (_, n) => diagnosticsOf(placementUri(file, `serial${n + 1}`)).filter(one => one.severity === severity).length).reduce((a, b) => a + b, 0);
    await openCapture(file);
    await eventually(() => assert.equal(told(WARNING), 3 * COUNT));
    await vscode.commands.executeCommand('workbench.view.explorer'); // the trees draw all their rows at once, which is not meant here
    for (const [severity, expected] of [['error', ERROR], ['hint', HINT], [undefined, WARNING]] as const) { // all of them anew each time
      let isHalfDone = false; // as seen by who has a turn
      const watching = setInterval(() => {
        const now = told(expected);
        isHalfDone ||= now > 0 && now < 3 * COUNT;
      }, 1);
      try {
        await set('rules', severity && { [RULE]: severity });
        await eventually(() => assert.equal(told(expected), 3 * COUNT));
      } finally {
        clearInterval(watching);
      }
      assert.ok(isHalfDone, 'all of them were told at once');
    }
    await vscode.commands.executeCommand('cgroupLens.closeCapture', { kind: 'host', state: { source: { id: vscode.Uri.file(file).toString() } } });
    await eventually(() => assert.equal(told(WARNING), 0));
  }).timeout(60_000);
});
