// Runs the Mocha suites of inHost/ inside VS Code's real extension host, against the installed VSIX.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from '../install.mjs';
import { isEnding, run } from '../processes.mjs';
import { browser, install, prepare, start, vsix, work } from './harness.mjs';

const source = path.join(path.dirname(fileURLToPath(import.meta.url)), 'inHost');
const out = path.join(root, 'out/inHost');
const deadline = 600_000; // they take a minute, on two busy CPUs more than two

/** Types are checked by tsc; esbuild makes one file of each suite, with whatever it imports from src. */
async function build() {
  await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', source], { cwd: root, quiet: true });
  rmSync(out, { recursive: true, force: true });
  const { build } = await import('esbuild');
  const suites = readdirSync(source).filter(file => file.endsWith('.test.ts'));
  await build({
    absWorkingDir: root, bundle: true, platform: 'node', format: 'cjs', target: 'node20', sourcemap: 'inline', logLevel: 'warning',
    entryPoints: ['index.ts', ...suites].map(file => path.join(source, file)), outdir: out, external: ['vscode', 'mocha', 'cpu-features'], // the last: ssh2 does without where it cannot be loaded
  });
}

/** Opens the page that makes the server start the suites; resolves to the extension host's own verdict, 0 or 1. */
async function verdict(server, development) {
  const chromium = await browser();
  try {
    const page = await chromium.newPage();
    const exitCode = new Promise((resolve, reject) => {
      setTimeout(() => reject(new Error(`no verdict from the extension host within ${deadline / 1000} s`)), deadline).unref();
      page.once('crash', () => reject(new Error('the browser page crashed')));
      server.child.once('exit', () => reject(new Error('the workbench server ended')));
      // VS Code calls these two functions of the page when its smoke test driver is on.
      page.exposeFunction('codeAutomationExit', resolve).catch(reject);
    });
    await page.exposeFunction('codeAutomationLog', () => undefined);
    const remote = file => `vscode-remote://${server.host}${file}`;
    const payload = [['extensionDevelopmentPath', remote(development)], ['extensionTestsPath', remote(path.join(out, 'index.js'))]];
    await page.goto(server.url({ payload: JSON.stringify(payload) }));
    return await exitCode;
  } finally {
    await chromium.close();
  }
}

async function main() {
  await install();
  await build();
  const dir = path.join(work, 'in-host');
  await prepare(dir, { vsix });
  // VS Code runs tests only with some extension under development. An empty one, so that ours is the installed VSIX.
  const development = path.join(dir, 'empty-extension');
  mkdirSync(development);
  writeFileSync(path.join(development, 'package.json'), JSON.stringify({ name: 'empty', publisher: 'test', version: '0.0.0', engines: { vscode: '*' } }));
  // The extension host inherits the server's environment, CGROUP_LENS_TOTALS included; its console is not ours, so it writes a file.
  const report = path.join(dir, 'report.txt');
  // A home of its own: the suites connect by SSH, and no person's keys are theirs. VSCODE_CLI: the extension host takes this environment.
  const server = await start(dir, { testDriver: true, env: { CGROUP_LENS_REPORT: report, HOME: path.join(dir, 'home'), SSH_AUTH_SOCK: '', VSCODE_CLI: '1' } });
  try {
    return await verdict(server, development);
  } finally {
    await server.stop();
    console.log(existsSync(report) ? readFileSync(report, 'utf8') : `The suites wrote no report; the server's log is ${path.join(dir, 'server.log')}`);
  }
}

main().then(code => { process.exitCode = code; }, error => {
  if (isEnding()) return;
  console.error(error);
  process.exitCode = 1;
});
