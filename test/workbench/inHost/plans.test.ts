import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Machine, Thread } from '../../../src/core/model/hostModel';
import { SAMPLE, type Read, closeEditors, eventually, only, openCapture, ours, read } from './support';

const PLAN = 'cgroup-lens-plan';

/** A row of the Machines view, as it is handed to a command. */
function node(host: Read, machine: Machine, thread?: Thread): unknown {
  const state = { source: { id: vscode.Uri.file(SAMPLE).toString(), label: host.model.label, kind: 'capture' }, view: host };
  return thread ? { kind: 'thread', state, machine, thread } : { kind: 'machine', state, machine, threads: machine.threads };
}

/**
 * Runs a command that asks, and answers it by keys as a person would: `down` so many times, then Enter. Nothing tells that a quick
 * pick is up: keys that came too early did nothing, the command still asks, and it is all done again, more slowly.
 */
async function asked(command: string, row: unknown, ...downs: readonly number[]): Promise<void> {
  const sleep = (milliseconds: number): Promise<'too early'> => new Promise(resolve => setTimeout(() => resolve('too early'), milliseconds));
  for (let pause = 1000; ; pause *= 2) {
    const done = Promise.resolve(vscode.commands.executeCommand(command, row));
    for (const down of downs) {
      await sleep(pause);
      for (let i = 0; i < down; i++) await vscode.commands.executeCommand('workbench.action.quickOpenSelectNext');
      await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
    }
    if ((await Promise.race([done, sleep(2 * pause)])) !== 'too early') return;
    await vscode.commands.executeCommand('workbench.action.closeQuickOpen');
    await done;
    if (planTabs().length > 0) return; // it was only slow
  }
}

const lenses = async (uri: vscode.Uri): Promise<string[]> =>
  ((await vscode.commands.executeCommand<vscode.CodeLens[]>('vscode.executeCodeLensProvider', uri)) ?? []).map(it => it.command?.title ?? '');

const planTabs = (): readonly vscode.Uri[] => vscode.window.tabGroups.all.flatMap(group => group.tabs).flatMap(({ input }) => (input instanceof vscode.TabInputText && input.uri.scheme === PLAN ? [input.uri] : []));

describe('a plan of a capture', () => {
  let host: Read;
  let machine: Machine;
  let thread: Thread;

  before(async () => {
    host = await read(SAMPLE);
    machine = only(host.model);
    thread = machine.threads.find(({ role }) => role.kind === 'vcpu')!;
    await openCapture(SAMPLE);
  });
  after(closeEditors);

  it('is shown as a document that cannot be written', async () => {
    await asked('cgroupLens.setScheduling', node(host, machine, thread), 1, 0); // batch, its nice value as it is
    const { document } = await eventually(() => {
      const editor = vscode.window.activeTextEditor;
      assert.equal(editor?.document.uri.scheme, PLAN);
      return editor!;
    });
    assert.equal(document.languageId, 'cgroup-plan');
    assert.match(document.uri.path, /^\/sample\/serial(-\d+)?\.plan$/);
    assert.match(document.getText(), new RegExp(`schedule .*TID ${thread.tid}`));
    const before = document.getText();
    await vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup');
    await vscode.commands.executeCommand('type', { text: 'x' });
    assert.equal(document.getText(), before);
  }).timeout(60_000);

  it('offers its script, and no way to apply it', async () => {
    const { uri } = vscode.window.activeTextEditor!.document;
    const titles = await eventually(async () => {
      const found = await lenses(uri);
      assert.ok(found.includes('Copy as Shell Script'));
      return found;
    });
    assert.deepEqual(titles.filter(title => title === 'Apply'), []);
    assert.ok(titles.includes('A capture: nothing can be applied to it'));
    await vscode.commands.executeCommand('cgroupLens.applyPlan', uri); // as a keybinding could
    assert.doesNotMatch(vscode.window.activeTextEditor!.document.getText(), /✓|✗/);
    await vscode.commands.executeCommand('cgroupLens.copyPlanScript', uri);
    await eventually(async () => assert.match(await vscode.env.clipboard.readText(), /^#!\/bin\/sh/));
  });

  it('is given up by Discard, and its tab goes', async () => {
    await vscode.commands.executeCommand('cgroupLens.discardPlan', planTabs()[0]);
    await eventually(() => assert.deepEqual(planTabs(), []));
  });
});

describe('what is refused', () => {
  after(closeEditors);

  it('ends the command, whether or not its message is still up, and opens nothing', async () => {
    const host = await read(SAMPLE);
    const machine = only(host.model);
    await openCapture(SAMPLE);
    await asked('cgroupLens.setScheduling', node(host, machine, machine.threads.find(({ role }) => role.kind === 'vcpu')), 3, 0); // fifo, on a CPU that is not isolated
    assert.deepEqual(planTabs(), []);
    await vscode.commands.executeCommand('notifications.clearAll');
  }).timeout(60_000);
});

describe('commands that change something', () => {
  const { contributes } = ours().packageJSON as { contributes: { commands: { command: string; enablement?: string }[]; menus: Record<string, { command: string; when: string; group?: string }[]>; configuration: { properties: Record<string, { scope: string; default: unknown }> } } };
  const changing = ['fix', 'restoreLayout', 'moveToCgroup', 'pinToCpus', 'setScheduling', 'newCgroup', 'removeCgroup', 'changeLimit', 'applyPlan', 'undoLast', 'undo', 'showHistory'].map(name => `cgroupLens.${name}`);

  it('are nothing for a window that is not trusted', () => {
    for (const name of changing) assert.equal(contributes.commands.find(it => it.command === name)?.enablement, 'isWorkspaceTrusted', name);
  });

  it('stand in the palette only where they can work', () => {
    const when = (name: string): string | undefined => contributes.menus['commandPalette']!.find(it => it.command === `cgroupLens.${name}`)?.when;
    for (const name of ['fix', 'restoreLayout', 'moveToCgroup', 'pinToCpus', 'setScheduling', 'newCgroup', 'removeCgroup', 'changeLimit']) assert.equal(when(name), '!cgroupLens.noHost && isWorkspaceTrusted', name);
    for (const name of ['undoLast', 'undo', 'showHistory']) assert.match(when(name) ?? '', /cgroupLens\.hasHistory/, name);
    for (const name of ['applyPlan', 'copyPlanScript', 'discardPlan', 'planAgain', 'planOwnersWay']) assert.match(when(name) ?? '', /^cgroupLens\.plan =~ /, name);
  });

  it('no row has more than three inline actions', () => {
    const menu = contributes.menus['view/item/context']!.filter(it => it.group?.startsWith('inline'));
    for (const view of ['machines', 'cgroups']) {
      for (const item of ['machine', 'machine findings fixes', 'thread', 'thread findings fixes', 'place', 'cgroup.files.cpus', 'hierarchy.files', 'host.live', 'host.ssh asUser connected', 'host.capture']) {
        const fit = menu.filter(({ when }) => when.includes(`cgroupLens.${view}`) || when.includes('(machines|cgroups)')).filter(({ when }) => {
          const pattern = /viewItem =~ \/(.*?)\/( |$)/.exec(when)?.[1];
          return pattern === undefined ? new RegExp(`viewItem == ${item.replaceAll('.', '\\.')}( |$)`).test(when) : new RegExp(pattern).test(item);
        });
        assert.ok(fit.length <= 3, `${view} ${item}: ${fit.map(it => it.command).join(' ')}`);
      }
    }
  });

  it('lead out of a machine only where a person said so, in their own settings', () => {
    const { scope, default: usual } = contributes.configuration.properties['cgroupLens.expertMode']!;
    assert.deepEqual([scope, usual], ['application', false]);
    const restricted: string[] = ours().packageJSON.capabilities.untrustedWorkspaces.restrictedConfigurations;
    for (const name of ['expertMode', 'undoAfterFailure', 'virsh']) assert.ok(restricted.includes(`cgroupLens.${name}`), name);
  });
});
