import assert from 'node:assert/strict';
import { effectiveCpus, withAncestors } from '../../../src/core/model/hierarchies';
import type { HostModel } from '../../../src/core/model/hostModel';
import { type Changeable, type HostName, QEMU, SCOPE, machine, modelOf, thread } from '../fixtures';

const MOUNTINFO = '/proc/self/mountinfo';

/** Leaves only the mounts of which `keep` is true. */
function mounts(keep: (line: string) => boolean) {
  return (raw: Changeable): void => void raw.files.set(MOUNTINFO, raw.files.get(MOUNTINFO)!.split('\n').filter(line => line === '' || keep(line)).join('\n'));
}

/** Leaves only the lines of memberships of which `keep` is true. */
function memberships(keep: (line: string) => boolean) {
  return (raw: Changeable): void => {
    for (const [path, text] of raw.files) {
      if (/\/task\/\d+\/cgroup$/.test(path)) raw.files.set(path, text.split('\n').filter(line => line === '' || keep(line)).join('\n'));
    }
  };
}

function both(...changes: ((raw: Changeable) => void)[]) {
  return (raw: Changeable): void => changes.forEach(change => change(raw));
}

function replaceMount(from: RegExp, to: string) {
  return (raw: Changeable): void => void raw.files.set(MOUNTINFO, raw.files.get(MOUNTINFO)!.replace(from, to));
}

const isV2 = (line: string): boolean => / - cgroup2 |^0::/.test(line);
const isNamed = (line: string): boolean => /name=systemd/.test(line);

describe('the mode of a host', () => {
  const table: Readonly<Record<string, readonly [HostName, (raw: Changeable) => void, HostModel['mode']]>> = {
    'v1 alone': ['guest-legacy', () => undefined, 'legacy'],
    'v2 alone': ['guest-v2', () => undefined, 'unified'],
    'v1, and v2 without a controller': ['guest-hybrid', () => undefined, 'hybrid'],
    'v1, and v2 with hugetlb': ['host-v1-libvirt', () => undefined, 'mixed'],
    'a hybrid host of which a controller was moved to v2': ['guest-hybrid', raw => raw.files.set('/sys/fs/cgroup/unified/cgroup.controllers', 'hugetlb\n'), 'mixed'],
    'a mixed host of which v2 lost its controller': ['host-v1-libvirt', raw => raw.files.set('/sys/fs/cgroup/unified/cgroup.controllers', ''), 'hybrid'],
    'v1 with a name and no controller, and v2': ['guest-hybrid', both(mounts(line => isV2(line) || isNamed(line)), memberships(line => isV2(line) || isNamed(line))), 'unified'],
    'v1 with a name alone': ['guest-legacy', both(mounts(isNamed), memberships(isNamed)), 'none'],
    'no cgroup mount that the reader sees, but memberships': ['guest-v2', mounts(() => false), 'unified'],
    'memberships in v1 that is not mounted': ['guest-legacy', mounts(() => false), 'legacy'],
    'neither': ['guest-v2', both(mounts(() => false), memberships(() => false)), 'none'],
    'a container that has v2 from the /.. of its namespace': ['container-ns', () => undefined, 'unified'],
    'a container in which a part of v2 is mounted': ['guest-v2', replaceMount(/ \/ (.* - cgroup2 )/, ' /kubepods.slice/pod1 $1'), 'unified'],
  };
  for (const [name, [host, change, mode]] of Object.entries(table)) {
    it(`is ${mode}: ${name}`, async () => assert.equal((await modelOf(host, change)).model.mode, mode));
  }
});

describe('the controllers of a host', () => {
  const of = async (host: HostName, change?: (raw: Changeable) => void): Promise<Record<string, string>> => Object.fromEntries((await modelOf(host, change)).model.controllers);

  it('are each in v1, in v2 or in none, whatever the mode', async () => {
    const mixed = await of('host-v1-libvirt');
    assert.deepEqual([mixed['cpuset'], mixed['hugetlb'], mixed['net_cls']], ['v1', 'v2', 'none']);
    const unified = await of('guest-v2');
    assert.deepEqual([unified['cpuset'], unified['io'], unified['devices']], ['v2', 'v2', 'none']);
    assert.equal((await of('guest-hybrid'))['misc'], 'v1');
  });

  it('perf_event is on in v2 without being listed, but not where v1 has it, nor where it is switched off', async () => {
    assert.equal((await of('guest-v2'))['perf_event'], 'v2');
    assert.equal((await of('guest-hybrid'))['perf_event'], 'v1');
    assert.equal((await of('guest-v2', raw => raw.files.set('/proc/cgroups', 'perf_event\t0\t71\t0\n')))['perf_event'], 'none');
  });

  it('a name is no controller', async () => assert.ok(!Object.keys(await of('guest-hybrid')).some(name => name.includes('systemd'))));
});

describe('hierarchies', () => {
  it('stand in the same order on every boot, and so do the places of a thread', async () => {
    const { model } = await modelOf('guest-hybrid');
    const keys = model.hierarchies.map(h => h.key);
    assert.deepEqual(keys, ['blkio', 'cpu,cpuacct', 'cpuset', 'devices', 'freezer', 'hugetlb', 'memory', 'misc', 'net_cls,net_prio', 'perf_event', 'pids', 'rdma', 'name=systemd', '0::']);
    assert.deepEqual([...machine(model, 'serial').threads[0]!.membership.places.keys()], keys);
  });

  it('that are mounted twice are there once, by the mount that shows all of it', async () => {
    const { model } = await modelOf('guest-v2', replaceMount(/^(.* - cgroup2 .*)$/m, '90 1 0:26 /system.slice /mnt/part rw - cgroup2 cgroup2 rw\n$1\n91 1 0:26 / /mnt/again rw - cgroup2 cgroup2 rw'));
    assert.deepEqual(model.hierarchies.map(h => [h.key, h.mountPoint, h.mountRoot]), [['0::', '/sys/fs/cgroup', '/']]);
  });

  it('of v1 may be mounted inside that of v2: each directory belongs to the inner one', async () => {
    const { model } = await modelOf('guest-v2', raw => {
      replaceMount(/$/, '60 31 0:50 / /sys/fs/cgroup/net_cls rw - cgroup cgroup rw,net_cls\n')(raw);
      raw.directories.add('/sys/fs/cgroup/net_cls').add('/sys/fs/cgroup/net_cls/vpn');
    });
    const [v1, v2] = model.hierarchies;
    assert.deepEqual([model.mode, v1?.key, v2?.key], ['mixed', 'net_cls', '0::']);
    assert.deepEqual([...v1!.cgroups.keys()], ['/', '/vpn']);
    assert.ok(![...v2!.cgroups.keys()].some(path => path.includes('net_cls')));
  });

  it('hold each cgroup once, with all above it', async () => {
    for (const host of ['guest-v2', 'host-v1-libvirt', 'container-ns'] as const) {
      const { model } = await modelOf(host);
      for (const hierarchy of model.hierarchies) {
        for (const [path, cgroup] of hierarchy.cgroups) {
          assert.equal(cgroup.path, path);
          const top = [...withAncestors(cgroup)].at(-1)!;
          assert.equal(top.path, hierarchy.mountRoot);
          for (const above of withAncestors(cgroup)) assert.equal(hierarchy.cgroups.get(above.path), above);
        }
      }
    }
  });

  it('in a namespace have the directories and the values that they have outside', async () => {
    const outside = machine((await modelOf('guest-v2')).model, 'serial').threads;
    const inside = machine((await modelOf('container-ns')).model, 'serial').threads;
    for (const [i, { membership }] of inside.entries()) {
      const [here, there] = [membership.places.get('0::')!.cgroup!, outside[i]!.membership.places.get('0::')!.cgroup!];
      assert.equal(here.path, `/..${there.path}`);
      assert.equal(here.directory, there.directory);
      assert.deepEqual([...withAncestors(here)].map(c => c.bandwidth), [...withAncestors(there)].map(c => c.bandwidth));
    }
  });

  it('know no directory of a cgroup outside what is mounted, but its path', async () => {
    const change = (raw: Changeable): void => void raw.files.set(`/proc/${QEMU}/task/${QEMU}/cgroup`, '0::/../other/a\n');
    const { cgroup, path } = machine((await modelOf('guest-v2', change)).model, 'serial').threads[0]!.membership.places.get('0::')!;
    assert.deepEqual([path, cgroup?.directory, cgroup?.parent, cgroup?.cpus], ['/../other/a', undefined, undefined, undefined]);
  });

  it('take a name that begins with two dots for a name', async () => {
    const change = (raw: Changeable): void => {
      raw.files.set(`/proc/${QEMU}/task/${QEMU}/cgroup`, '0::/..a/b\n');
      raw.directories.add('/sys/fs/cgroup/..a').add('/sys/fs/cgroup/..a/b');
      raw.files.set('/sys/fs/cgroup/..a/b/cpu.max', '1000 100000\n');
    };
    const { cgroup } = machine((await modelOf('guest-v2', change)).model, 'serial').threads[0]!.membership.places.get('0::')!;
    assert.deepEqual([cgroup?.directory, cgroup?.parent?.path, cgroup?.bandwidth?.quota], ['/sys/fs/cgroup/..a/b', '/..a', 1000]);
  });

  it('have room for the deepest path that a kernel can have', async () => {
    const path = '/a'.repeat(2000);
    const { model, problems } = await modelOf('guest-v2', raw => raw.files.set(`/proc/${QEMU}/task/${QEMU}/cgroup`, `0::${path}\n`));
    assert.equal(machine(model, 'serial').threads[0]!.membership.places.get('0::')!.cgroup!.path, path);
    assert.deepEqual(problems, []);
  });

  for (const [what, path] of Object.entries({ deeper: '/a'.repeat(2001), longer: `/${'a'.repeat(4096)}`, 'longer in bytes': `/${'größe'.repeat(600)}`, 'of 60,000 bytes': '/a'.repeat(30_000) })) {
    it(`take no path for a cgroup that no kernel can have: ${what}`, async () => {
      const { model, problems } = await modelOf('guest-v2', raw => raw.files.set(`/proc/${QEMU}/task/${QEMU}/cgroup`, `0::${path}\n`));
      const place = machine(model, 'serial').threads[0]!.membership.places.get('0::')!;
      assert.equal(place.cgroup, undefined);
      assert.ok(place.path.length <= 4096);
      assert.deepEqual(problems, [{ path: `${path.slice(0, 80)}…`, errno: 'unexpected content' }]);
      assert.ok(model.hierarchies.every(hierarchy => hierarchy.cgroups.size < 100));
    });
  }
});

describe('the values of a cgroup', () => {
  const directory = `/sys/fs/cgroup${SCOPE}/libvirt/vcpu0`;
  const vcpu0 = async (change: (raw: Changeable) => void) => {
    const { model, problems } = await modelOf('guest-v2', change);
    return { cgroup: thread(machine(model, 'serial'), 528).membership.places.get('0::')!.cgroup!, problems };
  };

  it('that cannot be understood are a problem with their path, and undefined', async () => {
    const { cgroup, problems } = await vcpu0(raw => {
      raw.files.set(`${directory}/cpu.max`, 'lots\n');
      raw.files.set(`${directory}/cgroup.type`, 'domain new\n');
      raw.files.set(`${directory}/cpuset.cpus`, '1-\n');
    });
    assert.deepEqual([cgroup.bandwidth, cgroup.type, cgroup.cpus], [undefined, undefined, undefined]);
    assert.deepEqual(problems.map(p => p.path).sort(), ['cgroup.type', 'cpu.max', 'cpuset.cpus'].map(file => `${directory}/${file}`));
    assert.ok(problems.every(p => p.errno === 'unexpected content'));
  });

  it('that are not there are undefined and no problem: an older kernel, or a cgroup that went away', async () => {
    const { cgroup, problems } = await vcpu0(raw => {
      for (const path of raw.files.keys()) if (path.startsWith(`${directory}/`)) raw.files.delete(path);
    });
    assert.deepEqual([cgroup.type, cgroup.bandwidth, cgroup.cpus, cgroup.throttled, cgroup.frozen], Array(5).fill(undefined));
    assert.deepEqual(problems, []);
  });

  it('of a directory that was not visited are not known, even if a file of it is there', async () => {
    const { cgroup } = await vcpu0(raw => raw.directories.delete(directory));
    assert.deepEqual([cgroup.directory, cgroup.bandwidth], [directory, undefined]);
  });

  it('say partitions, idle and frozen groups', async () => {
    const { cgroup } = await vcpu0(raw => {
      raw.files.set(`${directory}/cpuset.cpus.partition`, 'isolated invalid (Cpu list in cpuset.cpus not exclusive)\n');
      raw.files.set(`${directory}/cpu.idle`, '1\n');
      raw.files.set(`${directory}/cgroup.freeze`, '1\n');
      raw.files.set(`${directory}/cpuset.cpus`, '\n');
    });
    assert.deepEqual([cgroup.partition, cgroup.idle, cgroup.frozen], ['isolated invalid (Cpu list in cpuset.cpus not exclusive)', true, true]);
    assert.equal(cgroup.cpus?.isEmpty, true);
    assert.equal(effectiveCpus(cgroup)?.toString(), '0'); // what is granted, also where nothing is asked
  });
});
