// `npm run bench [-- --quick]`: what one collection costs on real threads, beside what others need for the same. As root.
// Every round runs each competitor once, one after the other, so that whatever else this machine does meets all of
// them; the medians are shown. Nothing is asserted: the times are a machine's, the ratios are ours to judge.
import * as esbuild from 'esbuild';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buildTools, ensureDebian } from '../debian.mjs';
import { root } from '../install.mjs';
import { begin, closeAtEnd, endOnSignals, isEnding, run } from '../processes.mjs';
import { Crowd } from './crowd.mjs';
import { median, ms } from './numbers.mjs';

const work = path.join(root, '.workbench/bench');
const program = name => path.join(work, name);
const quick = process.argv.includes('--quick');
const SIZES = [100, 1000, 2000, 10_000];
const rounds = size => (quick ? 5 : size < 10_000 ? 15 : 25);
const PS = ['ps', '-eLo', 'pid,tid,psr,cls,rtprio,ni,comm,cgroup'];

async function main() {
  await ensureDebian({ ...buildTools, ps: 'procps', mawk: 'mawk', gawk: 'gawk', busybox: 'busybox', dash: 'dash', bash: 'bash' });
  mkdirSync(work, { recursive: true });
  for (const [source, name] of [['threads.c', 'qemu-system-bench'], ['readloop.c', 'readloop']]) {
    await run('gcc', ['-O2', '-Wall', '-Wextra', '-Werror', '-pthread', '-o', program(name), path.join(root, 'test/bench', source)]);
  }
  const core = await bundleCore();
  const crowd = new Crowd(program('qemu-system-bench'));
  const disperse = () => crowd.disperse();
  const forget = closeAtEnd(disperse);
  try {
    crowd.prepare();
    const results = [];
    for (const size of SIZES) {
      await crowd.growTo(size);
      results.push(await measure(core, size));
    }
    await variants(core);
    report(results);
  } finally {
    if (!isEnding()) {
      forget();
      await disperse();
    }
  }
}

/** src/core as the extension has it: bundled and minified. */
async function bundleCore() {
  const outfile = program('core.mjs');
  const contents = `
    export { collectCommand, DEFAULT_QEMU_EXECUTABLES, HELPERS, MANAGERS } from './collect/script';
    export { LiveSource } from './collect/collect';
    export { LocalHost } from './host/localHost';
    export { buildModel } from './model/buildModel';`;
  await esbuild.build({
    stdin: { contents, resolveDir: path.join(root, 'src/core'), loader: 'ts' },
    outfile, bundle: true, platform: 'node', format: 'esm', target: 'node20', minify: true, keepNames: true, logLevel: 'warning',
    banner: { js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);` },
  });
  const core = await import(outfile);
  const qemu = core.DEFAULT_QEMU_EXECUTABLES;
  const source = new core.LiveSource('bench', new core.LocalHost('bench'), () => ({ qemuExecutables: qemu, asRoot: false }));
  return {
    command: scriptOf(core.collectCommand({ qemuExecutables: qemu, asRoot: false }, false)),
    collect: () => source.collect(new AbortController().signal),
    build: snapshot => core.buildModel(snapshot, source, { qemu, managers: core.MANAGERS, helpers: core.HELPERS }),
  };
}

/** As the local host runs it: all at once. */
const scriptOf = ({ argv, prelude, stdin }) => ({ argv, stdin: prelude + stdin });

async function measure(core, size) {
  const snapshot = await core.collect();
  const { model, problems } = await core.build(snapshot);
  check(snapshot, model, problems, size);
  const list = writeList(snapshot);
  const times = { collector: [], ps: [], c: [], total: [], model: [], slice: [] };
  for (let round = -1; round < rounds(size); round++) {
    const collector = await timed(core.command.argv, core.command.stdin);
    const ps = await timed(PS);
    const c = await timed([program('readloop'), list]);
    const all = await total(core);
    if (round < 0) continue; // warms up: this process, and what the kernel caches of each file
    times.collector.push(collector.took);
    times.ps.push(ps.took);
    times.c.push(c.took);
    for (const name of ['total', 'model', 'slice']) times[name].push(all[name]);
  }
  const medians = Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)]));
  const result = { size, ...medians, longest: Math.max(...times.slice) };
  console.log(
    `${String(size).padStart(6)} threads, ${rounds(size)} rounds: collector ${ms(result.collector)}, ps ${ms(result.ps)}, c ${ms(result.c)}, ` +
      `total ${ms(result.total)} (model ${ms(result.model)} of it), longest slice ${ms(result.slice)} (worst round ${ms(result.longest)})`,
  );
  return result;
}

/** Collection, decoding and model in this process, and the longest time that nothing else had its turn meanwhile. */
async function total(core) {
  let last = performance.now();
  let slice = 0;
  const tick = () => {
    const now = performance.now();
    slice = Math.max(slice, now - last);
    last = now;
  };
  const ticking = setInterval(tick, 1);
  const began = performance.now();
  const snapshot = await core.collect();
  const collected = performance.now();
  await core.build(snapshot);
  const ended = performance.now();
  tick();
  clearInterval(ticking);
  return { total: ended - began, model: ended - collected, slice };
}

/** Runs a command and reads its answer to the end. */
function timed(argv, stdin = '') {
  return new Promise((resolve, reject) => {
    const began = performance.now();
    const child = begin(argv[0], argv.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] });
    let bytes = 0;
    child.stdout.on('data', chunk => (bytes += chunk.length));
    child.stderr.resume();
    child.stdin.on('error', () => undefined); // ps and readloop read none
    child.once('error', reject);
    child.once('close', code => (code === 0 ? resolve({ took: performance.now() - began, bytes }) : reject(new Error(`${argv[0]} ended with ${code}`))));
    child.stdin.end(stdin);
  });
}

/** A bench of something that does not work would be worthless. */
function check(snapshot, model, problems, size) {
  const ours = model.machines.filter(machine => machine.emulator === 'qemu-system-bench');
  const threads = ours.flatMap(machine => machine.threads);
  const whole = threads.filter(t => t.cpusAllowed && t.runDelay !== undefined && [...t.membership.places.values()].some(p => p.cgroup?.path.includes('cgroup-lens-bench')));
  if (!snapshot.collection.complete || whole.length !== size) {
    throw new Error(`${whole.length} of ${size} threads were read whole; problems: ${JSON.stringify(problems.slice(0, 5))}; remarks: ${snapshot.collection.remarks.join('; ')}`);
  }
}

/** The files that the collector read, for readloop. */
function writeList(snapshot) {
  const list = program('files');
  // /proc/PID/status is cut from the leader's own (PID/task/PID/status): the collector does not open it a second time.
  const files = [...snapshot.files.keys()].filter(file => !/^\/proc\/\d+\/status$/.test(file));
  writeFileSync(list, Buffer.from(files.map(file => `${file}\0`).join('')));
  return list;
}

/** The same script by other shells and other awks, for information. */
async function variants(core) {
  const { argv, stdin } = core.command;
  const by = (shell, awk) => [[...shell, ...argv.slice(1)], stdin.replaceAll('awk=mawk', `awk=${awk}`)];
  const runs = {
    'dash, mawk': by(['dash'], 'mawk'),
    'bash, mawk': by(['bash'], 'mawk'),
    'dash, gawk': by(['dash'], 'gawk'),
    'busybox sh, busybox awk': by(['busybox', 'sh'], '"busybox awk"'),
  };
  const times = Object.fromEntries(Object.keys(runs).map(name => [name, []]));
  for (let round = 0; round < 3; round++) {
    for (const [name, command] of Object.entries(runs)) times[name].push((await timed(...command)).took);
  }
  console.log(`the collector by ${Object.entries(times).map(([name, values]) => `${name}: ${ms(median(values))}`).join('; ')}`);
}

function report(results) {
  console.log('growth, ms per 1,000 threads:');
  for (const name of ['collector', 'total', 'model', 'ps', 'c']) {
    const each = results.map(result => `${((result[name] / result.size) * 1000).toFixed(1)} at ${result.size}`);
    const [small, large] = [results.at(-2), results.at(-1)];
    const added = ((large[name] - small[name]) / (large.size - small.size)) * 1000;
    console.log(`  ${name.padEnd(9)} ${each.join(', ')}; ${added.toFixed(1)} for each further thousand`);
  }
  const { collector, ps, c, total } = results.at(-1);
  const ratio = (a, b) => (a / b).toFixed(2);
  console.log(`bench: collector/ps ${ratio(collector, ps)}, collector/c ${ratio(collector, c)}, total/ps ${ratio(total, ps)}`);
}

endOnSignals();
main().catch(error => {
  if (isEnding()) return;
  console.error(`✗ ${error.message}`);
  process.exitCode = 1;
});
