import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import * as vscode from 'vscode';

const root = path.resolve(__dirname, '../..'); // this runs as out/inHost/installed.test.js

function ours(): vscode.Extension<unknown> {
  const extension = vscode.extensions.getExtension('cgroup-lens.cgroup-lens');
  assert.ok(extension, 'the extension is not installed');
  return extension;
}

describe('the installed extension', () => {
  it('is the one packaged from this folder', () => {
    const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
    const { name, publisher, version, main } = ours().packageJSON;
    assert.deepEqual({ name, publisher, version, main }, { name: manifest.name, publisher: manifest.publisher, version: manifest.version, main: manifest.main });
    assert.notEqual(ours().extensionPath, root);
    for (const file of ['dist/extension.js', 'dist/core.js', 'dist/planning.js', 'dist/ssh.js', 'dist/unlockKey.js']) {
      const bundle = (folder: string) => readFileSync(path.join(folder, file));
      assert.ok(bundle(ours().extensionPath).equals(bundle(root)), `the installed ${file} is not the one just built`);
    }
  });

  it('has the command line, which knows its version and the page of a rule', () => {
    const cli = (...args: string[]): string => execFileSync('node', [path.join(ours().extensionPath, 'dist/cli.js'), ...args], { encoding: 'utf8' });
    assert.equal(cli('--version'), `cgroup-lens ${String(ours().packageJSON.version)}\n`);
    assert.match(cli('explain', 'vcpu-in-emulator'), /^# /);
  });

  it('activates, and registers every command of its manifest', async () => {
    await ours().activate();
    assert.equal(ours().isActive, true);
    const registered = new Set(await vscode.commands.getCommands(true));
    const contributed: { command: string }[] = ours().packageJSON.contributes.commands;
    assert.deepEqual(contributed.map(it => it.command).filter(command => !registered.has(command)), []);
  });
});
