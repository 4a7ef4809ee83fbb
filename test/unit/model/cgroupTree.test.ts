import assert from 'node:assert/strict';
import { type CgroupTree, buildingCgroupTree, cgroupName } from '../../../src/core/model/cgroupTree';
import type { Cgroup, HostModel } from '../../../src/core/model/hostModel';
import { atOnce } from '../../../src/core/model/pace';
import { ALL_HOSTS, type HostName, addProcess, emptySnapshot, model, modelOf } from '../fixtures';

const treeOf = (host: HostModel): CgroupTree => atOnce(buildingCgroupTree(host, () => undefined));

function* everyCgroup(tree: CgroupTree): IterableIterator<Cgroup> {
  function* below(cgroup: Cgroup): IterableIterator<Cgroup> {
    yield cgroup;
    for (const child of tree.children(cgroup)) yield* below(child);
  }
  for (const { root, apart } of tree.hierarchies) for (const top of root ? [root, ...apart] : apart) yield* below(top);
}

describe('the tree of a recorded host\'s cgroups', () => {
  for (const name of ALL_HOSTS) {
    it(`holds every cgroup and every thread's place once: ${name}`, async () => {
      const { model } = await modelOf(name);
      const tree = treeOf(model);
      const cgroups = [...everyCgroup(tree)];
      assert.deepEqual(new Set(cgroups), new Set(model.hierarchies.flatMap(h => [...h.cgroups.values()])));
      assert.equal(cgroups.length, new Set(cgroups).size);
      const threads = model.machines.flatMap(machine => [...machine.threads]);
      for (const { hierarchy, population, strays } of tree.hierarchies) {
        const own = [...hierarchy.cgroups.values()];
        assert.equal(population.threads, threads.filter(thread => thread.membership.places.has(hierarchy.key)).length);
        assert.equal(own.reduce((sum, cgroup) => sum + tree.occupants(cgroup).length, strays.length), population.threads);
        // Counted in another way: by what a path begins with.
        for (const cgroup of own) {
          const within = (path: string): boolean => path === cgroup.path || path.startsWith(cgroup.path === '/' ? '/' : `${cgroup.path}/`);
          const expected = threads.filter(thread => within(thread.membership.places.get(hierarchy.key)?.path ?? '')).length;
          assert.equal(tree.population(cgroup).threads, expected, `${hierarchy.key} ${cgroup.path}`);
        }
      }
    });
  }

  const ROOTS: Partial<Record<HostName, string>> = { 'guest-v2': '/', 'container-ns': '/..' };
  for (const [name, path] of Object.entries(ROOTS)) {
    it(`begins at what is mounted: ${name}`, async () => {
      const [only] = treeOf((await modelOf(name as HostName)).model).hierarchies;
      assert.equal(only!.root?.path, path);
      assert.deepEqual(only!.apart, []);
    });
  }
});

describe('the tree of cgroups', () => {
  const QEMU = '/usr/bin/qemu-system-x86_64';
  const host = async (...cgroups: string[]): Promise<HostModel> => {
    const raw = emptySnapshot();
    raw.files.set('/proc/self/mountinfo', '31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n');
    cgroups.forEach((cgroup, i) => addProcess(raw, 10 + i, { comm: 'qemu', exe: QEMU, argv: [QEMU], cgroup: `0::${cgroup}\n` }));
    return (await model(raw)).model;
  };

  it('orders numbers as numbers', async () => {
    const tree = treeOf(await host('/vcpu10', '/vcpu2', '/emulator', '/vcpu2b'));
    assert.deepEqual(tree.children(tree.hierarchies[0]!.root!).map(cgroupName), ['emulator', 'vcpu2', 'vcpu2b', 'vcpu10']);
  });

  it('keeps threads whose cgroup was removed, and cgroups outside the namespace', async () => {
    const [only] = treeOf(await host('/gone (deleted)', '/../x', '/a')).hierarchies;
    assert.deepEqual(only!.strays.map(({ thread }) => thread.tid), [10]);
    assert.deepEqual(only!.apart.map(cgroup => cgroup.path), ['/../x']);
    assert.equal(only!.population.threads, 3);
  });

  it('counts those that are held back at every level', async () => {
    const tree = atOnce(buildingCgroupTree(await host('/a/b', '/a/c', '/d'), thread => (thread.tid === 11 ? undefined : '0::')));
    const [a, d] = tree.children(tree.hierarchies[0]!.root!);
    assert.deepEqual([a!, d!].map(cgroup => tree.population(cgroup)), [{ threads: 2, held: 1 }, { threads: 1, held: 1 }]);
    assert.equal(tree.hierarchies[0]!.population.held, 2);
    assert.equal(atOnce(buildingCgroupTree(await host('/a'), () => 'cpu')).hierarchies[0]!.population.held, 0, 'of another hierarchy');
  });

  it('is built of 10,000 threads in 10,000 cgroups in as many small steps, between which everything else has its turn', async () => {
    const steps = buildingCgroupTree(await host(...Array.from({ length: 10_000 }, (_, i) => `/slice${i % 100}/cgroup${i}`)), () => undefined);
    let count = 0;
    let step = steps.next();
    for (; !step.done; step = steps.next()) count++;
    assert.equal(step.value.hierarchies[0]!.population.threads, 10_000);
    assert.ok(count >= 10_000, `${count} steps`);
  });
});
