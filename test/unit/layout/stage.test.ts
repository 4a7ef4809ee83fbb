import assert from 'node:assert/strict';
import { type Layout, STAGES, type Stage, layoutText } from '../../../src/core/layout/layout';
import { layoutOf } from '../../../src/core/layout/layouts';
import type { HostModel, Machine } from '../../../src/core/model/hostModel';
import { parsePlacement } from '../../../src/core/placement/parse';
import { print } from '../../../src/core/placement/print';
import { toPlacement } from '../../../src/core/placement/toPlacement';
import { findingsOf } from '../../../src/core/rules/allRules';
import { type Changeable, QEMU, SCOPE, STARTED_HOSTS, machine, model, modelOf, notRun } from '../fixtures';
import { type Moment, replay } from '../starts';

interface Seen {
  readonly moment: Moment;
  readonly host: HostModel;
  /** Not there before it is in a cgroup of its own: until then nothing tells libvirt's child from its others. */
  readonly machine: Machine | undefined;
  readonly layout: Layout | undefined;
}

/** What the model says at every moment of a start. */
async function starting(name: (typeof STARTED_HOSTS)[number], next: boolean): Promise<Seen[]> {
  const seen: Seen[] = [];
  for (const { moment, raw } of await replay(name, { next })) {
    const { model: host, problems } = await model(raw);
    assert.deepEqual(problems, [], `at ${moment.ms} ms`);
    const found = host.machines.filter(({ pid, name: called }) => pid === moment.pid || called === 'serial');
    assert.ok(found.length <= 1, `${found.length} machines at ${moment.ms} ms`);
    seen.push({ moment, host, machine: found[0], layout: found[0] && layoutOf(host, found[0]) });
  }
  return seen;
}

/** Each stage once, as long as it goes on. */
function history(stages: readonly (Stage | undefined)[]): string {
  return stages.filter((stage, i) => stage !== undefined && stage !== stages[i - 1]).join(' → ');
}

/** What was recorded of each start: of the machine, and in each hierarchy by itself. */
const HISTORIES: Readonly<Record<(typeof STARTED_HOSTS)[number], { readonly machine: string; readonly hierarchies: Readonly<Record<string, string>> }>> = {
  'guest-v2': {
    machine: 'scope → task added → emulator → complete',
    hierarchies: { '0::': 'scope → task added → emulator → complete' },
  },
  'guest-hybrid': {
    machine: 'scope → task added → emulator → complete',
    hierarchies: {
      'cpu,cpuacct': 'scope → task added → emulator → complete',
      cpuset: 'inherited → task added → emulator → complete',
      'devices memory': 'inherited → scope → task added',
      'blkio freezer net_cls,net_prio perf_event': 'inherited → task added',
      pids: 'inherited → scope',
      'name=systemd 0::': 'scope',
      'hugetlb misc rdma': 'inherited',
    },
  },
  'guest-legacy': {
    machine: 'scope → task added → emulator → complete',
    hierarchies: {
      'cpu,cpuacct': 'inherited → scope → task added → emulator → complete',
      cpuset: 'inherited → task added → emulator → complete',
      'devices memory': 'inherited → scope → task added',
      'blkio freezer net_cls,net_prio perf_event': 'inherited → task added',
      pids: 'inherited → scope',
      'name=systemd': 'scope',
      'hugetlb misc rdma': 'inherited',
    },
  },
  // Without machined it is all done in between two rounds of the recorder, 95 ms apart.
  'host-v1-libvirt': {
    machine: 'emulator → complete',
    hierarchies: { 'cpu cpuset 0::': 'emulator → complete', blkio: 'task added', 'cpuacct devices freezer memory pids name=systemd': 'inherited' },
  },
};

describe('the stage of a start', () => {
  for (const name of STARTED_HOSTS) {
    for (const next of [false, true]) {
      const there = next ? 'a group there before its thread' : 'groups there with their threads';
      it(`${name}, ${there}: goes on as it did, forward in each hierarchy, to complete`, async () => {
        const seen = (await starting(name, next)).filter(({ machine: of }) => of);
        const { machine: whole, hierarchies } = HISTORIES[name];
        assert.equal(history(seen.map(({ layout }) => layout?.stage)), whole);
        const keys = seen.at(-1)!.host.hierarchies.map(({ key }) => key);
        assert.deepEqual(Object.keys(hierarchies).flatMap(key => key.split(' ')).sort(), [...keys].sort());
        for (const [of, expected] of Object.entries(hierarchies)) {
          for (const key of of.split(' ')) assert.equal(history(seen.map(({ layout }) => layout?.stages.get(key))), expected, key);
        }
        for (const stages of [whole, ...Object.values(hierarchies)]) {
          const order = stages.split(' → ').map(stage => STAGES.indexOf(stage as Stage));
          assert.ok(order.every((at, i) => i === 0 || at > order[i - 1]!), stages);
        }
      });

      it(`${name}, ${there}: nothing is found, and each head says where it is`, async () => {
        let running = 0;
        for (const { moment, host, machine: of, layout } of await starting(name, next)) {
          const at = `at ${moment.ms} ms`;
          assert.deepEqual(findingsOf(host).filter(({ severity }) => severity === 'error' || severity === 'warning'), [], at);
          const isPlaced = moment.tasks.some(({ pid, cgroup }) => pid === moment.pid && /serial/.test(cgroup));
          assert.equal(of !== undefined, isPlaced, at);
          if (!of) continue;
          assert.ok(layout, at);
          assert.equal(of.state, moment.isQemu ? 'running' : 'starting', at);
          running += moment.isQemu ? 1 : 0;
          const placement = toPlacement(host, of);
          const text = print(placement);
          assert.ok(text.split('\n')[0]!.includes(layoutText(layout)), at);
          assert.deepEqual(parsePlacement(text), { ...parsePlacement(text), placement, problems: [] }, at);
          const inEmulator = of.threads.filter(({ role, membership }) => role.kind === 'vcpu' && [...membership.places.values()].some(({ path }) => path.endsWith('/emulator')));
          if (!moment.isQemu || inEmulator.length > 0) assert.notEqual(layout.stage, 'complete', at);
          if (moment.isQemu && layout.stage !== 'complete') assert.equal(layout.stage, 'emulator', at);
          assert.deepEqual(of.threads.filter(thread => thread.role.kind === 'vcpu' && layout.isWaiting(thread)), inEmulator, at);
        }
        assert.ok(running >= 4, `${running}`);
      });
    }
  }

  /** Puts threads of guest-v2 elsewhere, and takes directories away. */
  async function changed(move: (tid: number, path: string) => string, gone: RegExp, change: (copy: Changeable) => void = () => undefined): Promise<Layout> {
    const { model: host } = await modelOf('guest-v2', copy => {
      for (const [path, text] of [...copy.files]) {
        const tid = new RegExp(`^/proc/${QEMU}/task/(\\d+)/cgroup$`).exec(path)?.[1];
        if (tid !== undefined) copy.files.set(path, `0::${move(Number(tid), text.trim().slice('0::'.length))}\n`);
      }
      for (const directory of [...copy.directories]) if (gone.test(directory)) copy.directories.delete(directory);
      change(copy);
    });
    return layoutOf(host, host.machines[0]!);
  }
  const NONE = /^$/;
  const ALONE = '/machine/qemu-1-serial.libvirt-qemu';
  const toEmulator = (path: string): string => path.replace(/[^/]+$/, 'emulator');

  const cases: Readonly<Record<string, readonly [expected: string, layout: () => Promise<Layout>]>> = {
    'a vCPU that was moved to emulator by hand is none': ['libvirt with systemd, complete', () => changed((tid, path) => (tid === 530 ? toEmulator(path) : path), NONE)],
    'nor is it when the last vCPU was': ['libvirt with systemd, complete', () => changed((tid, path) => (tid === 531 ? toEmulator(path) : path), NONE)],
    'nor when the whole process was written into emulator': ['libvirt with systemd, complete', () => changed((_, path) => toEmulator(path), NONE)],
    'nor when the whole process was put into the scope': ['libvirt with systemd, complete', () => changed(() => SCOPE, NONE)],
    'nor into the root, but for the emulator': ['libvirt with systemd, complete', () => changed((tid, path) => (tid === QEMU ? path : '/'), NONE)],
    'vCPUs that wait, and no group for any': ['libvirt with systemd, starting: emulator', () => changed((_, path) => toEmulator(path), /\/(vcpu|iothread)\d$/, notRun)],
    'vCPUs that nobody will place: the guest has run': ['libvirt with systemd, complete', () => changed((_, path) => toEmulator(path), /\/(vcpu|iothread)\d$/)],
    'I/O threads that wait': ['libvirt with systemd, starting: emulator', () => changed((_, path) => path.replace(/iothread\d$/, 'emulator'), /\/iothread\d$/, notRun)],
    'the last I/O thread waits': ['libvirt with systemd, starting: emulator', () => changed((_, path) => path.replace('iothread2', 'emulator'), /\/iothread2$/, notRun)],
    'no vCPU is known by its name, and each is in its group': ['libvirt with systemd, complete', () => changed((_, path) => path, NONE, unnamed)],
    'no vCPU is known by its name, and all threads are in emulator': ['libvirt with systemd, starting: emulator', () => changed((_, path) => toEmulator(path), /\/(vcpu|iothread)\d$/, copy => {
      unnamed(copy);
      copy.files.delete('/run/libvirt/qemu/serial.xml');
    })],
    'one thread runs all vCPUs: it gets no group': ['libvirt with systemd, complete', () => changed((_, path) => toEmulator(path), /\/(vcpu|iothread)\d$/, copy => {
      unnamed(copy);
      copy.files.set('/run/libvirt/qemu/serial.xml', copy.files.get('/run/libvirt/qemu/serial.xml')!.replace(/<vcpus>.*<\/vcpus>/s, '')); // libvirt takes none of it for a vCPU's thread
      copy.files.set(`/proc/${QEMU}/task/528/stat`, copy.files.get(`/proc/${QEMU}/task/528/stat`)!.replace('(qemu-system-x86)', '(ALL CPUs/TCG)'));
    })],
    'libvirt uses neither cpu nor cpuset: there are no groups to come': ['libvirt with systemd, complete', () => changed(() => `${SCOPE}/libvirt`, /\/libvirt\/\w+$/)],
    'libvirt alone, all in its one directory': ['libvirt alone, complete', () => changed(() => ALONE, NONE)],
    'libvirt alone, before exec': ['libvirt alone, starting: task added', () => changed(() => ALONE, NONE, unexecuted)],
    'before libvirt 7.1 the directory and the scope are one': ['libvirt with systemd, starting: scope', () => changed(() => SCOPE, /\/libvirt\//, unexecuted)],
  };
  for (const [name, [expected, layout]] of Object.entries(cases)) it(name, async () => assert.equal(layoutText(await layout()), expected));

  it('before libvirt 7.1: vCPUs wait in the scope\'s own emulator', async () => {
    const { model: host } = await modelOf('guest-v2', copy => {
      for (const [path, text] of [...copy.files]) if (/\/task\/\d+\/cgroup$/.test(path)) copy.files.set(path, text.replace(/\.scope\/libvirt\/\w+$/m, '.scope/emulator'));
      for (const directory of [...copy.directories]) if (directory.includes('.scope/libvirt')) copy.directories.delete(directory);
      notRun(copy);
    });
    assert.equal(layoutText(layoutOf(host, machine(host, 'serial'))), 'libvirt with systemd, starting: emulator');
  });
});

function unnamed(copy: Changeable): void {
  for (const [path, text] of copy.files) if (path.startsWith(`/proc/${QEMU}/task/`) && path.endsWith('/stat')) copy.files.set(path, text.replace(/\(.*\)/, '(qemu-system-x86)'));
}

/** As it is before QEMU is executed: libvirt's child, with one task. */
function unexecuted(copy: Changeable): void {
  copy.links.set(`/proc/${QEMU}/exe`, '/usr/sbin/libvirtd');
  copy.files.set(`/proc/${QEMU}/cmdline`, '/usr/sbin/libvirtd\0');
  for (const path of [...copy.files.keys()]) if (path.startsWith(`/proc/${QEMU}/task/`) && !path.startsWith(`/proc/${QEMU}/task/${QEMU}/`)) copy.files.delete(path);
}
