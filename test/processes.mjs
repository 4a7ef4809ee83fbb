// Every process that the tests and `npm start` begin is begun here, so that none outlives them.
// Processes are only ever ended by the number of a group that was begun here, never by a name.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const windows = process.platform === 'win32';
/** What still runs, and how many milliseconds it is given to end by itself; Infinity: it is left to finish its work. */
const running = new Map();
const closers = new Set();
let listening = false;
let ending;

/** True once a signal has told us to stop: what fails after that is not worth a message. */
export const isEnding = () => ending !== undefined;

/** Starts a process as the leader of a group of its own, so that a signal reaches its children too. */
export function begin(command, args, { patience = 5000, ...options } = {}) {
  if (isEnding()) throw new Error(`${command} is not started: everything is being stopped`);
  const child = spawn(command, args, { stdio: 'inherit', ...options, detached: !windows, shell: windows });
  if (child.pid === undefined) return child; // it could not be started: its 'error' event says why
  running.set(child, patience);
  child.once('exit', () => { if (!alive(child)) running.delete(child); });
  return child;
}

/** Runs a command to its end and resolves to its output; rejects if it fails. quiet: the output is only shown in that error. */
export function run(command, args, { quiet = false, ...options } = {}) {
  return new Promise((resolve, reject) => {
    const child = begin(command, args, { ...options, stdio: quiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', text => { output += text; });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (isEnding()) return; // never settled: nobody is to start the next step
      if (code === 0) return resolve(output);
      reject(new Error(`\`${command} ${args.join(' ')}\` ended with ${signal ?? `exit code ${code}`}${output && `:\n${output.trimEnd()}`}`));
    });
  });
}

/** Ends a process and all of its group, by force if it takes too long. */
export async function stop(child) {
  const patience = running.get(child);
  if (patience === undefined) return;
  if (patience !== Infinity) signal(child, 'SIGTERM');
  if (!(await gone(child, patience))) {
    signal(child, 'SIGKILL');
    await gone(child, 2000);
  }
  running.delete(child);
}

/** Something to close besides processes, when a signal comes: the browser. Returns a function that forgets it. */
export function closeAtEnd(close) {
  closers.add(close);
  return () => closers.delete(close);
}

/** SIGINT, SIGTERM and SIGHUP end everything begun here before they end this process. */
export function endOnSignals(exitCode) {
  if (listening) return;
  listening = true;
  const end = name => {
    ending ??= endAll().finally(() => process.exit(exitCode ?? 128 + constants.signals[name]));
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => end(name));
  // npm hands SIGINT and SIGTERM on to its script, but not SIGHUP: then our parent is suddenly another.
  const parent = process.ppid;
  if (process.env.npm_lifecycle_event) setInterval(() => { if (process.ppid !== parent) end('SIGHUP'); }, 500).unref();
}

async function endAll() {
  await Promise.allSettled([...closers].map(close => close()));
  await Promise.allSettled([...running.keys()].map(stop));
}

process.on('exit', () => {
  for (const [child, patience] of running) if (patience !== Infinity) signal(child, 'SIGKILL');
});

const target = child => (windows ? child.pid : -child.pid);
function signal(child, name) {
  try { process.kill(target(child), name); } catch { /* it is gone */ }
}
function alive(child) {
  try { process.kill(target(child), 0); return true; } catch { return false; }
}
async function gone(child, patience) {
  for (const until = Date.now() + patience; alive(child);) {
    if (Date.now() > until) return false;
    await sleep(25);
  }
  return true;
}
