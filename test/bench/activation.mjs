// `npm run bench:activation`: how long our activation takes beside that of an empty extension, in the same windows.
// Each round opens a new window, waits ten seconds as a person would, opens both views, and reads what VS Code itself
// measured (Developer: Show Running Extensions). Nothing is asserted: the times are a machine's.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../install.mjs';
import { run } from '../processes.mjs';
import { browser, install, prepare, start, vsix, work } from '../workbench/harness.mjs';
import { openSidebar, row, runCommand, waitForWorkbench } from '../workbench/page.mjs';

const ROUNDS = Number(process.env.ROUNDS ?? 5);
const dir = path.join(work, 'activation');

/** An extension with a view and nothing in it. */
async function packageEmpty() {
  const folder = path.join(work, 'empty-view');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const manifest = {
    name: 'empty-view', displayName: 'Empty View', publisher: 'bench', version: '0.0.1', license: 'MIT', engines: { vscode: '^1.82.0' },
    main: './extension.js', extensionKind: ['workspace'],
    contributes: {
      viewsContainers: { activitybar: [{ id: 'emptyView', title: 'Empty View', icon: 'icon.svg' }] },
      views: { emptyView: [{ id: 'emptyView.view', name: 'Empty View' }] },
    },
  };
  const source = `const vscode = require('vscode');
exports.activate = context => context.subscriptions.push(vscode.window.createTreeView('emptyView.view', { treeDataProvider: { getChildren: () => [{}], getTreeItem: () => new vscode.TreeItem('nothing here') } }));`;
  writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest));
  writeFileSync(path.join(folder, 'extension.js'), source);
  writeFileSync(path.join(folder, 'icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24"><rect width="24" height="24"/></svg>');
  writeFileSync(path.join(folder, 'README.md'), 'Nothing.');
  writeFileSync(path.join(folder, 'LICENSE'), 'MIT');
  const file = path.join(work, 'empty-view.vsix');
  await run(process.execPath, [path.join(root, 'node_modules/@vscode/vsce/vsce'), 'package', '--no-dependencies', '--allow-missing-repository', '--out', file], { cwd: folder, quiet: true });
  return file;
}

async function round(chromium) {
  const server = await start(dir);
  const context = await chromium.newContext({ viewport: { width: 1400, height: 1800 } });
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    await page.goto(server.url());
    await waitForWorkbench(page);
    await sleep(10_000);
    await openSidebar(page, 'Cgroup Lens');
    await page.locator('.pane-body .monaco-list-row, .welcome-view-content').first().waitFor();
    await openSidebar(page, 'Empty View');
    await row(page, 'nothing here').waitFor();
    await runCommand(page, 'Developer: Show Running Extensions');
    const time = async name => {
      const text = await page.locator('.monaco-list-row', { hasText: name }).filter({ hasText: 'Activation' }).first().innerText();
      return Number(/(?:Activation|Startup Activation): (\d+)ms/.exec(text)[1]);
    };
    const ours = await time('Cgroup Lens');
    // The slowest stand first, and only rows in view are there.
    await page.locator('.monaco-list-row', { hasText: 'Activation' }).first().click();
    await page.keyboard.press('End');
    return { ours, empty: await time('Empty View') };
  } finally {
    await context.close();
    await server.stop();
  }
}

const median = numbers => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

await install();
await prepare(dir, { vsix: [vsix, await packageEmpty()] });
const chromium = await browser();
const results = [];
try {
  for (let i = 0; i < ROUNDS; i++) {
    results.push(await round(chromium));
    console.log(`round ${i + 1}: Cgroup Lens ${results[i].ours} ms, an empty extension ${results[i].empty} ms`);
  }
} finally {
  await chromium.close();
}
const [ours, empty] = [median(results.map(r => r.ours)), median(results.map(r => r.empty))];
console.log(`activation: ${ours} ms, an empty extension ${empty} ms, ${ours - empty} ms above`);
