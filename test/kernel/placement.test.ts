import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cgroup } from '../../src/core/model/hostModel';
import { type OwnCgroup, makeCgroup } from './support/cgroups';
import { cleanUp } from './support/cleanUp';
import { type Collected, cgroupOf, collectModel, machineOf, placesIn, problemsBelow, threadOf } from './support/collect';
import { helper, imitation } from './support/helper';
import { tree, trees } from './support/mounts';
import { IO_THREADS, type PlacedQemu, placedQemu } from './support/placedQemu';
import { type Qemu, startQemu } from './support/qemu';
import { affinityOf, commOf, nicesOf, placesOf, policyOf, startTimeOf, statusOf, tidsOf } from './support/readers';

describe('placement of real QEMU threads', () => {
  let placed: PlacedQemu;
  let second: Qemu;
  let frozen: OwnCgroup;
  let collected: Collected;

  before(async () => {
    placed = await placedQemu('placed');
    second = await startQemu({ name: 'second,, with a comma', vcpus: 1 });
    makeCgroup('0::', 'domain', 'second').write('cgroup.freeze', 1).addProcess(second.pid);
    // Not the same process: one that v2 has frozen does not always follow the v1 freezer.
    frozen = makeCgroup('freezer', 'third');
    frozen.addProcess(await imitation(helper('qemu-system-test'), 'qemu-system-test', ['-name', 'third']));
    frozen.write('freezer.state', 'FROZEN');
    for (const until = Date.now() + 5000; frozen.read('freezer.state') !== 'FROZEN'; await sleep(10)) assert.ok(Date.now() < until, 'the freezer does not freeze');
    collected = await whileThreadsStay([placed.qemu.pid, second.pid]);
  });
  after(cleanUp);

  /** QEMU may start and end a worker at any time: then what was read before and after cannot be compared. */
  async function whileThreadsStay(pids: readonly number[]): Promise<Collected> {
    for (;;) {
      const before = pids.map(tidsOf).join();
      const result = await collectModel();
      if (pids.map(tidsOf).join() === before) return result;
    }
  }

  it('name, UUID, PID, user and emulator are those it was started with', () => {
    for (const qemu of [placed.qemu, second]) {
      const { name, uuid, pid, uid, emulator, state, startTime } = machineOf(collected.model, qemu.pid);
      assert.deepEqual(
        { name, uuid, pid, uid, emulator, state, startTime },
        { name: qemu.name.replace(',,', ','), uuid: qemu.uuid, pid: qemu.pid, uid: 0, emulator: 'qemu-system-x86_64', state: 'running', startTime: startTimeOf(qemu.pid, qemu.pid) },
      );
    }
  });

  it('every task of /proc is listed once, with the place, affinity, policy and nice that the system\'s tools tell', () => {
    for (const { pid } of [placed.qemu, second]) {
      const machine = machineOf(collected.model, pid);
      const nices = nicesOf(pid);
      const own = machine.threads.filter(t => t.pid === pid);
      assert.deepEqual(own.map(t => t.tid).sort((a, b) => a - b), tidsOf(pid));
      for (const thread of own) {
        const { tid } = thread;
        const nice = nices.get(tid)!;
        const { policy, priority } = policyOf(tid);
        assert.deepEqual(
          {
            comm: thread.comm, places: placesIn(thread), cpus: [...thread.cpusAllowed!], policy: thread.policy, priority: thread.rtPriority,
            nice: nice === '-' ? '-' : String(thread.nice), startTime: thread.startTime,
          },
          { comm: commOf(pid, tid).toString(), places: placesOf(pid, tid), cpus: affinityOf(tid), policy, priority, nice, startTime: startTimeOf(pid, tid) },
          `thread ${tid} of ${machine.name}`,
        );
        assert.equal(thread.cpusAllowed?.toString(), statusOf(pid, tid, 'Cpus_allowed_list'));
      }
    }
  });

  it('each thread is where it was put, in cpu, cpuset and threaded v2', () => {
    const { qemu, places, own, vcpus } = placed;
    for (const thread of machineOf(collected.model, qemu.pid).threads.filter(t => t.pid === qemu.pid)) {
      for (const key of ['cpu', 'cpuset', '0::'] as const) {
        const expected = (places.get(thread.tid) ?? own)[key];
        assert.equal(thread.membership.places.get(expected.key)?.path, expected.path, `thread ${thread.tid} (${thread.comm}) in ${key}`);
      }
    }
    const of = (cpu: string): string => {
      const { policy, rtPriority, nice } = threadOf(machineOf(collected.model, qemu.pid), vcpus[cpu]!);
      return `${policy} ${rtPriority} nice ${nice}`;
    };
    assert.deepEqual([of('0'), of('1'), of('3')], ['other 0 nice 0', 'fifo 3 nice 0', 'other 0 nice 7']);
    assert.equal(threadOf(machineOf(collected.model, qemu.pid), placed.ioThreads[IO_THREADS[0]]!).policy, 'batch');
  });

  it('vCPUs and I/O threads are those that QEMU itself names', () => {
    const roles = (kind: string): Record<string, number> =>
      Object.fromEntries(machineOf(collected.model, placed.qemu.pid).threads.filter(t => t.role.kind === kind).map(t => [t.role.id, t.tid]));
    assert.deepEqual(roles('vcpu'), { ...placed.vcpus });
    assert.deepEqual(roles('iothread'), { ...placed.ioThreads });
    assert.deepEqual(roles('emulator'), { undefined: placed.qemu.pid });
  });

  it('the values of every cgroup from each thread to the root are those of its files', () => {
    let compared = 0;
    for (const { pid } of [placed.qemu, second]) {
      for (const thread of machineOf(collected.model, pid).threads) {
        for (const [key, place] of thread.membership.places) {
          const above = ancestors(place.cgroup);
          assert.deepEqual(above.map(c => c.path), prefixes(place.path), `${key} ${place.path}`);
          for (const cgroup of above) compared += compareWithFiles(cgroup);
        }
      }
    }
    assert.ok(compared > 500, `only ${compared} values`);
  });

  it('what was written is what it says', () => {
    const { places, own, vcpus } = placed;
    const of = (cgroup: OwnCgroup): Cgroup => cgroupOf(collected.model, cgroup.key, cgroup.path);
    assert.deepEqual(of(own.cpu).bandwidth, { quota: 90_000, period: 50_000 });
    assert.equal(of(own.cpu).shares, 2048);
    assert.deepEqual(of(places.get(vcpus['2']!)!.cpu).bandwidth, { quota: 10_000, period: 22_000 });
    assert.equal(of(places.get(vcpus['2']!)!.cpu).shares, 102);
    assert.deepEqual(of(makeCgroup('cpu')).bandwidth, { quota: 'max', period: 100_000 });
    assert.equal(of(own.cpuset).memoryMigrate, true);
    assert.equal(of(places.get(vcpus['0']!)!.cpuset).memoryMigrate, false);
    assert.equal(of(places.get(vcpus['0']!)!.cpuset).cpus?.size, 1);
    assert.equal(of(own.pids).pidsMax, 321);
    assert.equal(of(own['0::']).type, 'domain threaded');
    assert.equal(of(places.get(vcpus['0']!)!['0::']).type, 'threaded');
    assert.equal(of(makeCgroup('0::', 'domain', 'second')).type, 'domain');
    assert.deepEqual([of(makeCgroup('0::', 'domain', 'second')).frozen, of(makeCgroup('0::', 'domain')).frozen], [true, false]);
    assert.deepEqual([of(frozen).frozen, of(makeCgroup('freezer')).frozen], [true, false]);
  });

  it('hierarchies, their mount points and controllers are those that are mounted', () => {
    assert.deepEqual(
      collected.model.hierarchies.map(({ key, version, mountPoint }) => ({ key, version, mountPoint })).sort(byKey),
      trees().map(({ key, version, mountPoint }) => ({ key, version, mountPoint })).sort(byKey),
    );
    const listed = readFileSync(`${tree('0::').mountPoint}/cgroup.controllers`, 'utf8').trim();
    assert.equal(collected.model.hierarchies.find(h => h.key === '0::')?.controllers.join(' '), listed);
    assert.equal(collected.model.mode, listed === '' ? 'hybrid' : 'mixed');
  });

  it('nothing of it is a problem', () => {
    assert.deepEqual(problemsBelow(collected, [placed.qemu.pid, second.pid], 'cgroup-lens-test'), []);
    assert.deepEqual(collected.model.collection.remarks, []);
  });

  it('a second collection sees what was changed in between', async () => {
    const { qemu, vcpus, own } = placed;
    own.cpu.addThread(vcpus['0']!);
    own.cpu.write('cpu.cfs_quota_us', -1);
    const { model } = await collectModel();
    assert.equal(threadOf(machineOf(model, qemu.pid), vcpus['0']!).membership.places.get('cpu')?.path, own.cpu.path);
    assert.deepEqual(cgroupOf(model, own.cpu.key, own.cpu.path).bandwidth, { quota: 'max', period: 50_000 });
  });
});

const byKey = (a: { key: string }, b: { key: string }): number => (a.key < b.key ? -1 : 1);

function ancestors(cgroup: Cgroup | undefined): Cgroup[] {
  return cgroup === undefined ? [] : [cgroup, ...ancestors(cgroup.parent)];
}

/** `/a/b` → `/a/b`, `/a`, `/`. */
function prefixes(path: string): string[] {
  return path === '/' ? ['/'] : [path, ...prefixes(path.slice(0, Math.max(1, path.lastIndexOf('/'))))];
}

/** How the kernel writes what the model holds: each file of a cgroup against the model's value. */
const AS_WRITTEN: Readonly<Record<string, (cgroup: Cgroup) => string | number | undefined>> = {
  'cpu.shares': c => c.shares,
  'cpu.cfs_quota_us': c => (c.bandwidth?.quota === 'max' ? -1 : c.bandwidth?.quota),
  'cpu.cfs_period_us': c => c.bandwidth?.period,
  'cpu.idle': c => flag(c.idle),
  'cpuset.cpus': c => c.cpus?.toString(),
  'cpuset.mems': c => c.mems?.toString(),
  'cpuset.effective_cpus': c => c.cpusEffective?.toString(),
  'cpuset.effective_mems': c => c.memsEffective?.toString(),
  'cpuset.memory_migrate': c => flag(c.memoryMigrate),
  'pids.max': c => c.pidsMax,
  'freezer.state': c => (c.frozen === undefined ? undefined : c.frozen ? 'FROZEN' : 'THAWED'),
  'cgroup.freeze': c => flag(c.frozen),
  'cgroup.type': c => c.type,
  'cgroup.controllers': c => c.controllers?.join(' '),
  'cgroup.subtree_control': c => c.subtreeControl?.join(' '),
};

function flag(value: boolean | undefined): string | undefined {
  return value === undefined ? undefined : value ? '1' : '0';
}

/** @returns how many files it has compared */
function compareWithFiles(cgroup: Cgroup): number {
  assert.ok(cgroup.directory !== undefined && existsSync(cgroup.directory), `${cgroup.hierarchy} ${cgroup.path} has no directory`);
  const files = Object.keys(AS_WRITTEN).filter(file => existsSync(`${cgroup.directory}/${file}`));
  for (const [file, write] of Object.entries(AS_WRITTEN)) {
    const value = write(cgroup);
    const text: string | undefined = files.includes(file) ? readFileSync(`${cgroup.directory}/${file}`, 'utf8').trim() : undefined;
    if (text === undefined && (file === 'cgroup.freeze' || file === 'freezer.state')) continue; // one value of the model, two files
    assert.equal(value === undefined ? undefined : String(value), text, `${file} of ${cgroup.hierarchy} ${cgroup.path}`);
  }
  return files.length;
}
