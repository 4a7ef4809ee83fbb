// `npm run bench:apply`: 256 threads moved by a plan, beside a plain loop of `sh` that makes the same checks (start time and
// place) and reads nothing back. As root. Every round runs both, there and back by turns; the median of the ratios is shown.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { buildTools, ensureDebian } from '../debian.mjs';
import { root } from '../install.mjs';
import { closeAtEnd, endOnSignals, isEnding, run } from '../processes.mjs';

const THREADS = 256;
const ROUNDS = 40;

async function main() {
  await ensureDebian({ ...buildTools, dash: 'dash' });
  await run('npm', ['run', '--silent', 'build'], { cwd: root, quiet: true });
  const built = createRequire(path.join(root, 'out/test/bench/'));
  const { cleanUp } = built('../kernel/support/cleanUp.js');
  const { makeCgroup } = built('../kernel/support/cgroups.js');
  const { namedThreads } = built('../kernel/support/helper.js');
  const { applyCommand, moveStep, placeOf, planOf, taskOf } = built('../kernel/support/plans.js');
  const forget = closeAtEnd(cleanUp);
  const awake = setInterval(() => undefined, 1000); // what the tests start keeps nobody awake
  try {
    const { pid, tids } = await namedThreads(Array.from({ length: THREADS }, (_, i) => Buffer.from(`CPU ${i}/KVM`)));
    const groups = [makeCgroup('cpu', 'one'), makeCgroup('cpu', 'two')];
    for (const tid of tids) groups[0].addThread(tid);
    const tasks = tids.map(tid => taskOf(pid, tid));
    const ways = [groups, [...groups].reverse()].map(([from, to]) => ({
      to,
      ours: applyCommand(planOf(tasks.map(task => moveStep(task, from, to)))),
      plain: { argv: ['sh'], stdin: plainLoop(tasks, from, to) },
    }));
    const moved = async (how, way) => {
      const began = performance.now();
      const said = await shell(ways[way][how]);
      const took = performance.now() - began;
      const astray = tasks.filter(task => placeOf(task, 'cpu') !== ways[way].to.path);
      if (astray.length) throw new Error(`${how}: ${astray.length} threads were not moved: ${said.slice(-300)}`);
      return took;
    };
    const times = { ours: [], plain: [], ratios: [] };
    for (let round = -2; round < ROUNDS; round++) {
      const order = round % 2 === 0 ? ['ours', 'plain'] : ['plain', 'ours'];
      const took = {};
      for (const [way, how] of order.entries()) took[how] = await moved(how, way);
      if (round < 0) continue;
      times.ours.push(took.ours);
      times.plain.push(took.plain);
      times.ratios.push(took.ours / took.plain);
    }
    console.log(`${THREADS} moves, ${ROUNDS} rounds: a plan ${median(times.ours).toFixed(0)} ms, a plain loop of sh ${median(times.plain).toFixed(0)} ms`);
    console.log(`bench: plan/loop ${median(times.ratios).toFixed(2)}`);
  } finally {
    clearInterval(awake);
    if (!isEnding()) {
      forget();
      await cleanUp();
    }
  }
}

const plainLoop = (tasks, from, to) => `
pid=${tasks[0].pid} from=${from.path} to=${to.directory}
fail() { echo "$1" >&2; exit 1; }
for task in ${tasks.map(({ tid, startTime }) => `${tid}:${startTime}`).join(' ')}; do
  tid=\${task%:*} start=\${task#*:}
  IFS= read -r stat </proc/$pid/task/$tid/stat || fail "$tid is gone"
  set -- \${stat##*) }
  [ "\${20}" = "$start" ] || fail "$tid is another"
  place=
  while IFS= read -r line; do
    case $line in *:cpu:*) place=\${line#*:cpu:}; break ;; esac
  done </proc/$pid/task/$tid/cgroup
  [ "$place" = "$from" ] || fail "$tid is elsewhere"
  echo $tid >$to/tasks || fail "$tid was not moved"
done
`;

/** What it said, when it has ended. */
function shell({ argv, stdin }) {
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0], argv.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (said += chunk));
    child.on('error', reject).on('close', () => resolve(said));
    child.stdin.end(stdin);
  });
}

const median = values => [...values].sort((a, b) => a - b)[values.length >> 1];

endOnSignals();
main().catch(error => {
  if (isEnding()) return;
  console.error(error);
  process.exitCode = 1;
});
