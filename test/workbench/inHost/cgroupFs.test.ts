import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { encodeBytes } from '../../../src/core/parse/bytes';
import { hostile } from '../hostile.mjs';
import { type Read, SAMPLE, answer, asRead, closeEditors, hoverAt, openCapture, read, show, write } from './support';

const fs = vscode.workspace.fs;

function rootOf(file: string): vscode.Uri {
  const authority = Buffer.from(vscode.Uri.file(file).toString(), 'utf8').toString('hex');
  return vscode.Uri.from({ scheme: 'cgroupfs', authority, path: `/${path.basename(file, '.capture')}` });
}

/** All files below, by what the folders are called. */
async function walk(folder: vscode.Uri): Promise<vscode.Uri[]> {
  const found: vscode.Uri[] = [];
  for (const [name, type] of await fs.readDirectory(folder)) {
    const uri = vscode.Uri.joinPath(folder, name);
    if (type === vscode.FileType.Directory) found.push(...(await walk(uri)));
    else found.push(uri);
  }
  return found;
}

for (const [title, make] of [['a real host', (text: string) => text], ['a host with hostile names', hostile]] as const) {
  describe(`interface files as files, of ${title}`, () => {
    let file: string;
    let host: Read;
    let files: vscode.Uri[];

    before(async () => {
      file = write(`files-${title.length}.capture`, make(readFileSync(SAMPLE, 'utf8')));
      host = await read(file);
      await openCapture(file);
      files = await walk(rootOf(file));
    });
    after(closeEditors);

    /** Every interface file of a cgroup that the model has. */
    const expected = (): Map<string, number> => {
      const directories = new Set(host.model.hierarchies.flatMap(h => [...h.cgroups.values()].flatMap(cgroup => cgroup.directory ?? [])));
      const texts = new Map<string, number>();
      for (const [at, text] of host.raw.files) {
        if (!directories.has(path.dirname(at)) || !/^[A-Za-z][\w.-]*$/.test(path.basename(at))) continue;
        const what = `${path.basename(at)} ${encodeBytes(text).toString('base64')}`;
        texts.set(what, (texts.get(what) ?? 0) + 1);
      }
      return texts;
    };

    it('the folders lead to every file that was read, and each holds what the kernel wrote', async () => {
      const found = new Map<string, number>();
      for (const uri of files) {
        const bytes = Buffer.from(await fs.readFile(uri));
        assert.equal((await fs.stat(uri)).size, bytes.length);
        const what = `${path.posix.basename(uri.path)} ${bytes.toString('base64')}`;
        found.set(what, (found.get(what) ?? 0) + 1);
      }
      assert.ok(found.size > 10);
      assert.deepEqual([...found].sort(), [...expected()].sort());
    });

    it('an address holds nothing that a window could take for something else', () => {
      for (const uri of files) {
        assert.doesNotMatch(uri.path, /[\\\p{C}?#]|\/\.\.?(\/|$)/u);
        assert.equal(vscode.Uri.parse(uri.toString()).path, uri.path);
      }
    });

    it('only the listed files can be written, and not without a person\'s save', async () => {
      for (const uri of files) {
        const { permissions } = await fs.stat(uri);
        const isOurs = /^(cpu\.(max|shares|weight|idle|cfs_quota_us|cfs_period_us|cfs_burst_us|rt_runtime_us|rt_period_us|max\.burst)|cpuset\.(cpus|mems|cpus\.partition)|cgroup\.freeze|freezer\.state|pids\.max|io\.weight)$/.test(path.posix.basename(uri.path));
        assert.equal(permissions === vscode.FilePermission.Readonly, !isOurs, uri.path);
      }
      const shares = files.find(uri => uri.path.endsWith('/cpu.shares'))!;
      await assert.rejects(async () => fs.writeFile(shares, Buffer.from('2')), /own save/);
      await assert.rejects(async () => fs.delete(shares));
    });

    it('nothing else of the host is there', async () => {
      for (const at of ['/etc/passwd', '/cpuset/../../etc/passwd', '/cpuset/cgroup.nothing', '/nothing/cpu.max']) {
        const uri = rootOf(file).with({ path: `${rootOf(file).path}${at}` });
        await assert.rejects(async () => {
          const text = Buffer.from(await fs.readFile(uri)).toString();
          if (/^gone:/.test(text)) throw new Error('gone');
        }, at);
      }
    });
  });
}

describe('an interface file in an editor', () => {
  let file: string;
  let host: Read;
  before(async () => {
    file = write('hover.capture', readFileSync(SAMPLE));
    host = await read(file);
    await openCapture(file);
  });
  after(closeEditors);

  it('is never saved by itself, and explained on hover with where the kernel explains it', async () => {
    const uri = (await walk(rootOf(file))).find(it => /vcpu0\/cpuset\.cpus$/.test(it.path))!;
    const document = await show(uri);
    assert.equal(document.languageId, 'cgroup-file');
    assert.equal(vscode.workspace.getConfiguration('files', document).get('autoSave'), 'off');
    const said = asRead(await hoverAt(uri, 0, 0));
    assert.match(said, /The CPUs that are asked for/);
    assert.match(said, /Documentation\/admin-guide\/cgroup-v2\.rst/);
    assert.match(said, /a save opens a plan of one write/);
  });

  it('is reached from the page of all files of its cgroup', async () => {
    const cgroup = [...host.model.hierarchies.find(h => h.key === 'cpuset')!.cgroups.values()].find(({ path: at }) => at.endsWith('/vcpu2'))!;
    const node = { kind: 'cgroup', state: { source: { id: vscode.Uri.file(file).toString(), label: host.model.label, kind: 'capture' }, view: host }, cgroup };
    await vscode.commands.executeCommand('cgroupLens.openCgroup', node);
    const { document } = vscode.window.activeTextEditor!;
    const links = await answer<vscode.DocumentLink>('vscode.executeLinkProvider', document.uri);
    const lines = document.getText().split('\n');
    assert.ok(links.length > 5);
    for (const { range, target } of links) {
      const name = document.getText(range);
      const text = Buffer.from(await fs.readFile(target!)).toString().trimEnd();
      assert.ok(lines[range.start.line]!.endsWith(text.split('\n').length === 1 ? text : name), `${name}: ${text}`);
      assert.ok(target!.path.endsWith(`/${name}`));
    }
  });
});
