import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CollectError } from '../../src/core/errors';
import type { Machine } from '../../src/core/model/hostModel';
import { cleanUp, commandOf, markedProcesses, newFolder } from './support/cleanUp';
import { asNobody, collectModel, collectThrough, inPrivateMounts, machineOf, placesIn, problemsBelow } from './support/collect';
import { trees } from './support/mounts';
import { type PlacedQemu, placedQemu } from './support/placedQemu';
import { placesOf } from './support/readers';

describe('a user without rights', () => {
  let placed: PlacedQemu;
  before(async () => {
    placed = await placedQemu('unprivileged');
  });
  after(cleanUp);

  const facts = (machine: Machine): unknown => ({
    ...machine,
    rss: machine.rss !== undefined, // it grows between two looks
    threads: machine.threads.map(({ lastCpu: _, state: _state, runTime: _run, runDelay: _delay, flags: _flags, membership, ...thread }) => ({
      ...thread,
      places: [...membership.places].map(([key, { path, cgroup }]) => [key, path, { ...cgroup, parent: undefined, throttled: undefined, cpuPressure: undefined }]),
    })),
  });

  it('sees the same machine, threads, places and values as root', async () => {
    const asRoot = await collectModel();
    const collected = await collectThrough(asNobody());
    assert.equal(collected.raw.collection.user?.uid, 65534);
    assert.equal(collected.raw.links.get(`/proc/${placed.qemu.pid}/exe`), undefined, 'the executable is not for this user to see');
    assert.equal(asRoot.raw.links.get(`/proc/${placed.qemu.pid}/exe`)?.startsWith('/'), true);
    const machine = machineOf(collected.model, placed.qemu.pid);
    assert.deepEqual(facts(machine), facts(machineOf(asRoot.model, placed.qemu.pid)));
    for (const thread of machine.threads) assert.deepEqual(placesIn(thread), placesOf(thread.pid, thread.tid));
    assert.deepEqual(problemsBelow(collected, [placed.qemu.pid], 'cgroup-lens-test'), []);
    assert.deepEqual(collected.raw.collection.remarks, []);
  });

  for (const [who, through] of [['root', []], ['nobody', asNobody()]] as const) {
    it(`as ${who} it writes nothing: not where every user may, and not where nobody can`, async () => {
      // Every file system is read-only but these three, which are new, empty, and looked through afterwards.
      const scratch = ['/tmp', '/dev/shm', '/var/tmp'];
      const commands = [
        ...scratch.map(folder => `mount -t tmpfs -o mode=1777 tmpfs ${folder}`),
        `for m in /dev /sys ${trees().map(({ mountPoint }) => mountPoint).join(' ')} /; do mount -o remount,bind,ro $m; done`,
        // Not in the place of this shell, which has to look afterwards.
        `"$@"; { find ${scratch.join(' ')} -mindepth 1; echo looked; } >&2; exit 0`,
      ];
      const collected = await collectThrough([...inPrivateMounts(commands.join('\n')), ...through]);
      assert.deepEqual(collected.raw.collection.remarks, ['looked']);
      assert.equal(machineOf(collected.model, placed.qemu.pid).threads.filter(t => t.role.kind === 'vcpu').length, 4);
    });

    it(`as ${who} it leaves no process: not at its end, not when it is cancelled at any moment`, async () => {
      const mark = `CGROUP_LENS_COLLECTION=${who}`;
      const marked = ['env', mark, ...through];
      const took = Math.min(await timeOf(() => collectThrough(marked)), await timeOf(() => collectThrough(marked))); // the first one reads what is not in memory yet
      assert.deepEqual(markedProcesses(mark), []);
      let cancelled = 0;
      for (const part of [0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]) {
        const controller = new AbortController();
        setTimeout(() => controller.abort(), took * part);
        try {
          await collectThrough(marked, controller.signal);
        } catch (error) {
          assert.ok(CollectError.is(error, 'cancelled'), String(error));
          cancelled += 1;
        }
        assert.deepEqual(await leftAfterAMoment(mark), []);
      }
      assert.ok(cancelled >= 5, `only ${cancelled} of 11 were still under way`);
    });
  }

  it('cancelled while a tool hangs it ends that tool too', async () => {
    const mark = 'CGROUP_LENS_COLLECTION=hanging';
    const folder = newFolder('hanging');
    writeFileSync(join(folder, 'xargs'), '#!/bin/sh\nsleep 1000\n', { mode: 0o755 });
    const controller = new AbortController();
    const collection = collectThrough(['env', mark, `PATH=${folder}:${process.env['PATH']}`], controller.signal);
    for (const until = Date.now() + 10_000; !markedProcesses(mark).some(pid => commandOf(pid).startsWith('sleep')); await sleep(10)) assert.ok(Date.now() < until, 'nothing hangs');
    controller.abort();
    await assert.rejects(collection, (error: unknown) => CollectError.is(error, 'cancelled'));
    assert.deepEqual(await leftAfterAMoment(mark), []);
  });

  it('cancelled before it begins it starts nothing', async () => {
    await assert.rejects(collectModel(AbortSignal.abort()), (error: unknown) => CollectError.is(error, 'cancelled'));
  });
});

/** What was sent SIGKILL needs a moment to be gone. */
async function leftAfterAMoment(mark: string): Promise<string[]> {
  for (const until = Date.now() + 5000; markedProcesses(mark).length > 0 && Date.now() < until; ) await sleep(5);
  return markedProcesses(mark).map(commandOf);
}

/** Milliseconds. */
async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}
