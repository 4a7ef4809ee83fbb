import assert from 'node:assert/strict';
import { effectiveCpus } from '../../src/core/model/hierarchies';
import type { HostModel, Problem } from '../../src/core/model/hostModel';
import { findingsOf } from '../../src/core/rules/allRules';
import { cleanUp } from '../kernel/support/cleanUp';
import { disconnectAll } from '../ssh/support/client';
import { saveCapture, saveTruth } from './support/captures';
import { Guest, TWO_NODES } from './support/guest';
import { numbers } from './support/reading';

const NAME = 'guest-numa-clean';

/** Node 1 is for vCPUs alone: no other task, no tick, no callbacks and no interrupts on it. The last is for speed: an emulated processor needs no defence. */
const KERNEL_ARGUMENTS = ['isolcpus=managed_irq,domain,4-7', 'nohz_full=4-7', 'rcu_nocbs=4-7', 'irqaffinity=0-3', 'mitigations=off'];

/** Each vCPU on a core of node 1 whose other thread (5, 7) is free, its memory on that node; all else of QEMU on node 0. No quota. */
const DOMAIN = `<domain type='qemu'>
  <name>clean</name>
  <uuid>22222222-3333-4444-8555-666666666666</uuid>
  <memory unit='MiB'>64</memory>
  <vcpu placement='static'>2</vcpu>
  <iothreads>1</iothreads>
  <cputune>
    <shares>2048</shares>
    <vcpupin vcpu='0' cpuset='4'/>
    <vcpupin vcpu='1' cpuset='6'/>
    <emulatorpin cpuset='0-1'/>
    <iothreadpin iothread='1' cpuset='2'/>
  </cputune>
  <numatune><memory mode='strict' nodeset='1'/></numatune>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <features><acpi/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/>
    <serial type='pty'><target port='0'/></serial>
    <memballoon model='none'/>
  </devices>
</domain>`;

/** The healthy host, against which false alarms are counted. */
describe('a guest of 8 CPUs on 2 NUMA nodes with a machine as it should be', () => {
  let guest: Guest;
  let model: HostModel;
  let problems: readonly Problem[];
  before(async () => {
    guest = await Guest.boot('v2', { topology: TWO_NODES, kernelArguments: KERNEL_ARGUMENTS });
    await guest.run(`systemctl start libvirtd && virsh -q define /dev/stdin <<'END' && virsh -q start clean\n${DOMAIN}\nEND`);
    const seen = await guest.look();
    ({ model, problems } = seen);
    const what = `Its CPUs 4-7, all of NUMA node 1, are isolated (${KERNEL_ARGUMENTS.join(' ')}); the domain's vCPUs have one core each there, with its memory, and the rest of it is on node 0. What the host's tools said of the same threads is in ${NAME}.truth.json.`;
    await saveCapture(guest, NAME, what, seen.raw);
    await saveTruth(guest, NAME, 'clean');
  });
  after(async () => {
    disconnectAll();
    await guest?.end();
    await cleanUp();
  });

  it('is clean, by what the tools say', async () => {
    const said = await guest.run(`
      export LC_ALL=C
      cd /sys/devices/system && grep -H '' cpu/isolated cpu/nohz_full node/node1/cpulist cpu/cpu4/topology/thread_siblings_list cpu/cpu6/topology/thread_siblings_list
      grep -oE "vcpu id='.*' pid='.*'" /run/libvirt/qemu/clean.xml
      virsh -q vcpupin clean; virsh -q emulatorpin clean; virsh -q iothreadinfo clean; virsh -q numatune clean
      pid=$(cat /run/libvirt/qemu/clean.pid)
      cd /proc/$pid/task && grep -HE '^(Cpus|Mems)_allowed_list' */status
      grep -h nr_throttled /sys/fs/cgroup/machine.slice/machine-qemu*/libvirt/*/cpu.stat | sort | uniq -c
      ps -eLo pid=,ppid=,psr=,comm= | awk -v qemu=$pid '$3 >= 4 && $1 != qemu && $1 != 2 && $2 != 2 { print "stranger", $0 }'
      grep -h -o 'bind:1.* N[01]=[0-9]*' /proc/$pid/numa_maps`);
    const one = (pattern: RegExp): string => pattern.exec(said)?.[1] ?? assert.fail(`${pattern} is not in\n${said}`);
    assert.deepEqual([one(/^cpu\/isolated:(.*)$/m), one(/^cpu\/nohz_full:(.*)$/m), one(/^node\/node1\/cpulist:(.*)$/m)], ['4-7', '4-7', '4-7']);
    assert.deepEqual([one(/cpu4\/topology\/thread_siblings_list:(.*)/), one(/cpu6\/topology\/thread_siblings_list:(.*)/)], ['4-5', '6-7']);
    assert.deepEqual([one(/numa_mode *: (\S+)/), one(/numa_nodeset *: (\S+)/)], ['strict', '1']);
    const statuses = new Map([...said.matchAll(/^(\d+)\/status:(\w+)_allowed_list:\s*(\S+)$/gm)].map(([, tid, of, list]) => [`${of} ${tid}`, list!]));
    const vcpus = [...said.matchAll(/vcpu id='(\d+)' pid='(\d+)'/g)].map(([, id, tid]) => ({ id, tid, cpus: statuses.get(`Cpus ${tid}`), mems: statuses.get(`Mems ${tid}`) }));
    assert.deepEqual(vcpus.map(({ id, cpus, mems }) => `${id}: ${cpus} on node ${mems}`), ['0: 4 on node 1', '1: 6 on node 1']);
    for (const [key, cpus] of statuses) if (key.startsWith('Cpus') && !vcpus.some(({ tid }) => key === `Cpus ${tid}`)) assert.match(cpus, /^(0-1|2)$/, key);
    assert.deepEqual([...said.matchAll(/^ *\d+ nr_throttled (\d+)$/gm)].map(match => match[1]), ['0'], 'nothing was ever throttled');
    assert.match(said, /bind:1/, 'memory is bound to node 1');
    assert.doesNotMatch(said, /bind:1.* N0=/, 'and there is none of it on node 0');
    assert.doesNotMatch(said, /^stranger/m);
  });

  it('is seen as that', () => {
    assert.deepEqual(problems, []);
    assert.deepEqual(model.machines.map(({ name }) => name), ['clean']);
    const [machine] = model.machines;
    const shown = machine!.threads.filter(({ role }) => role.kind !== 'other').map(({ role, cpusAllowed, membership }) => {
      const cgroup = membership.places.get('0::')?.cgroup;
      return `${role.kind} ${role.id ?? ''} may use ${cpusAllowed} of ${effectiveCpus(cgroup)}, memory of ${cgroup?.memsEffective}`;
    });
    assert.deepEqual(shown, [
      'emulator  may use 0-1 of 0-1, memory of 1',
      'vcpu 0 may use 4 of 4, memory of 1',
      'vcpu 1 may use 6 of 6, memory of 1',
      'iothread iothread1 may use 2 of 2, memory of 1',
    ]);
    const { isolated, nohzFull, nodes, cpus } = model.topology;
    assert.deepEqual([isolated, nohzFull, nodes.get(0), nodes.get(1)].map(String), ['4-7', '4-7', '0-3', '4-7']);
    assert.deepEqual([...cpus].map(([cpu, { siblings }]) => `${cpu}: ${siblings}`), [0, 1, 2, 3, 4, 5, 6, 7].map(cpu => `${cpu}: ${cpu & ~1}-${cpu | 1}`));
    assert.equal(numbers(String(machine!.memsAllowed)), '1');
  });

  it('nothing is found to be wrong', () => {
    const wrong = findingsOf(model).filter(({ severity, rule }) => (severity === 'error' || severity === 'warning') && rule !== 'pressure-high'); // comes and goes with the load of this machine
    assert.deepEqual(wrong.map(({ rule, sentence }) => `${rule}: ${sentence(path => path)}`), []);
  });
});
