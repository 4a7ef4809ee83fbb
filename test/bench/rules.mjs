// `npm run bench:rules`: what all rules cost on a host of 10,000 threads beside what it costs to make its model, in one
// run, and how long they keep everything else from its turn. 256 machines in libvirt's layout, in v2 and in v1: as they
// should be, pinned to CPUs that they share, and with each vCPU in `emulator`.
import * as esbuild from 'esbuild';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../install.mjs';
import { manyMachines } from './manyMachines.mjs';
import { median, ms } from './numbers.mjs';

const ROUNDS = Number(process.env.ROUNDS ?? 5);
const HOSTS = { v2: { capture: 'guest-v2', pid: 519 }, v1: { capture: 'guest-hybrid', pid: 450 } };
const SIZE = { machines: 256, vcpus: 24, workers: 14, cpus: 256 };
const VARIANTS = { healthy: {}, pinned: { pinned: true }, misplaced: { misplaced: true } };

async function main() {
  const core = await bundleCore();
  let worst = 0;
  let longest = 0;
  for (const [version, { capture, pid }] of Object.entries(HOSTS)) {
    const { snapshot } = core.parseCapture(core.decodeBytes(readFileSync(path.join(root, `test/fixtures/hosts/${capture}.capture`))));
    for (const [variant, about] of Object.entries(VARIANTS)) {
      const result = await measure(core, manyMachines(snapshot, { pid, ...SIZE, ...about }));
      if (variant === 'healthy' && result.worst.length > 0) throw new Error(`a healthy host has faults: ${[...new Set(result.worst)].join(', ')}`);
      const { threads, findings, parsing, rules, rated, slice } = result;
      const ratio = Math.max(rules, rated) / parsing;
      worst = Math.max(worst, ratio);
      longest = Math.max(longest, slice);
      console.log(`${version}, ${variant}: ${threads} threads, ${findings} findings: model ${ms(parsing)}, rules ${ms(rules)}, with rates ${ms(rated)}, ratio ${ratio.toFixed(2)}, longest slice ${ms(slice)}`);
      for (const [id, took] of result.byRule.slice(0, 3)) console.log(`    ${id} ${ms(took)}`);
    }
  }
  console.log(`bench:rules: rules/parsing ${worst.toFixed(2)} (below 1), longest slice ${ms(longest)} (below 50 ms)`);
  if (worst >= 1) throw new Error('the rules cost more than the model');
}

async function bundleCore() {
  const outfile = path.join(root, '.workbench/bench/rules.mjs');
  mkdirSync(path.dirname(outfile), { recursive: true });
  const contents = `
    export { DEFAULT_QEMU_EXECUTABLES, HELPERS, MANAGERS } from './collect/script';
    export { parseCapture } from './capture/format';
    export { decodeBytes } from './parse/bytes';
    export { buildModel } from './model/buildModel';
    export { paced } from './model/pace';
    export { Rates } from './model/rates';
    export { CheckedHost } from './rules/checkedHost';
    export { ALL_RULES, checking, findingsOf } from './rules/allRules';`;
  await esbuild.build({
    stdin: { contents, resolveDir: path.join(root, 'src/core'), loader: 'ts' },
    outfile, bundle: true, platform: 'node', format: 'esm', target: 'node20', minify: true, logLevel: 'warning',
    banner: { js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);` },
  });
  const core = await import(outfile);
  return { ...core, build: async snapshot => (await core.buildModel(snapshot, { id: 'bench', label: 'bench' }, { qemu: core.DEFAULT_QEMU_EXECUTABLES, managers: core.MANAGERS, helpers: core.HELPERS })).model };
}

async function measure(core, snapshot) {
  const later = { ...snapshot, files: new Map(snapshot.files).set('/proc/uptime', snapshot.files.get('/proc/uptime').replace(/^\d+/, seconds => String(Number(seconds) + 1))) };
  const before = await core.build(snapshot);
  const times = { parsing: [], rules: [], rated: [], slice: [] };
  let model;
  let findings;
  for (let round = -1; round < ROUNDS; round++) {
    const began = performance.now();
    model = await core.build(later); // a new one: what was found of an older one must not help
    const parsed = performance.now();
    findings = core.findingsOf(model);
    const checked = performance.now();
    const fresh = await core.build(later);
    const rates = new core.Rates(before, fresh);
    const started = performance.now();
    core.findingsOf(fresh, rates);
    const rated = performance.now() - started;
    const another = await core.build(later);
    const slice = await longestSlice(() => core.paced(core.checking(new core.CheckedHost(another, new core.Rates(before, another))), 1));
    if (round < 0) continue; // warms up
    times.parsing.push(parsed - began);
    times.rules.push(checked - parsed);
    times.rated.push(rated);
    times.slice.push(slice);
  }
  check(model);
  return { threads: model.machines.reduce((sum, { threads }) => sum + threads.length, 0), findings: findings.length, worst: findings.flatMap(({ rule, severity }) => (severity === 'error' || severity === 'warning' ? [rule] : [])), parsing: median(times.parsing), rules: median(times.rules), rated: median(times.rated), slice: Math.max(...times.slice), byRule: costs(core, model, before) };
}

/** The longest time that nothing else had its turn, but for what other processes had of it. */
async function longestSlice(work) {
  const now = () => ({ wall: performance.now(), cpu: Object.values(process.cpuUsage()).reduce((sum, time) => sum + time, 0) / 1000 });
  let last = now();
  let longest = 0;
  const tick = () => {
    const { wall, cpu } = now();
    longest = Math.max(longest, Math.min(wall - last.wall, cpu - last.cpu));
    last = { wall, cpu };
  };
  const ticking = setInterval(tick, 1);
  await work();
  tick();
  clearInterval(ticking);
  return longest;
}

/** Which rules cost the most. */
function costs(core, model, before) {
  const host = new core.CheckedHost(model, new core.Rates(before, model));
  return core.ALL_RULES.map(rule => {
    const began = performance.now();
    for (const machine of model.machines) for (const _ of rule.check(host, machine)); // some are found one by one
    return [rule.id, performance.now() - began];
  }).sort((a, b) => b[1] - a[1]);
}

/** A bench of something else would be worthless. */
function check(model) {
  const roles = model.machines.map(({ threads }) => threads.filter(({ role }) => role.kind === 'vcpu').length);
  const threads = model.machines.flatMap(machine => machine.threads);
  const whole = threads.filter(({ cpusAllowed, membership }) => cpusAllowed && [...membership.places.values()].some(({ cgroup }) => cgroup?.path.includes('/libvirt/')));
  if (roles.length !== SIZE.machines || roles.some(count => count !== SIZE.vcpus) || whole.length !== threads.length || threads.length < 10_000) throw new Error(`${roles.length} machines, ${whole.length} of ${threads.length} threads whole, ${roles[0]} vCPUs`);
}

main().catch(error => {
  console.error(`✗ ${error.message}`);
  process.exitCode = 1;
});
