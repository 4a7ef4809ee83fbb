import assert from 'node:assert/strict';
import { makeCgroup } from './support/cgroups';
import { PREFIX, cleanUp, start } from './support/cleanUp';
import { collectModel, machineOf, placesIn, problemsBelow, threadOf } from './support/collect';
import { helper, namedThreads } from './support/helper';
import { trees } from './support/mounts';

describe('while it is being read', function () {
  this.timeout(120_000); // beside ten thousand threads of somebody else each collection takes a second
  afterEach(cleanUp);

  it('threads, processes and cgroups that come and go: no failure, and each thread that is shown is whole', async () => {
    const base = makeCgroup('cpu', 'churn');
    const child = start(helper('qemu-system-test'), ['churn', '200', base.directory.toString()]);
    await new Promise(resolve => child.stdout!.once('data', resolve));
    // Listed behind all that moves: whatever a dying thread does to the collector must not cost it anything.
    const still = await namedThreads(Array.from({ length: 20 }, (_, i) => Buffer.from(`CPU ${i}/KVM`)));
    const keys = trees().map(t => t.key).sort();
    const seen = new Set<string>();
    for (let i = 0; i < 20; i++) {
      const collected = await collectModel();
      const machines = collected.model.machines.filter(m => m.emulator === 'qemu-system-test' && m.threads.some(({ membership }) => membership.places.get('cpu')?.path.startsWith(base.path)));
      assert.ok(machineOf(collected.model, child.pid).threads.length > 100);
      const { threads } = machineOf(collected.model, still.pid);
      assert.deepEqual(threads.map(t => t.tid).sort((a, b) => a - b), [still.pid, ...still.tids].sort((a, b) => a - b));
      for (const thread of threads) assert.ok(thread.cpusAllowed !== undefined && thread.runTime !== undefined && thread.membership.places.get('cpu')?.cgroup?.directory !== undefined);
      for (const thread of machines.flatMap(m => m.threads)) {
        assert.deepEqual([...thread.membership.places.keys()].sort(), keys, `thread ${thread.tid}`);
        const { path, cgroup } = thread.membership.places.get('cpu')!;
        assert.ok(path === '/' || new RegExp(`^${base.path}(/\\d+)?$`).test(path), path);
        assert.equal(cgroup?.path, path);
        assert.ok(thread.startTime > 0 && thread.comm !== '');
        seen.add(thread.key);
      }
      const twice = machines.flatMap(m => m.threads.map(t => t.tid)).filter((tid, j, all) => all.indexOf(tid) !== j);
      assert.deepEqual(twice, []);
      assert.deepEqual(problemsBelow(collected, machines.map(m => m.pid), PREFIX), []);
      assert.deepEqual(collected.model.collection.remarks, []);
    }
    assert.ok(seen.size > 300, `only ${seen.size} threads came and went`);
  });

  it('a thread that is moved without end: once in each model, in one of the two places, and never in a third', async () => {
    const [one, two] = [makeCgroup('cpu', 'one'), makeCgroup('cpu', 'two')];
    const child = start(helper('qemu-system-test'), ['migrate', one.directory.toString(), two.directory.toString()]);
    const tid = Number(await new Promise(resolve => child.stdout!.once('data', resolve)));
    one.addThread(tid);
    const seen = new Map<string, number>();
    for (let i = 0; i < 50; i++) {
      const { model } = await collectModel();
      const path = placesIn(threadOf(machineOf(model, child.pid), tid))['cpu']!;
      seen.set(path, (seen.get(path) ?? 0) + 1);
    }
    assert.deepEqual([...seen.keys()].sort(), [one.path, two.path], JSON.stringify([...seen]));
  });
});
