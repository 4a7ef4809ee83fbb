import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { withAncestors } from '../../../src/core/model/hierarchies';
import type { HostModel, Thread } from '../../../src/core/model/hostModel';
import { HOSTS, REAL_HOSTS, machine, modelOf } from '../fixtures';

/** What the host's own tools said; made by test/fixtures/truth.mjs without any parser of ours. */
interface Truth {
  readonly machine: string;
  readonly uuid: string;
  readonly vcpus: Readonly<Record<string, number>>;
  readonly iothreads: Readonly<Record<string, number>>;
  readonly shares: number;
  /** `50000/100000`, or `max/100000` where there is none. */
  readonly quota: Readonly<Record<'vcpu' | 'emulator' | 'iothread', string>>;
  readonly threads: readonly {
    readonly pid: number;
    readonly tid: number;
    readonly comm: string;
    readonly nice: number;
    readonly policy: string;
    readonly priority: number;
    readonly affinity: readonly number[];
    readonly cgroups: Readonly<Record<string, string>>;
  }[];
}

for (const name of REAL_HOSTS) {
  describe(`the model of ${name} agrees with the host's own tools`, () => {
    const truth = JSON.parse(readFileSync(join(HOSTS, `${name}.truth.json`), 'utf8')) as Truth;
    let model: HostModel;
    before(async () => ({ model } = await modelOf(name)));

    const threads = (): Thread[] => model.machines.flatMap(m => [...m.threads]);

    it('ps: the same threads of the same processes, by the same names', () => {
      const of = (thread: { pid: number; tid: number; comm: string; nice: number }): string => `${thread.pid} ${thread.tid} ${thread.comm} nice ${thread.nice}`;
      assert.deepEqual(threads().map(of).sort(), truth.threads.map(of).sort());
    });

    it('ps and the timeline of its start: each thread in the same cgroup of each hierarchy', () => {
      let compared = 0;
      for (const { tid, cgroups } of truth.threads) {
        const { places } = threads().find(t => t.tid === tid)!.membership;
        for (const [key, path] of Object.entries(cgroups)) {
          assert.equal(places.get(key)?.path, path, `${tid} in ${key}`);
          compared += 1;
        }
      }
      assert.ok(compared >= truth.threads.length);
    });

    it('QMP query-cpus-fast: the same vCPUs', () => {
      const vcpus = machine(model, truth.machine).threads.filter(t => t.role.kind === 'vcpu');
      assert.deepEqual(Object.fromEntries(vcpus.map(t => [t.role.id, t.tid])), truth.vcpus);
    });

    it('QMP query-iothreads: the same I/O threads', () => {
      const ioThreads = machine(model, truth.machine).threads.filter(t => t.role.kind === 'iothread');
      assert.deepEqual(Object.fromEntries(ioThreads.map(t => [t.role.id, t.tid])), truth.iothreads);
    });

    it('taskset and chrt: the same affinity and policy', () => {
      for (const { tid, affinity, policy, priority } of truth.threads) {
        const thread = threads().find(t => t.tid === tid)!;
        assert.deepEqual([...thread.cpusAllowed!], affinity, `${tid}`);
        assert.equal(`${thread.policy} ${thread.rtPriority}`, `${policy} ${priority}`, `${tid}`);
      }
    });

    it('virsh: the same UUID and shares, and the bandwidth of each kind of thread in its own cgroup', () => {
      const { uuid, threads: own } = machine(model, truth.machine);
      assert.equal(uuid, truth.uuid);
      for (const kind of ['vcpu', 'emulator', 'iothread'] as const) {
        for (const thread of own.filter(t => t.role.kind === kind)) {
          const cgroup = [...thread.membership.places.values()].find(place => place.cgroup?.bandwidth)?.cgroup;
          assert.equal(`${cgroup?.bandwidth?.quota}/${cgroup?.bandwidth?.period}`, truth.quota[kind], `${thread.tid}`);
          const asked = [...withAncestors(cgroup)].map(c => c.shares ?? c.weight).find(value => value !== undefined && value !== 1024 && value !== 100);
          assert.equal(asked, truth.shares, `${thread.tid}`);
        }
      }
    });
  });
}
