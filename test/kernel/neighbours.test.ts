import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { tasksQuestion } from '../../src/core/collect/tasks';
import { findingNeighbours } from '../../src/core/model/neighbours';
import { atOnce } from '../../src/core/model/pace';
import { decodeBytes } from '../../src/core/parse/bytes';
import { CpuSet } from '../../src/core/parse/cpuList';
import type { RawTasks } from '../../src/core/rawSnapshot';
import { cleanUp, required, start } from './support/cleanUp';
import { asNobody, askThrough, collectModel, inPrivateMounts } from './support/collect';
import { namedThreads } from './support/helper';
import { THREAD_NAMES } from './support/hostile';
import { placedQemu } from './support/placedQemu';
import { SHELLS, awks, withTools } from './support/tools';

describe('who else is on a CPU', () => {
  let bound: number;
  let hostile: { pid: number; tids: number[] };
  let reference: unknown;

  before(async () => {
    // `sleep` takes its place a moment after taskset has begun.
    bound = start(required('taskset'), ['-c', '1', required('sleep'), '1000']).pid;
    hostile = await namedThreads(THREAD_NAMES);
    start(required('taskset'), ['-acp', '0', String(hostile.pid)]);
    for (const until = Date.now() + 30_000; !(allowed(bound) === '1' && comm(bound) === 'sleep' && hostile.tids.every(tid => allowed(tid) === '0')); ) {
      assert.ok(Date.now() < until);
      await new Promise(resolve => setTimeout(resolve, 10));
    }
    reference = facts(await ask());
  });
  after(cleanUp);

  const ask = (through: readonly string[] = []): Promise<RawTasks> => askThrough(through, tasksQuestion);
  const status = (pid: number): string => readFileSync(`/proc/${pid}/status`, 'latin1');
  const allowed = (pid: number): string => /^Cpus_allowed_list:\t(.*)$/m.exec(status(pid))![1]!;
  const comm = (pid: number): string => readFileSync(`/proc/${pid}/comm`, 'latin1').trimEnd();

  /** What others do on this machine meanwhile is no matter of ours. */
  function facts({ tasks, interrupts, errors, hides, collection }: RawTasks): unknown {
    assert.equal(collection.complete, true, collection.remarks.join('\n'));
    const ours = tasks.filter(({ pid, ppid, tid, name }) => pid === bound || pid === hostile.pid || tid <= 2 || (ppid === 2 && /^(ksoftirqd|migration)/.test(name)));
    return {
      tasks: ours.sort((a, b) => a.tid - b.tid),
      interrupts: interrupts?.map(({ irq, configured, handlers }) => ({ irq, configured, handlers: [...handlers].sort() })),
      errors: [...errors.values()].filter(errno => errno !== 'ENOENT' && errno !== 'ESRCH'),
      hides, user: collection.user, remarks: collection.remarks.filter(remark => !/setlocale/.test(remark)),
    };
  }

  it('every task has the affinity and the name that the kernel says, whatever that is', async () => {
    const { tasks } = await ask();
    const found = new Map(tasks.map(task => [task.tid, task]));
    assert.deepEqual(found.get(bound), { pid: bound, tid: bound, ppid: process.pid, name: 'sleep', cpus: '1' });
    for (const [i, tid] of hostile.tids.entries()) {
      assert.equal(found.get(tid)?.name, decodeBytes(THREAD_NAMES[i]!), JSON.stringify(THREAD_NAMES[i]!.toString('latin1')));
      assert.equal(found.get(tid)?.cpus, '0');
    }
    assert.equal(found.get(1)?.cpus, allowed(1));
  });

  it('every interrupt has the CPUs and the handlers that /proc/irq shows', async () => {
    const { interrupts } = await ask();
    const read = (irq: string, file: string): string | undefined => {
      try {
        return readFileSync(`/proc/irq/${irq}/${file}`, 'utf8').trim();
      } catch {
        return undefined;
      }
    };
    const expected = readdirSync('/proc/irq').filter(name => /^\d+$/.test(name)).sort((a, b) => Number(a) - Number(b)).map(irq => ({
      irq: Number(irq),
      effective: read(irq, 'effective_affinity_list'),
      configured: read(irq, 'smp_affinity_list'),
      handlers: readdirSync(`/proc/irq/${irq}`, { withFileTypes: true }).filter(it => it.isDirectory()).map(it => it.name).sort(),
    }));
    assert.ok(expected.length > 0);
    assert.deepEqual(interrupts!.map(it => ({ ...it, handlers: [...it.handlers].sort() })), expected);
  });

  for (const shell of SHELLS) {
    for (const awk of awks()) {
      for (const tools of ['GNU', 'busybox'] as const) {
        it(`${shell}, ${awk}, ${tools} tools say the same`, async () => assert.deepEqual(facts(await ask(withTools(shell, awk, tools))), reference));
      }
    }
  }

  it('names a bound task beside the machine\'s threads, and no thread of a machine twice', async () => {
    const { qemu } = await placedQemu('neighbours');
    const { model } = await collectModel();
    const found = atOnce(findingNeighbours(CpuSet.of(1), model, await ask()));
    assert.deepEqual(found.bound.filter(({ pid }) => pid === bound).map(({ tids, name, cpus }) => [tids, name, String(cpus)]), [[[bound], 'sleep', '1']]);
    assert.ok(!found.bound.some(({ pid }) => pid === qemu.pid || pid === hostile.pid));
    const ofQemu = model.machines.find(({ pid }) => pid === qemu.pid)!.threads.filter(({ cpusAllowed }) => cpusAllowed!.has(1));
    assert.deepEqual(found.threads.filter(({ machine }) => machine.pid === qemu.pid).map(({ thread }) => thread.tid).sort(), ofQemu.map(({ tid }) => tid).sort());
    assert.ok(found.ofOneCpu.every(({ cpu }) => cpu === 1));
    assert.equal(found.ofOneCpu[0]?.names.get('ksoftirqd'), 1);
  });

  it('a user without rights is told what /proc hides', async () => {
    assert.equal((await ask(asNobody())).hides, false);
    const hidden = await ask([...inPrivateMounts('mount -t proc -o hidepid=2 proc /proc'), ...asNobody()]);
    assert.equal(hidden.hides, true);
    assert.ok(!hidden.tasks.some(({ pid }) => pid === bound));
    const listed = await ask([...inPrivateMounts('mount -t proc -o hidepid=1 proc /proc'), ...asNobody()]);
    assert.equal(listed.errors.get(`/proc/${bound}/status`), 'EPERM'); // what the check of ptrace says
  });
});
