import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { layoutText } from '../../../src/core/layout/layout';
import { layoutOf } from '../../../src/core/layout/layouts';
import { unescapeUnit } from '../../../src/core/parse/systemdName';
import { parsePlacement, type Node } from '../../../src/core/placement/parse';
import type { Row } from '../../../src/core/placement/placement';
import { print } from '../../../src/core/placement/print';
import { toPlacement } from '../../../src/core/placement/toPlacement';
import { HOSTS, type Read, answer, asRead, closeEditors, hoverAt, linesOf, openCapture, placementUri, read, show } from './support';

type RowNode = Extract<Node, { kind: 'row' }>;
type ThreadNode = Extract<Node, { kind: 'thread' }>;

for (const name of readdirSync(HOSTS).filter(file => file.endsWith('.capture')).map(file => file.replace(/\.capture$/, ''))) {
  describe(`the placement document of ${name}`, () => {
    const file = path.join(HOSTS, `${name}.capture`);
    let host: Read;
    let document: vscode.TextDocument;
    let threads: readonly ThreadNode[];
    let rows: readonly RowNode[];

    before(async () => {
      host = await read(file);
      await openCapture(file);
      document = await show(placementUri(file, host.model.machines[0]!.name));
      const { nodes } = parsePlacement(document.getText());
      threads = nodes.filter((node): node is ThreadNode => node.kind === 'thread');
      rows = nodes.filter((node): node is RowNode => node.kind === 'row');
    });
    after(closeEditors);

    it('says what the core says, for every machine', async () => {
      for (const machine of host.model.machines) {
        const shown = await vscode.workspace.openTextDocument(placementUri(file, machine.name));
        assert.equal(shown.getText(), print(toPlacement(host.model, machine)));
      }
    });

    it('has our language, is never saved by itself, and is written by nobody but a person', async () => {
      assert.equal(document.languageId, 'cgroup-placement');
      assert.equal(vscode.workspace.getConfiguration('files', document).get('autoSave'), 'off');
      assert.equal((await vscode.workspace.fs.stat(document.uri)).permissions, undefined);
      await assert.rejects(async () => vscode.workspace.fs.writeFile(document.uri, Buffer.from('x')), /own save/);
      await assert.rejects(async () => vscode.workspace.fs.delete(document.uri));
    });

    it('lists every thread in the outline, its lines below it', async () => {
      const symbols = await answer<vscode.DocumentSymbol>('vscode.executeDocumentSymbolProvider', document.uri);
      const found = symbols.filter(symbol => symbol.kind === vscode.SymbolKind.Object).map(({ name: role, detail, range }) => ({ role, tid: Number(detail), first: range.start.line, last: range.end.line }));
      assert.deepEqual(found, threads.map(({ role, tid, line, last }) => ({ role, tid, first: line, last })));
      assert.deepEqual(found.map(it => it.tid), host.model.machines[0]!.threads.map(it => it.tid));
    });

    it('folds what is below a thread, and what all threads share', async () => {
      const ranges = await answer<vscode.FoldingRange>('vscode.executeFoldingRangeProvider', document.uri);
      for (const { line, last } of threads) assert.equal(ranges.some(range => range.start === line && range.end === last), last > line, `line ${line + 1}`);
      const all = linesOf(document).findIndex(line => /^all \d+ threads/.test(line));
      assert.equal(ranges.some(range => range.start === all), linesOf(document)[all + 1] !== '');
    });

    it('tells the whole story of a thread on hover', async () => {
      for (const node of threads) {
        const thread = host.model.machines[0]!.threads.find(it => it.tid === node.tid)!;
        const said = asRead(await hoverAt(document.uri, node.line, node.cells.tid.start));
        const must = [node.role, `TID: ${thread.tid}`, thread.comm, `Last on CPU: ${thread.lastCpu}`, `Cpus_allowed_list: ${thread.cpusAllowed!.toString()}`];
        for (const fact of must) assert.ok(said.includes(fact), `line ${node.line + 1}: "${fact}" is not in\n${said}`);
        // Hierarchies that share a path share a line: "pids name=systemd 0:: (v2): /a".
        const told = said.split('\n').flatMap(line => {
          const [, keys, path] = /^- (.*): (\/.*)$/.exec(line) ?? [];
          return keys === undefined ? [] : keys.replace('0:: (v2)', '0::').split(' ').map(key => `${key} ${path}`);
        });
        for (const [key, place] of thread.membership.places) assert.ok(told.includes(`${key} ${place.path}`), `line ${node.line + 1}: "${key}" at "${place.path}" is not in\n${said}`);
      }
    });

    it('names the values of a path on hover, and of all above it that limit', async () => {
      const above = rows.filter(row => row.isAbove);
      const valuesOf = (row: Row): string[] => row.attributes.filter(a => a.name !== 'deleted').map(a => `${a.name} ${a.value}`.trim());
      for (const { line, row, cells, isAbove } of rows) {
        const said = asRead(await hoverAt(document.uri, line, cells.path.start));
        const limits = isAbove ? [] : above.filter(it => row.hierarchies.includes(it.row.hierarchies[0]!) && row.path.startsWith(`${it.row.path}/`));
        const must = [...row.hierarchies, unescapeUnit(row.path), ...valuesOf(row), ...limits.flatMap(it => [unescapeUnit(it.row.path), ...valuesOf(it.row)])];
        for (const fact of must) assert.ok(said.includes(fact), `line ${line + 1}: "${fact}" is not in\n${said}`);
      }
    });

    it('links each path to the interface files of its cgroup', async () => {
      const links = await answer<vscode.DocumentLink>('vscode.executeLinkProvider', document.uri);
      for (const { line, row, cells } of rows) {
        const link = links.find(it => it.range.start.line === line);
        const cgroup = host.model.hierarchies.find(h => h.key === row.hierarchies[0])?.cgroups.get(row.path);
        assert.equal(link !== undefined, cgroup?.directory !== undefined, `line ${line + 1}`);
        if (!link || cgroup?.directory === undefined) continue;
        assert.deepEqual([link.range.start.character, link.range.end.character], [cells.path.start, cells.path.end]);
        const files = await vscode.workspace.openTextDocument(link.target!);
        assert.equal(files.languageId, 'cgroup-files');
        const shown = linesOf(files);
        assert.equal(shown[0], cgroup.directory);
        const own = shown.slice(0, shown.indexOf('') < 0 ? undefined : shown.indexOf('')).join('\n');
        for (const [at, text] of host.raw.files) {
          if (path.dirname(at) !== cgroup.directory) continue;
          assert.match(own, new RegExp(`^  ${path.basename(at).replaceAll('.', '\\.')}\\b`, 'm'));
          for (const value of text.trimEnd().split('\n')) assert.ok(own.includes(value), `${at}: ${value}`);
        }
      }
    });

    it('has what changes by itself beside the text: the last CPU, and how old it all is', async () => {
      const hints = await answer<vscode.InlayHint>('vscode.executeInlayHintProvider', document.uri, new vscode.Range(0, 0, document.lineCount, 0));
      const at = (line: number): string => String(hints.find(hint => hint.position.line === line)?.label ?? '').trim();
      for (const node of threads) assert.match(at(node.line), new RegExp(`^last on ${host.model.machines[0]!.threads.find(it => it.tid === node.tid)!.lastCpu}\\b`));
      assert.match(at(1), /^(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d, [\d.]+ m?s, as UID 0$/);
      assert.equal(hints.length, threads.length + 1);
    });

    it('tells over its first line who placed the machine, where that is known', async () => {
      const layout = layoutOf(host.model, host.model.machines[0]!);
      const said = asRead(await hoverAt(document.uri, 0, 0));
      assert.ok(said.includes(`Placed by: ${layoutText(layout)}`), said);
      assert.ok(said.includes(`PID: ${host.model.machines[0]!.pid}`), said);
    });

    it('offers no code lens: there is something to see', async () => {
      assert.deepEqual(await vscode.commands.executeCommand('vscode.executeCodeLensProvider', document.uri), []);
    });
  });
}
