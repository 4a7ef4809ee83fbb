// `npm run bench:ssh`: one refresh of 2,000 threads over loopback SSH beside `ssh HOST ps -eL…` of OpenSSH with a control
// socket, by the same user of the same sshd. As root. Every round runs both, one after the other; medians are shown.
import { createRequire } from 'node:module';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { buildTools, ensureDebian } from '../debian.mjs';
import { root } from '../install.mjs';
import { begin, closeAtEnd, endOnSignals, isEnding, run, stop } from '../processes.mjs';
import { Crowd } from './crowd.mjs';

const work = path.join(root, '.workbench/bench');
const SIZE = 2000;
const ROUNDS = 15;

async function main() {
  await ensureDebian({ ...buildTools, ps: 'procps', ssh: 'openssh-client', sshd: 'openssh-server', fish: 'fish', tcsh: 'tcsh', mawk: 'mawk' });
  await run('npm', ['run', '--silent', 'build'], { cwd: root, quiet: true });
  mkdirSync(work, { recursive: true });
  const program = path.join(work, 'qemu-system-bench');
  await run('gcc', ['-O2', '-Wall', '-Wextra', '-Werror', '-pthread', '-o', program, path.join(root, 'test/bench/threads.c')]);
  const built = createRequire(path.join(root, 'out/test/bench/'));
  const { Sshd, makeKey } = built('../ssh/support/sshd.js');
  const { hostOf, sourceOf } = built('../ssh/support/client.js');
  const { cleanUp, newFolder } = built('../kernel/support/cleanUp.js');
  const crowd = new Crowd(program);
  let master;
  const end = async () => {
    if (master) await stop(master);
    await crowd.disperse();
    await cleanUp();
  };
  const forget = closeAtEnd(end);
  try {
    crowd.prepare();
    await crowd.growTo(SIZE);
    const sshd = await Sshd.start();
    const key = makeKey(path.join(newFolder('bench'), 'id'));
    sshd.authorize(`${key}.pub`);
    const known = sshd.known();
    const host = hostOf(sshd, { identityFiles: [key], knownHostsFiles: [known] });
    const source = sourceOf(host);
    const ssh = ['ssh', '-F', 'none', '-i', key, '-o', `UserKnownHostsFile=${known}`, '-o', `ControlPath=${path.join(work, 'control')}`, '-p', String(sshd.port), 'op@127.0.0.1'];
    master = begin(ssh[0], [...ssh.slice(1, -1), '-M', '-N', ssh.at(-1)], { stdio: 'ignore' });
    await new Promise(resolve => setTimeout(resolve, 1000));
    const times = { ours: [], openssh: [] };
    for (let round = -2; round < ROUNDS; round++) {
      const ours = await timed(() => refresh(source));
      await new Promise(resolve => setTimeout(resolve, 300)); // as between two refreshes: the next shell is opened meanwhile
      const openssh = await timed(() => run(ssh[0], [...ssh.slice(1), 'ps', '-eLo', 'pid,tid,psr,cls,rtprio,ni,comm,cgroup'], { quiet: true }));
      if (round < 0) continue;
      times.ours.push(ours);
      times.openssh.push(openssh);
    }
    host.disconnect();
    const [ours, openssh] = [median(times.ours), median(times.openssh)];
    console.log(`${SIZE} threads, ${ROUNDS} rounds: refresh over SSH ${ours.toFixed(0)} ms, ssh HOST ps ${openssh.toFixed(0)} ms`);
    console.log(`bench: refresh/ps ${(ours / openssh).toFixed(2)}`);
  } finally {
    if (!isEnding()) {
      forget();
      await end();
    }
  }
}

/** A bench of something that does not work would be worthless. */
async function refresh(source) {
  const { files, collection } = await source.collect(new AbortController().signal);
  let threads = 0;
  for (const file of files.keys()) if (/^\/proc\/\d+\/task\/\d+\/stat$/.test(file)) threads++;
  if (!collection.complete || threads < SIZE) throw new Error(`${threads} of ${SIZE} threads were read`);
}

async function timed(work) {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

const median = values => [...values].sort((a, b) => a - b)[values.length >> 1];

endOnSignals();
main().catch(error => {
  if (isEnding()) return;
  console.error(`✗ ${error.message}`);
  process.exitCode = 1;
});
