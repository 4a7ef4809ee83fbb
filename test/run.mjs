// `npm test [-- SUITE …]`: installs what is missing, builds once, runs each suite in a process of its own and adds up the totals.
// It must run from a fresh clone: nothing imported from here may need an installed package.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { buildTools, ensureDebian } from './debian.mjs';
import { ensureImage, guestTools, imageTools } from './guests/image.mjs';
import { installPackages, root } from './install.mjs';
import { endOnSignals, isEnding, run } from './processes.mjs';
import { install, work } from './workbench/harness.mjs';

const mocha = (...args) => ['node_modules/mocha/bin/mocha.js', '--config', 'test/mocharc.json', '--reporter', 'test/totals.mjs', ...args];
/** A real sshd, and a user for each login shell. */
const sshd = { sshd: 'openssh-server', ssh: 'openssh-client', fish: 'fish', tcsh: 'tcsh', sudo: 'sudo', openssl: 'openssl', bash: 'bash' };
const shells = { bash: 'bash', busybox: 'busybox', dash: 'dash', gawk: 'gawk', mawk: 'mawk' };

/** In the order in which they run: the quickest answer first. `debian` maps a command to the package that has it. */
const suites = {
  unit: { node: mocha('out/test/unit/**/*.test.js'), debian: shells },
  kernel: { node: mocha('--timeout', '60000', 'out/test/kernel/**/*.test.js'), debian: { ...shells, ...buildTools, sudo: 'sudo', 'qemu-system-x86_64': 'qemu-system-x86' }, source: 'test/kernel' },
  ssh: {
    node: mocha('--timeout', '60000', 'out/test/ssh/**/*.test.js'),
    debian: sshd,
    source: 'test/ssh',
  },
  'in-host': { node: ['test/workbench/inHost.mjs'], debian: { chromium: 'chromium', ...buildTools }, workbench: true },
  browser: {
    node: mocha('--timeout', '60000', '--require', 'test/workbench/hooks.mjs', 'test/workbench/browser/*.test.mjs'),
    debian: { chromium: 'chromium', 'qemu-system-x86_64': 'qemu-system-x86', ...buildTools, ...sshd }, workbench: true,
  },
  guests: {
    // Two guests at once: each waits for itself most of the time. The longest first.
    node: mocha('--parallel', '--jobs', '2', '--timeout', '600000', '--require', 'test/workbench/hooks.mjs',
      'out/test/guests/oracle.test.js', 'out/test/guests/!(oracle).test.js', 'test/guests/*.test.mjs'),
    debian: { ...imageTools, ...guestTools, gcc: 'gcc', chromium: 'chromium', ...buildTools }, image: true, workbench: true, source: 'test/guests',
  },
};

async function main() {
  const asked = process.argv.slice(2);
  const unknown = asked.filter(name => !(name in suites));
  if (unknown.length) throw new Error(`There is no suite ${unknown.join(', ')}; there are ${Object.keys(suites).join(', ')}.`);
  // A suite whose source folder is not there yet is left out, unless it is asked for by name.
  const names = Object.keys(suites).filter(name => (asked.length ? asked.includes(name) : existsSync(path.join(root, suites[name].source ?? '.'))));
  await setUp(names.map(name => suites[name]));
  const total = { passed: 0, failed: 0, told: [] };
  for (const name of names) {
    console.log(`\n━━ ${name} ━━`);
    const { passed, problems } = await runSuite(name);
    for (const problem of problems) console.log(`✗ ${name}: ${problem.text}`);
    total.told.push(...problems.map(problem => `✗ ${name}: ${problem.text}${problem.more}`));
    total.passed += passed;
    total.failed += problems.reduce((sum, problem) => sum + problem.count, 0);
  }
  return total;
}

async function setUp(chosen) {
  await installPackages();
  await ensureDebian(Object.assign({}, ...chosen.map(suite => suite.debian)));
  const workbench = chosen.some(suite => suite.workbench);
  if (workbench) await install();
  if (chosen.some(suite => suite.image)) await ensureImage();
  console.log('Building …');
  const output = await run('npm', ['run', '--silent', workbench ? 'package' : 'build'], { cwd: root, quiet: true });
  if (/warning/i.test(output)) throw new Error(`Building gives a warning:\n${output}`);
  removeStaleTests();
}

/** Resolves to how many tests passed, and to what went wrong, each with the number of failures it stands for. */
async function runSuite(name) {
  const file = path.join(work, `totals-${name}.json`);
  mkdirSync(work, { recursive: true });
  rmSync(file, { force: true });
  const problems = [];
  const problem = (text, count = 1, more = '') => problems.push({ text, count, more });
  // The suite ends its own server and browser when it is told to stop: it is given time for that.
  const ended = await run(process.execPath, suites[name].node, { cwd: root, patience: 15_000, env: { ...process.env, CGROUP_LENS_TOTALS: file } })
    .then(() => undefined, error => error.message);
  if (!existsSync(file)) {
    problem(`did not run to its end${ended ? `: ${ended}` : ''}`);
    return { passed: 0, problems };
  }
  const { passes, failures, pending, failed } = JSON.parse(readFileSync(file, 'utf8'));
  if (failures) problem(`${failures} failed`, failures, failed.map(({ title, why }) => `\n\n${title}\n${indented(why)}`).join(''));
  for (const title of pending) problem(`"${title}" was skipped; a skipped test counts as failed`);
  if (passes + failures + pending.length === 0) problem('ran no tests');
  if (ended && !failures) problem(ended);
  return { passed: passes, problems };
}

/** tsc never removes the output of a test file that was deleted or renamed. */
function removeStaleTests() {
  const out = path.join(root, 'out/test');
  if (!existsSync(out)) return;
  for (const file of readdirSync(out, { recursive: true })) {
    if (file.endsWith('.test.js') && !existsSync(path.join(root, 'test', file.replace(/\.js$/, '.ts')))) rmSync(path.join(out, file));
  }
}

const indented = text => text.split('\n').slice(0, 40).map(line => `    ${line.slice(0, 500)}`).join('\n');

/** What failed is told once more at the end: who keeps only the end of a long log still learns it. */
function finish({ passed, failed, told = [] }) {
  process.exitCode = failed ? 1 : 0;
  if (told.length) console.log(`\n━━ what failed ━━\n${told.join('\n')}`);
  console.log(`\n${passed} passed, ${failed} failed`);
}

endOnSignals();
main().then(finish, error => {
  if (isEnding()) return;
  console.log(`\n✗ ${error.message}`);
  finish({ passed: 0, failed: 1 });
});
