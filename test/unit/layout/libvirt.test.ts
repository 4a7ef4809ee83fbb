import assert from 'node:assert/strict';
import { layoutOf } from '../../../src/core/layout/layouts';
import type { HostModel, Machine } from '../../../src/core/model/hostModel';
import { roleText } from '../../../src/core/model/roles';
import { type Changeable, DERIVED_HOSTS, type HostName, QEMU, REAL_HOSTS, type SCENARIO_HOSTS, SCOPE, machine, modelOf, notRun } from '../fixtures';

interface Shape {
  readonly machines: readonly string[];
  readonly kind: string;
  /** Where it has groups of threads, and the directory that holds them. */
  readonly groups: string;
  readonly parent: string;
  /** Where all threads are together: hierarchies → cgroup. In the others nothing is expected. */
  readonly together: Readonly<Record<string, string>>;
}

const LIBVIRT = `${SCOPE}/libvirt`;
const V1 = { groups: 'cpu,cpuacct cpuset', parent: LIBVIRT, kind: 'libvirt with systemd', machines: ['serial'] };
const HYBRID: Shape = { ...V1, together: { 'blkio devices freezer memory net_cls,net_prio perf_event': LIBVIRT, 'pids name=systemd 0::': SCOPE } };
const V2 = { machines: ['serial'], kind: 'libvirt with systemd', groups: '0::', parent: LIBVIRT, together: {} };

/** What was seen on each host by hand: captures/README.md. */
const HOSTS: Readonly<Record<Exclude<HostName, (typeof SCENARIO_HOSTS)[number]>, Shape>> = {
  'guest-v2': V2,
  'guest-hybrid': HYBRID,
  'guest-legacy': { ...V1, together: { 'blkio devices freezer memory net_cls,net_prio perf_event': LIBVIRT, 'pids name=systemd': SCOPE } },
  'guest-numa-clean': { ...V2, machines: ['clean'], parent: String.raw`/machine.slice/machine-qemu\x2d1\x2dclean.scope/libvirt` },
  // memory, freezer, net_cls, perf_event were not enabled, and devices and cpuacct stay at /: nothing is expected there.
  'host-v1-libvirt': { machines: ['kvmdemo', 'serial'], kind: 'libvirt alone', groups: 'cpu cpuset 0::', parent: '/machine/qemu-ID-NAME.libvirt-qemu', together: { blkio: '/machine/qemu-ID-NAME.libvirt-qemu' } },
  'numa-isolated': V2,
  'container-ns': { ...V2, parent: `/..${LIBVIRT}` },
  'misplaced-vcpus': HYBRID,
};

/** Thread → hierarchy → where it is expected. */
function expectations(model: HostModel, of: Machine): Record<string, Record<string, string>> {
  const layout = layoutOf(model, of);
  return Object.fromEntries(of.threads.map(thread => [
    `${thread.tid} ${roleText(thread.role)}`,
    Object.fromEntries(model.hierarchies.flatMap(({ key }) => {
      const path = layout.expectedPath(thread, key);
      return path === undefined ? [] : [[key, path]];
    })),
  ]));
}

describe('the layout of libvirt', () => {
  for (const name of [...REAL_HOSTS, ...DERIVED_HOSTS]) {
    it(`is recognised in ${name}: each thread in its group, where there are groups`, async () => {
      const { model } = await modelOf(name);
      const { machines, kind, groups, parent, together } = HOSTS[name];
      for (const machineName of machines) {
        const of = machine(model, machineName);
        const layout = layoutOf(model, of);
        assert.equal(layout.kind, kind);
        const named = (path: string): string => path.replace('ID-NAME', `${machineName === 'serial' ? 1 : 2}-${machineName}`);
        let vcpus = 0;
        for (const thread of of.threads) {
          const group = thread.role.kind === 'vcpu' ? `vcpu${thread.role.id}` : thread.role.kind === 'iothread' ? thread.role.id : thread.role.kind === 'kernel' ? undefined : 'emulator';
          vcpus += thread.role.kind === 'vcpu' ? 1 : 0;
          for (const { key } of model.hierarchies) {
            const all = Object.entries(together).find(([keys]) => keys.split(' ').includes(key))?.[1];
            const expected = groups.split(' ').includes(key) ? group && `${named(parent)}/${group}` : all && named(all);
            assert.equal(layout.expectedPath(thread, key), expected, `${thread.tid} in ${key}`);
          }
        }
        assert.equal(vcpus, name === 'guest-numa-clean' ? 2 : 4);
      }
    });
  }

  for (const name of REAL_HOSTS) {
    it(`is what the threads of ${name} are in`, async () => {
      const { model } = await modelOf(name);
      let compared = 0;
      for (const of of model.machines) {
        const layout = layoutOf(model, of);
        for (const thread of of.threads) {
          for (const [key, { path }] of thread.membership.places) {
            const expected = layout.expectedPath(thread, key);
            if (expected === undefined) continue;
            assert.equal(path, expected, `${thread.tid} in ${key}`);
            compared += 1;
          }
        }
      }
      assert.ok(compared >= 6, `${compared}`); // threads of the smallest machine
    });
  }

  it('is none of a machine that was started by hand', async () => {
    const { model } = await modelOf('host-v1-libvirt');
    for (const name of ['hybrid-tcg', 'legacy-tcg']) assert.equal(layoutOf(model, machine(model, name)).kind, 'unmanaged');
  });

  /** Rewrites every path of the machine's groups. */
  function moved(copy: Changeable, change: (path: string) => string): void {
    for (const [path, text] of [...copy.files]) if (/\/task\/\d+\/cgroup$/.test(path)) copy.files.set(path, text.split('\n').map(change).join('\n'));
    const directories = [...copy.directories].map(change);
    copy.directories.clear();
    for (const directory of directories) copy.directories.add(directory);
  }

  it('before libvirt 7.1, without the level "libvirt"', async () => {
    const { model } = await modelOf('guest-v2', copy => moved(copy, path => path.replace('.scope/libvirt', '.scope')));
    const of = machine(model, 'serial');
    assert.equal(layoutOf(model, of).expectedPath(of.threads[1]!, '0::'), `${SCOPE}/vcpu0`);
  });

  it('while QEMU has not told its vCPUs: all in emulator, and no group for them', async () => {
    const { model } = await modelOf('guest-v2', copy => {
      moved(copy, path => path.replace(/libvirt\/\w+$/, 'libvirt/emulator'));
      for (const directory of copy.directories) if (/\/(vcpu|iothread)\d$/.test(directory)) copy.directories.delete(directory);
      notRun(copy);
    });
    const all = expectations(model, machine(model, 'serial'));
    assert.deepEqual(all['528 vCPU 0'], {});
    assert.deepEqual(all['519 emulator'], { '0::': `${SCOPE}/libvirt/emulator` });
  });

  it('while its first vCPU is about to be moved: all in emulator, one group there', async () => {
    const { model } = await modelOf('guest-v2', copy => {
      moved(copy, path => path.replace(/libvirt\/\w+$/, 'libvirt/emulator'));
      for (const directory of copy.directories) if (/\/(vcpu[1-9]|iothread\d)$/.test(directory)) copy.directories.delete(directory);
      notRun(copy);
    });
    assert.deepEqual(expectations(model, machine(model, 'serial'))['528 vCPU 0'], {});
  });

  it('all in emulator, and no group for them, of a guest that has run: they are expected all the same', async () => {
    const { model } = await modelOf('guest-v2', copy => {
      moved(copy, path => path.replace(/libvirt\/\w+$/, 'libvirt/emulator'));
      for (const directory of copy.directories) if (/\/(vcpu|iothread)\d$/.test(directory)) copy.directories.delete(directory);
    });
    assert.deepEqual(expectations(model, machine(model, 'serial'))['528 vCPU 0'], { '0::': `${SCOPE}/libvirt/vcpu0` });
  });

  it('when the whole process was moved out of one hierarchy: as the others tell', async () => {
    const { model } = await modelOf('guest-hybrid', copy => {
      for (const [path, text] of [...copy.files]) if (/^\/proc\/450\/task\/\d+\/cgroup$/.test(path)) copy.files.set(path, text.replace(/:(cpuset|memory):.*$/gm, ':$1:/'));
    });
    const all = expectations(model, machine(model, 'serial'));
    assert.deepEqual([all['458 vCPU 0']!['cpuset'], all['458 vCPU 0']!['memory']], [`${SCOPE}/libvirt/vcpu0`, `${SCOPE}/libvirt`]);
  });

  it('when the whole process was written into another machine\'s directory, in one hierarchy', async () => {
    const { model } = await modelOf('host-v1-libvirt', copy => {
      for (const [path, text] of [...copy.files]) if (/^\/proc\/25676\/task\/\d+\/cgroup$/.test(path)) copy.files.set(path, text.replace(/:cpuset:.*$/gm, ':cpuset:/machine/qemu-2-kvmdemo.libvirt-qemu/emulator'));
    });
    assert.equal(expectations(model, machine(model, 'serial'))['25688 vCPU 0']!['cpuset'], '/machine/qemu-1-serial.libvirt-qemu/vcpu0');
  });

  it('when all vCPUs were moved to emulator by hand: their groups are all there', async () => {
    const { model } = await modelOf('guest-v2', copy => {
      for (const [path, text] of [...copy.files]) if (/\/task\/\d+\/cgroup$/.test(path)) copy.files.set(path, text.replace(/libvirt\/\w+$/m, 'libvirt/emulator'));
    });
    assert.deepEqual(expectations(model, machine(model, 'serial'))['528 vCPU 0'], { '0::': `${SCOPE}/libvirt/vcpu0` });
  });

  it('while it starts: nothing is expected of libvirt\'s child', async () => {
    const { model } = await modelOf('guest-v2', copy => {
      copy.links.set(`/proc/${QEMU}/exe`, '/usr/sbin/libvirtd');
      copy.files.set(`/proc/${QEMU}/cmdline`, 'libvirtd\0');
    });
    const of = machine(model, 'serial');
    assert.equal(of.state, 'starting');
    assert.ok(Object.values(expectations(model, of)).every(places => Object.keys(places).length === 0));
  });

  it('an I/O thread that libvirt did not name has no group of its own', async () => {
    const { model } = await modelOf('guest-v2', copy => copy.files.set(`/proc/${QEMU}/task/525/stat`, copy.files.get(`/proc/${QEMU}/task/525/stat`)!.replace('(IO iothread1)', '(IO ../../x)')));
    const of = machine(model, 'serial');
    assert.equal(layoutOf(model, of).expectedPath(of.threads.find(t => t.tid === 525)!, '0::'), undefined);
  });
});
