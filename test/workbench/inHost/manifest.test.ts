import assert from 'node:assert/strict';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import * as path from 'node:path';
import { DEFAULT_QEMU_EXECUTABLES } from '../../../src/core/collect/script';
import { ALL_RULES } from '../../../src/core/rules/allRules';
import { mayBeHost } from '../../../src/core/host/hostName';
import { HOSTS, ours, root } from './support';

const text = readFileSync(path.join(root, 'package.json'), 'utf8');
const manifest = JSON.parse(text);
const texts: Record<string, string> = JSON.parse(readFileSync(path.join(root, 'package.nls.json'), 'utf8'));

describe('the manifest', () => {
  it('gives every command a category and a title that can be translated', () => {
    for (const { command, category, title } of manifest.contributes.commands) {
      assert.equal(category, 'Cgroup Lens', command);
      assert.equal(title, `%command.${command.replace('cgroupLens.', '')}%`);
    }
  });

  it('uses every text of package.nls.json, and only those', () => {
    const used = [...text.matchAll(/"%([\w.-]+)%"/g)].map(match => match[1]!);
    assert.deepEqual([...new Set(used)].sort(), Object.keys(texts).sort());
  });

  it('says in its welcome text what it looks for', () => {
    for (const name of DEFAULT_QEMU_EXECUTABLES) assert.ok(texts['welcome.nothingFound']!.includes(` ${name}`), name);
  });

  it('names only commands of its own in menus and in welcome texts', () => {
    const commands = new Set<string>(manifest.contributes.commands.map((it: { command: string }) => it.command));
    const inMenus = (Object.values(manifest.contributes.menus) as { command?: string }[][]).flat().flatMap(it => it.command ?? []);
    const inTexts = Object.values(texts).flatMap(it => [...it.matchAll(/\(command:(cgroupLens\.\w+)\)/g)].map(match => match[1]!));
    assert.deepEqual([...inMenus, ...inTexts].filter(command => !commands.has(command)), []);
  });

  it('hides from the palette what needs a row of a tree', () => {
    const hidden = manifest.contributes.menus.commandPalette.filter((it: { when: string }) => it.when === 'false').map((it: { command: string }) => it.command);
    for (const name of ['refreshHost', 'connect', 'retry', 'allowRoot', 'stopRoot', 'copyPath', 'copyTid', 'copyProcLine', 'openCgroup', 'revealInMachines', 'revealInCgroups']) assert.ok(hidden.includes(`cgroupLens.${name}`), name);
  });

  it('offers of Connect, Disconnect and Refresh what a host of SSH can do now', () => {
    const menu = manifest.contributes.menus['view/item/context'] as { command: string; when: string; group: string }[];
    const offered = (link: string): string[] => {
      const fit = menu.filter(({ when, group }) => !group.startsWith('inline') && new RegExp(/viewItem =~ \/(.*)\/$/.exec(when)?.[1] ?? '^$').test(`host.ssh asUser ${link}`));
      return ['connect', 'disconnect', 'refreshHost'].filter(name => fit.some(it => it.command === `cgroupLens.${name}`));
    };
    assert.deepEqual(offered('disconnected'), ['connect']);
    assert.deepEqual(offered('unconnected'), ['refreshHost']);
    for (const link of ['connecting', 'connected']) assert.deepEqual(offered(link), ['disconnect', 'refreshHost'], link);
  });

  it('offers on a row with findings whatever it offers on one without, and besides what is about them', () => {
    const menu = manifest.contributes.menus['view/item/context'] as { command: string; when: string }[];
    const offered = (item: string): string[] => menu.filter(({ when }) => {
      const pattern = /viewItem =~ \/(.*?)\/( |$)/.exec(when)?.[1];
      return pattern === undefined ? new RegExp(`viewItem == ${item}( |$)`).test(when) : new RegExp(pattern).test(item);
    }).map(({ command, when }) => `${command} ${when}`);
    for (const kind of ['machine', 'thread', 'cgroup.files.cpus', 'hierarchy.files']) {
      const others = offered(`${kind} findings fixes`).filter(one => !offered(kind).includes(one)).map(one => one.split(' ')[0]);
      assert.deepEqual(offered(kind).filter(one => !offered(`${kind} findings fixes`).includes(one)), [], kind);
      assert.deepEqual(others, ['cgroupLens.fix', 'cgroupLens.explainRule', 'cgroupLens.goToFinding', 'cgroupLens.suppressRule'], kind);
    }
  });

  it('activates only for its own documents, its views and its commands', () => {
    assert.deepEqual(manifest.activationEvents, ['onFileSystem:cgroup-lens', 'onFileSystem:cgroupfs']);
  });

  it('says what an untrusted workspace may do', () => {
    const { supported, description, restrictedConfigurations } = manifest.capabilities.untrustedWorkspaces;
    assert.equal(supported, 'limited');
    assert.equal(description, '%capabilities.untrusted%');
    const settings = Object.keys(manifest.contributes.configuration.properties);
    assert.deepEqual(restrictedConfigurations.filter((name: string) => !settings.includes(name)), []);
    for (const name of ['qemuExecutables', 'hosts', 'readAsRoot', 'hostsAtOnce']) assert.ok(restrictedConfigurations.includes(`cgroupLens.${name}`), name);
  });

  it('lets no workspace name a host, or allow reading as root', () => {
    for (const name of ['hosts', 'readAsRoot', 'hostsAtOnce']) assert.equal(manifest.contributes.configuration.properties[`cgroupLens.${name}`].scope, 'machine', name);
  });

  it('takes for a host in its settings what the extension takes', () => {
    const { pattern, maxLength } = manifest.contributes.configuration.properties['cgroupLens.hosts'].items;
    const names = ['web1', 'op@10.0.0.5:2222', 'op@[fe80::1%eth0]:22', 'müller', 'a\u202eb', '', ' ', 'a b', '-oProxyCommand=x', '$(id)', 'a`b`', 'a;b', '*.example', '!web1', 'web?', 'a,b', '[x](command:y)', '<b>', `a${'b'.repeat(255)}`];
    for (const name of names) assert.equal(new RegExp(pattern, 'u').test(name) && name.length <= maxLength, mayBeHost(name), name);
    assert.equal(names.filter(mayBeHost).length, 5);
  });

  it('offers SSH hosts only where the window is trusted', () => {
    const { enablement } = manifest.contributes.commands.find((it: { command: string }) => it.command === 'cgroupLens.addSshHost');
    assert.equal(enablement, 'isWorkspaceTrusted');
  });

  it('invents no address', () => {
    const { repository, bugs, homepage, qna } = manifest;
    assert.deepEqual({ repository, bugs, homepage, qna }, { repository: undefined, bugs: undefined, homepage: undefined, qna: undefined });
  });

  it('has an icon of 128 × 128', () => {
    const png = readFileSync(path.join(root, manifest.icon));
    assert.equal(png.subarray(0, 8).toString('latin1'), '\x89PNG\r\n\x1a\n');
    assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [128, 128]);
  });
});

describe('the package', () => {
  const files = readdirSync(ours().extensionPath, { recursive: true, withFileTypes: true })
    .filter(it => it.isFile())
    .map(it => path.relative(ours().extensionPath, path.join(it.parentPath, it.name)));

  it('is small', () => assert.ok(statSync(path.join(root, 'dist/cgroup-lens.vsix')).size < 700_000));

  it('runs on every platform: no native part', () => assert.deepEqual(files.filter(file => /\.(node|so|dll|dylib|wasm)$/.test(file)), []));

  it('holds nothing but what it runs and shows', () => {
    assert.deepEqual(files.filter(file => !/^(dist\/(extension|core|planning|ssh|unlockKey|cli)\.js|dist\/rules\/[a-z0-9-]+\.md|media\/[\w.-]+|package\.json|package\.nls\.json|readme\.md|changelog\.md|license(\.txt)?|\.vsixmanifest)$/i.test(file)), []);
  });

  it('holds the page of every rule', () => {
    assert.deepEqual(files.filter(file => file.startsWith('dist/rules/')).sort(), ALL_RULES.map(({ id }) => `dist/rules/${id}.md`).sort());
  });

  it('shows no SVG in its readme: the marketplace refuses it', () => {
    assert.doesNotMatch(readFileSync(path.join(root, 'README.md'), 'utf8'), /\.svg/i);
  });

  it('has the pictures that its readme shows', () => {
    const shown = [...readFileSync(path.join(root, 'README.md'), 'utf8').matchAll(/!\[[^\]]*\]\(([^)]+)\)/g)].map(match => match[1]!);
    for (const picture of shown) assert.ok(files.includes(picture), picture);
  });

  it('has a real host as its sample, and the same with faults', () => {
    for (const [sample, host] of [['sample', 'guest-hybrid'], ['sample-with-faults', 'misplaced-vcpus']]) {
      const recorded = readFileSync(path.join(HOSTS, `${host}.capture`));
      for (const folder of [root, ours().extensionPath]) assert.ok(readFileSync(path.join(folder, `media/${sample}.capture`)).equals(recorded), `${folder}: ${sample}`);
    }
  });
});
