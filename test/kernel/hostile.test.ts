import assert from 'node:assert/strict';
import { copyFileSync, createReadStream, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { encodeBytes } from '../../src/core/parse/bytes';
import { makeCgroup } from './support/cgroups';
import { cleanUp, end, newFolder, required, start } from './support/cleanUp';
import { type Collected, asNobody, cgroupOf, collectModel, collectThrough, machineOf, placesIn, problemsBelow, threadOf } from './support/collect';
import { helper, imitation } from './support/helper';
import { CGROUP_NAMES, type Hostile, THREAD_NAMES, hostileProcess } from './support/hostile';
import { commOf, placesOf, startTimeOf, tidsOf } from './support/readers';
import { awks, withTools } from './support/tools';

const show = (bytes: Uint8Array): string => JSON.stringify(Buffer.from(bytes).toString('latin1'));

describe('hostile names', () => {
  let hostile: Hostile;
  let collected: Collected;
  const traces = (): boolean[] => ['/tmp/x', 'x'].map(existsSync);
  const earlier = traces();

  before(async () => {
    hostile = await hostileProcess();
    collected = await collectModel();
  });
  after(cleanUp);

  it('each thread\'s name is read back byte for byte, with all its other facts', () => {
    const machine = machineOf(collected.model, hostile.pid);
    assert.deepEqual(machine.threads.map(t => t.tid).sort((a, b) => a - b), tidsOf(hostile.pid));
    for (const [i, name] of THREAD_NAMES.entries()) {
      const thread = threadOf(machine, hostile.tids[i]!);
      assert.equal(show(encodeBytes(thread.comm)), show(name));
      assert.equal(show(name), show(commOf(hostile.pid, thread.tid)), 'the kernel has another name');
      assert.equal(thread.startTime, startTimeOf(hostile.pid, thread.tid), show(name));
      assert.ok(thread.cpusAllowed && !thread.cpusAllowed.isEmpty && thread.runTime !== undefined, `${show(name)} has no affinity or times`);
    }
  });

  it('each cgroup\'s name is read back byte for byte, in v1 and in v2, and its files too', () => {
    const machine = machineOf(collected.model, hostile.pid);
    for (const [i, { tid, v1, v2, shares }] of hostile.places.entries()) {
      const name = show(CGROUP_NAMES[i]!);
      const thread = threadOf(machine, tid);
      assert.deepEqual(placesIn(thread), placesOf(hostile.pid, tid), name);
      for (const cgroup of [v1, v2]) assert.equal(show(encodeBytes(thread.membership.places.get(cgroup.key)!.path)), show(cgroup.bytes));
      const found = cgroupOf(collected.model, v1.key, v1.path);
      assert.equal(found.shares, shares, name);
      assert.equal(show(encodeBytes(found.directory!)), show(v1.directory));
      assert.equal(cgroupOf(collected.model, v2.key, v2.path).type, 'threaded', name);
    }
  });

  it('a name with a newline cannot be given to a cgroup', () => {
    assert.throws(() => makeCgroup('cpu', 'hostile', 'a\nb'), { code: 'EINVAL' });
  });

  it('no thread, machine or cgroup appears that is not there', () => {
    const ours = collected.model.machines.filter(m => m.pid === hostile.pid || m.threads.some(t => hostile.tids.includes(t.tid)));
    assert.deepEqual(ours.map(m => m.pid), [hostile.pid]);
    assert.ok(!collected.model.machines.some(m => m.pid === 1));
    const below = collected.model.hierarchies.find(h => h.key === makeCgroup('cpu').key)!.cgroups.keys();
    const base = `${makeCgroup('cpu', 'hostile').path}/`;
    assert.deepEqual([...below].filter(path => path.startsWith(base)).sort(), hostile.places.map(p => p.v1.path).sort());
  });

  it('nothing of it is a problem or a remark', () => {
    assert.deepEqual(problemsBelow(collected, [hostile.pid], 'cgroup-lens-test'), []);
    assert.deepEqual(collected.model.collection.remarks, []);
  });

  it('an executable\'s path cannot speak for another process', async () => {
    const folder = join(newFolder('odd'), 'x\nlrwxrwxrwx 1 0 0 0 Nov 22 20:50 1/exe -> ', 'usr/bin');
    mkdirSync(folder, { recursive: true });
    const file = join(folder, 'qemu-system-test');
    copyFileSync(helper('qemu-system-test'), file);
    await imitation(file, 'a b\nc', []);
    const { model } = await collectModel();
    assert.ok(!model.machines.some(m => m.pid === 1), 'PID 1 is no machine');
    assert.equal(machineOf(model, hostile.pid).emulator, 'qemu-system-test');
  });

  // The kernel tells only who may trace a process where its arguments end. U+0001 ends a record of our awk programs.
  for (const awk of awks()) {
    for (const reader of ['root', 'nobody']) {
      for (const byte of [1, 97]) {
        it(`a command line of hundreds of megabytes (${byte}) hides no other process, and holds nothing up: ${awk}, ${reader}`, async () => {
          const child = start(helper('some-program'), ['title', String(300 << 20), String(byte)]);
          await new Promise(resolve => child.stdout!.once('data', resolve));
          const { model } = await collectThrough([...withTools('dash', awk, 'GNU'), ...(reader === 'root' ? [] : asNobody(copied('setpriv')))]);
          assert.equal(model.collection.complete, true);
          assert.deepEqual(model.collection.remarks, []);
          assert.equal(machineOf(model, hostile.pid).emulator, 'qemu-system-test');
          assert.ok(!model.machines.some(m => m.pid === child.pid), 'nobody has so many arguments');
          assert.equal((await createReadStream(`/proc/${child.pid}/cmdline`, { end: 999_999 }).toArray()).join('').length, 1_000_000, 'it shows less than that');
          await end(child);
        });
      }
    }
  }

  it('whoever reads: the same names', async () => {
    const names = ({ model }: Collected): unknown => [hostile.pid, qemu].map(pid => [machineOf(model, pid).name, machineOf(model, pid).emulator]);
    const qemu = await imitation(helper('qemu-system-test'), 'qemu-system-test', ['-name', 'guest=a\nb,debug-threads=on']);
    const expected = names(await collectModel());
    assert.equal(machineOf((await collectModel()).model, qemu).name, 'a\nb');
    for (const awk of awks()) assert.deepEqual(names(await collectThrough([...withTools('dash', awk, 'GNU'), ...asNobody(copied('setpriv'))])), expected, awk);
  });

  it('nothing was executed', () => assert.deepEqual(traces(), earlier));
});

/** A command that is there where /usr/bin has nothing but what is tried. */
function copied(command: string): string {
  const file = join(newFolder('command'), command);
  copyFileSync(required(command), file);
  return file;
}
