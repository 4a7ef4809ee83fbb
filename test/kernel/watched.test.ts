import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_QEMU_EXECUTABLES, collectCommand } from '../../src/core/collect/script';
import { tasksQuestion } from '../../src/core/collect/tasks';
import { cleanUp, commandOf, markedProcesses, required, start } from './support/cleanUp';

/** Over a network the end of standard input is all that a host sees of a reader that is gone. */
for (const [title, first, { prelude, stdin }] of [
  ['a collector that is watched', '=cgroup-lens 1', collectCommand({ qemuExecutables: DEFAULT_QEMU_EXECUTABLES, asRoot: false }, true)],
  ['the question for all tasks, watched', '=cgroup-lens-tasks 1', tasksQuestion.command({ watched: true, asRoot: false })],
] as const) describe(title, () => {
  afterEach(cleanUp);

  for (const shell of [['dash'], ['bash'], ['busybox', 'sh']]) {
    const begin = () => {
      const child = start(required(shell[0]!), shell.slice(1), { detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
      let [out, err] = ['', ''];
      child.stdout!.on('data', chunk => (out += chunk));
      child.stderr!.on('data', chunk => (err += chunk));
      const closed = new Promise<NodeJS.Signals | null>(resolve => child.once('close', (_, signal) => resolve(signal)));
      return { child, closed, said: () => ({ out, err }) };
    };

    it(`${shell.join(' ')}: gives the whole answer while standard input stays open, and ends by itself`, async () => {
      const { child, closed, said } = begin();
      child.stdin!.write(prelude + stdin);
      assert.equal(await closed, null);
      assert.match(said().out, new RegExp(`^\\n?${first}\\n[^]*\\n=end\\n$`));
      assert.equal(said().err.replace(/^(grep: \d+(\/task\/\d+)?\/(status|cgroup): No such .*|\S*awk: read error .*)\n/gm, ''), ''); // but for tasks that have ended: the shell's own
    });

    it(`${shell.join(' ')}: ends with all that it started when standard input ends`, async () => {
      const { child, closed } = begin();
      // A tool that would wait for an hour stands for a host that is slow.
      child.stdin!.write(prelude.replace(`echo '${first}'`, `echo '${first}'; sleep 3600`) + stdin);
      await new Promise(resolve => child.stdout!.once('data', resolve));
      child.stdin!.end();
      assert.equal(await closed, 'SIGKILL');
      for (const until = Date.now() + 5000; markedProcesses().length > 0 && Date.now() < until; ) await sleep(10);
      assert.deepEqual(markedProcesses().map(commandOf), []);
    });
  }
});
