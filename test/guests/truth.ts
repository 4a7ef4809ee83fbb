import assert from 'node:assert/strict';
import { safeLibvirtStatus } from '../../src/core/capture/libvirtStatus';
import { effectiveCpus, withAncestors } from '../../src/core/model/hierarchies';
import type { Cgroup, HostModel, Machine, Thread } from '../../src/core/model/hostModel';
import { scopeOf } from '../../src/core/model/machines';
import { cgroupOwner } from '../../src/core/model/owner';
import { roleText } from '../../src/core/model/roles';
import { isWithin } from '../../src/core/model/subtree';
import type { CpuSet } from '../../src/core/parse/cpuList';
import type { RawSnapshot } from '../../src/core/rawSnapshot';
import type { Guest } from './support/guest';
import { BY_HAND, DOMAIN } from './support/lab';
import { type Reading, type ThreadReading, readTools } from './support/reading';

/** Who looks, and whether /proc hides others' processes from whoever is not root at that time. */
const READERS = {
  root: { user: 'root', asRoot: false, hidepid: 0 },
  ro: { user: 'ro', asRoot: false, hidepid: 0 },
  'op by sudo, where /proc hides processes': { user: 'op', asRoot: true, hidepid: 2 },
} as const;
type Reader = keyof typeof READERS;

/** Every thread of both machines against what the host's own tools say of it. */
export function truth(guest: () => Guest): void {
  describe('agrees with the tools of the host', () => {
    /** Taken before and after ours: what changes in between may be either, and nothing else. */
    let readings: readonly [Reading, Reading];
    const looks = new Map<Reader, { readonly raw: RawSnapshot; readonly model: HostModel }>();
    let hidden: HostModel;
    before(async () => {
      await guest().run(MAKE_THREADS_DIFFER);
      const first = await readTools(guest());
      for (const [reader, { user, asRoot, hidepid }] of Object.entries(READERS)) {
        await guest().run(`mount -o remount,hidepid=${hidepid} /proc`);
        looks.set(reader as Reader, await guest().look(user, asRoot));
      }
      hidden = (await guest().look('ro')).model;
      readings = [first, await readTools(guest())];
    });
    after(() => guest().run(`mount -o remount,hidepid=0 /proc; ${MAKE_THREADS_EQUAL}`));

    const found = (model: HostModel, name: string): Machine => {
      const machines = model.machines.filter(machine => machine.name === name);
      assert.equal(machines.length, 1, `machines of the name ${name}`);
      return machines[0]!;
    };

    for (const reader of Object.keys(READERS) as Reader[]) {
      describe(`as ${reader}`, () => {
        let model: HostModel;
        let raw: RawSnapshot;
        before(() => ({ model, raw } = looks.get(reader)!));

        it('every thread: its process, name, role, membership, cpuset, affinity, policy and nice', () => {
          assert.deepEqual(model.machines.map(machine => machine.name), [BY_HAND, DOMAIN]);
          const threads = new Map(model.machines.flatMap(machine => machine.threads).map(thread => [thread.tid, thread]));
          const [first, last] = readings.map(reading => reading.threads) as [Reading['threads'], Reading['threads']];
          for (const tid of first.keys()) if (last.has(tid)) assert.ok(threads.has(tid), `${tid} ${first.get(tid)!.comm} is missing`);
          assert.ok(threads.size >= 15, `${threads.size} threads`);
          for (const [tid, thread] of threads) {
            const said = readings.filter(reading => reading.threads.has(tid)).map(reading => toldOf(reading, tid));
            assert.ok(said.length > 0, `there is no ${tid} ${thread.comm}`);
            for (const [fact, value] of Object.entries(seenOf(thread, readings[0].cpusets.hierarchy))) {
              if (!said.some(one => one[fact] === value)) assert.equal(value, said[0]![fact], `${tid} ${thread.comm}: ${fact}`);
            }
          }
        });

        it('ps: the same cgroup wherever it shows one, and / where it shows none', () => {
          for (const thread of model.machines.flatMap(machine => machine.threads)) {
            const own = Object.fromEntries([...thread.membership.places].filter(([, { path }]) => path !== '/').map(([key, { path }]) => [key, path]));
            const said = readings.map(reading => reading.threads.get(thread.tid)?.shown).filter(shown => shown !== undefined);
            if (!said.some(shown => isSame(own, shown))) assert.deepEqual(own, said[0], `${thread.tid}`);
          }
        });

        it('libvirt and QMP: the same vCPUs and I/O threads, with the pins and bandwidth that they were given', () => {
          const machine = found(model, DOMAIN);
          // Nothing of this changes while we look.
          const [{ domain }, last] = readings;
          assert.deepEqual(domain, last.domain);
          assert.equal(machine.pid, domain.pid);
          const byRole = (kind: string): Map<string, Thread> => new Map(machine.threads.filter(thread => thread.role.kind === kind).map(thread => [thread.role.id!, thread]));
          const tids = (threads: ReadonlyMap<string, Thread>): [string, number][] => [...threads].map(([id, { tid }]): [string, number] => [id, tid]).sort();
          const [vcpus, ioThreads] = [byRole('vcpu'), byRole('iothread')];
          assert.equal(vcpus.size, 4);
          assert.deepEqual(tids(vcpus), [...domain.vcpus].sort());
          assert.deepEqual(tids(vcpus), [...domain.qmpVcpus].sort());
          assert.equal(ioThreads.size, 2);
          assert.deepEqual(tids(ioThreads), [...domain.qmpIoThreads].sort());
          const { hierarchy } = readings[0].cpusets;
          const check = (thread: Thread, kind: string, pin: string | undefined): void => {
            assert.equal(list(thread.cpusAllowed), pin, `affinity of ${thread.tid}`);
            assert.equal(list(thread.membership.places.get(hierarchy)?.cgroup?.cpus), pin, `cpuset of ${thread.tid}`);
            const cpu = [...thread.membership.places.values()].find(place => place.cgroup?.bandwidth)?.cgroup;
            assert.equal(`${cpu?.bandwidth?.quota}/${cpu?.bandwidth?.period}`, `${domain.schedinfo.get(`${kind}_quota`)}/${domain.schedinfo.get(`${kind}_period`)}`, `bandwidth of ${thread.tid}`);
            assert.equal(String(askedWeight(cpu)), domain.schedinfo.get('cpu_shares'), `shares of ${thread.tid}`);
          };
          for (const [id, thread] of vcpus) {
            assert.equal(domain.vcpuAffinity.get(id), domain.vcpuPins.get(id));
            check(thread, 'vcpu', domain.vcpuPins.get(id));
          }
          for (const [id, thread] of ioThreads) check(thread, 'iothread', domain.ioThreadAffinity.get(id.replace('iothread', '')));
          check(machine.threads[0]!, 'emulator', domain.emulatorPin);
        });

        it('who is who is known from the best source that this reader may read', () => {
          const [{ domain }] = readings;
          const { libvirt, threads } = found(model, DOMAIN);
          const vcpus = threads.filter(({ role }) => role.kind === 'vcpu');
          assert.deepEqual(vcpus.map(({ role }) => role.knownBy), [...domain.vcpus].map(() => (reader === 'ro' ? 'thread name' : 'libvirt')));
          assert.deepEqual(model.machines.flatMap(machine => machine.threads).flatMap(({ disagreement }) => disagreement), []);
          // Whoever was started by hand has no state, and nobody but root reads the others'.
          assert.deepEqual([found(model, BY_HAND).libvirt, libvirt !== undefined], [undefined, reader !== 'ro']);
          if (!libvirt) return;
          assert.deepEqual([...libvirt.vcpus].map(([n, tid]) => [String(n), tid]), [...domain.vcpus]);
          assert.deepEqual([...libvirt.vcpuPins].map(([n, cpus]) => [String(n), list(cpus)]), [...domain.vcpuPins]);
          assert.equal(list(libvirt.emulatorPin), domain.emulatorPin);
          for (const [n, cpus] of libvirt.ioThreadPins) assert.equal(list(cpus), domain.ioThreadAffinity.get(String(n)));
          assert.equal(libvirt.ioThreadPins.size, 2);
        });

        it('of the state of the domain only what is safe has left the host', async () => {
          const file = `/run/libvirt/qemu/${DOMAIN}.xml`;
          const text = raw.files.get(file);
          assert.equal(text, reader === 'ro' ? undefined : safeLibvirtStatus(await guest().run(`cat ${file}`)));
          assert.deepEqual([...raw.files.keys()].filter(path => path.startsWith('/run/')), text === undefined ? [] : [file]);
          assert.doesNotMatch(text ?? '', /monitor|qemuCaps|devices|seclabel|path=/);
        });

        it('systemctl: each machine is in the cgroup of its unit, with the processes that it shows there', () => {
          const [{ units }, last] = readings;
          assert.deepEqual(units, last.units);
          assert.deepEqual(units.map(({ pid }) => pid).sort(), model.machines.map(({ pid }) => pid).sort());
          for (const { pid, unit, controlGroup, processes } of units) {
            let compared = 0;
            for (const hierarchy of model.hierarchies) {
              if (hierarchy.key !== 'name=systemd' && hierarchy.key !== '0::') continue;
              compared += 1;
              const inside = model.machines.filter(({ threads }) => isWithin(threads[0]!.membership.places.get(hierarchy.key)!.path, controlGroup));
              assert.deepEqual(inside.map(machine => machine.pid), processes, `${hierarchy.key} ${controlGroup}`);
              assert.deepEqual(cgroupOwner(model, hierarchy, controlGroup), { kind: 'unit', unit, manager: 'system' });
              const leader = inside.find(machine => machine.pid === pid)!.threads[0]!.membership.places.get(hierarchy.key)!.path;
              const below = { kind: 'delegated', by: unit };
              assert.deepEqual(cgroupOwner(model, hierarchy, leader), leader === controlGroup ? { kind: 'unit', unit, manager: 'system' } : below);
            }
            assert.ok(compared > 0);
          }
        });

        it('machinectl: the same leader, unit and processes', () => {
          const [{ machines }, last] = readings;
          assert.deepEqual(machines, last.machines);
          assert.equal(machines.size, 1, 'machined does not know who was started by hand');
          for (const [name, { leader, unit, processes }] of machines) {
            const machine = found(model, name.replace(/^qemu-\d+-/, ''));
            assert.equal(machine.pid, leader);
            assert.deepEqual([machine.pid], processes);
            const { scope } = scopeOf(machine.threads[0]!.membership)!;
            assert.equal(scope.slice(scope.lastIndexOf('/') + 1), unit);
          }
        });

        it('says what it could not read', () => {
          const exe = raw.links.get(`/proc/${found(model, DOMAIN).pid}/exe`);
          // Whose executable it is only root may see; nothing else of a thread is kept from anybody.
          assert.equal(exe, reader === 'ro' ? undefined : '/usr/bin/qemu-system-x86_64');
          assert.deepEqual([raw.collection.hides, raw.collection.complete, raw.collection.remarks], [false, true, []]);
        });
      });
    }

    it('ro, where /proc hides processes, is told which threads of the domain it does not see', () => {
      assert.ok(hidden.collection.hides);
      assert.deepEqual(hidden.machines, []);
      const own = [...readings[1].threads].filter(([, { pid }]) => pid === readings[1].domain.pid).map(([tid]) => tid);
      assert.deepEqual(hidden.hidden.map(({ name, tids }) => ({ name, tids })), [{ name: DOMAIN, tids: own.sort((a, b) => a - b) }]);
    });
  });
}

/** All threads of one kind would be told apart by nothing: those of the QEMU by hand get affinities, policies and nice values of their own. */
const MAKE_THREADS_DIFFER = `
  pid=$(cat /run/byhand.pid)
  renice -n 5 -p $pid >/dev/null
  for task in /proc/$pid/task/*; do
    tid=\${task##*/}
    case $(cat $task/comm) in
      'CPU 0/TCG') chrt -f -p 7 $tid && taskset -pc 1 $tid ;;
      'CPU 1/TCG') chrt -b -p 0 $tid && taskset -pc 0 $tid && renice -n -3 -p $tid ;;
      'IO io1') chrt -i -p 0 $tid ;;
    esac
  done >/dev/null
  for vhost in $(ps -eo pid=,comm= | awk -v name=vhost-$pid '$2 == name { print $1 }'); do chrt -r -p 3 $vhost; done`;

const MAKE_THREADS_EQUAL = `
  pid=$(cat /run/byhand.pid)
  for tid in $(ls /proc/$pid/task) $(ps -eo pid=,comm= | awk -v name=vhost-$pid '$2 == name { print $1 }'); do
    chrt -o -p 0 $tid; taskset -pc 0-1 $tid; renice -n 0 -p $tid
  done >/dev/null`;

type Facts = Readonly<Record<string, string | undefined>>;

function toldOf(reading: Reading, tid: number): Facts {
  const thread = reading.threads.get(tid)!;
  const path = thread.cgroups[reading.cpusets.hierarchy]!;
  return {
    pid: String(thread.pid),
    name: thread.comm,
    role: roleIn(reading, tid, thread),
    membership: inOrder(Object.entries(thread.cgroups)),
    'configured cpuset': reading.cpusets.at.get(path)?.configured,
    // Where the controller is not handed down so far, that of the cgroup above holds: the kernel names it.
    'effective cpuset': `${reading.cpusets.at.get(thread.cpuset)?.effective} of ${thread.cpuset}`,
    affinity: thread.affinity,
    policy: thread.policy,
    nice: thread.nice,
  };
}

function seenOf(thread: Thread, cpusetHierarchy: string): Facts {
  const cgroup = thread.membership.places.get(cpusetHierarchy)?.cgroup;
  const holds = [...withAncestors(cgroup)].find(at => effectiveCpus(at) !== undefined);
  return {
    pid: String(thread.pid),
    name: thread.comm,
    role: roleText(thread.role),
    membership: inOrder([...thread.membership.places].map(([key, place]) => [key, place.path])),
    'configured cpuset': cgroup?.cpus && list(cgroup.cpus),
    'effective cpuset': `${list(effectiveCpus(holds))} of ${holds?.path}`,
    affinity: list(thread.cpusAllowed),
    policy: `${thread.policy} ${thread.rtPriority}`,
    // ps shows none where it does not count.
    nice: /^(fifo|rr|idle)$/.test(thread.policy) ? '-' : String(thread.nice),
  };
}

/** Of the domain what libvirt and QEMU say; of the QEMU by hand, which has nobody to ask, what its threads are called. */
function roleIn({ domain }: Reading, tid: number, { pid, comm }: ThreadReading): string {
  if (comm === 'qemu-system-x86' && tid === pid) return 'emulator';
  const [vcpu] = [...domain.vcpus].find(([, of]) => of === tid) ?? [];
  if (vcpu !== undefined) return `vCPU ${vcpu}`;
  const [ioThread] = [...domain.qmpIoThreads].find(([, of]) => of === tid) ?? [];
  if (ioThread !== undefined) return `I/O thread ${ioThread}`;
  if (/^vhost-\d+$/.test(comm)) return 'vhost';
  if (comm === 'worker' || comm === 'call_rcu') return comm; // the latter where that thread came to its name after debug-threads=on was read
  if (pid !== domain.pid) return { 'CPU 0/TCG': 'vCPU 0', 'CPU 1/TCG': 'vCPU 1', 'IO io1': 'I/O thread io1' }[comm] ?? 'other';
  return 'other';
}

/** What was asked for at the cgroup or above it. */
function askedWeight(cgroup: Cgroup | undefined): number | undefined {
  return [...withAncestors(cgroup)].map(at => at.shares ?? at.weight).find(value => value !== undefined && value !== 1024 && value !== 100);
}

function list(cpus: CpuSet | undefined): string | undefined {
  return cpus && [...cpus].join();
}

function inOrder(places: readonly (readonly [string, string])[]): string {
  return places.map(([key, path]) => `${key} ${path}`).sort().join('\n');
}

function isSame(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  return inOrder(Object.entries(one)) === inOrder(Object.entries(other));
}
