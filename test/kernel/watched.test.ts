import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULT_QEMU_EXECUTABLES, collectCommand } from '../../src/core/collect/script';
import { cleanUp, commandOf, markedProcesses, required, start } from './support/cleanUp';

/** Over a network the end of standard input is all that a host sees of a reader that is gone. */
describe('a collector that is watched', () => {
  afterEach(cleanUp);

  const { prelude, stdin } = collectCommand({ qemuExecutables: DEFAULT_QEMU_EXECUTABLES, asRoot: false }, true);

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
      assert.match(said().out, /^\n=cgroup-lens 1\n[^]*\n=end\n$/);
      assert.equal(said().err, '');
    });

    it(`${shell.join(' ')}: ends with all that it started when standard input ends`, async () => {
      const { child, closed } = begin();
      // A tool that would wait for an hour stands for a host that is slow.
      child.stdin!.write(prelude.replace("echo '=cgroup-lens 1'", "echo '=cgroup-lens 1'; sleep 3600") + stdin);
      await new Promise(resolve => child.stdout!.once('data', resolve));
      child.stdin!.end();
      assert.equal(await closed, 'SIGKILL');
      for (const until = Date.now() + 5000; markedProcesses().length > 0 && Date.now() < until; ) await sleep(10);
      assert.deepEqual(markedProcesses().map(commandOf), []);
    });
  }
});
