import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import type { Cgroup } from '../../../src/core/model/hostModel';
import { hostile } from '../hostile.mjs';
import { SAMPLE, type Read, closeEditors, eventually, linesOf, openCapture, read, write } from './support';

/** A node of the Cgroups view, as a row hands it to a command. */
function node(file: string, host: Read, cgroup: Cgroup): unknown {
  return { kind: 'cgroup', state: { source: { id: vscode.Uri.file(file).toString(), label: host.model.label, kind: 'capture' }, view: host }, cgroup };
}

function cgroupOf(host: Read, key: string, end: string): Cgroup {
  const found = [...host.model.hierarchies.find(h => h.key === key)!.cgroups.values()].find(({ path }) => path.endsWith(end));
  assert.ok(found, `${key} …${end}`);
  return found;
}

describe('commands on a cgroup', () => {
  let file: string;
  let host: Read;
  before(async () => {
    file = write('cgroups.capture', readFileSync(SAMPLE));
    host = await read(file);
    await openCapture(file);
  });
  after(closeEditors);

  it('Open Cgroup Files shows its files and those above it', async () => {
    await vscode.commands.executeCommand('cgroupLens.openCgroup', node(file, host, cgroupOf(host, 'cpuset', '/vcpu2')));
    const { document } = vscode.window.activeTextEditor!;
    assert.match(document.uri.path, /^\/cgroups\/cpuset\/.*\/vcpu2\.cgroup$/);
    const lines = linesOf(document);
    assert.ok(lines.includes('  cpuset.cpus                 0'));
    assert.deepEqual(lines.filter(line => line.startsWith('/')).map(line => line.split('/').at(-1)), ['vcpu2', 'libvirt', String.raw`machine-qemu\x2d1\x2dserial.scope`, 'machine.slice', 'cpuset']);
  });

  it('Copy Cgroup Path copies it as the row shows it', async () => {
    const cgroup = cgroupOf(host, 'cpuset', '/vcpu2');
    await vscode.commands.executeCommand('cgroupLens.copyPath', node(file, host, cgroup));
    await eventually(async () => assert.equal(await vscode.env.clipboard.readText(), cgroup.path));
    // Pasted into a terminal, a carriage return would be Enter.
    await vscode.commands.executeCommand('cgroupLens.copyPath', node(file, host, { ...cgroup, path: '/x\rid\r' }));
    await eventually(async () => assert.equal(await vscode.env.clipboard.readText(), String.raw`/x\u{d}id\u{d}`));
  });

  it('Who Else Is Here lists the threads on its CPUs, and says what a capture does not hold', async () => {
    await vscode.commands.executeCommand('cgroupLens.whoElse', node(file, host, cgroupOf(host, 'cpuset', '/vcpu1')));
    const { document } = vscode.window.activeTextEditor!;
    assert.equal(document.uri.path, '/cgroups/CPUs 1.neighbours');
    const there = host.model.machines.flatMap(machine => machine.threads.filter(thread => thread.cpusAllowed!.has(1)));
    const lines = linesOf(document);
    assert.ok(lines.includes(`QEMU threads that may run there: ${there.length}`), document.getText());
    for (const { tid, lastCpu } of there) assert.ok(lines.some(line => new RegExp(`^ {2}cpus \\S+ +serial .* ${tid} +last on ${lastCpu}$`).test(line)), `${tid}`);
    assert.ok(lines.includes('A capture holds no other tasks and no interrupts.'));
  });

  it('a document of a list that nobody asked for in this window says what to do', async () => {
    const uri = vscode.window.activeTextEditor!.document.uri.with({ path: '/cgroups/CPUs 3.neighbours', query: '3' });
    assert.match((await vscode.workspace.openTextDocument(uri)).getText(), /^not read in this window: .*Who Else Is Here/);
  });

  it('hostile names stay text in it', async () => {
    const evil = write('evil-cgroups.capture', hostile(readFileSync(SAMPLE, 'utf8')));
    const model = await read(evil);
    await openCapture(evil);
    const root = model.model.hierarchies.find(h => h.key === 'cpuset')!.cgroups.get('/')!;
    await vscode.commands.executeCommand('cgroupLens.whoElse', node(evil, model, root));
    const text = vscode.window.activeTextEditor!.document.getText();
    assert.doesNotMatch(text, /[^\p{L}\p{M}\p{N}\p{P}\p{S} \n]/u);
    assert.equal(text.split('\n').filter(line => line.startsWith('  cpus ')).length, model.model.machines.reduce((sum, machine) => sum + machine.threads.length, 0));
  });
});
