import assert from 'node:assert/strict';
import { throttled } from '../../../src/core/rules/throttled';
import { type Changeable, QEMU, SCOPE } from '../fixtures';
import { type HostChange, findingsOfRule } from './checkRule';
import { POD, inPod } from './pins';
import { planned, read, said } from './said';

const CGROUPS = '/sys/fs/cgroup';
const LIBVIRT = `${SCOPE}/libvirt`;

interface Look {
  readonly second: number;
  readonly ran: number;
  /** Milliseconds. */
  readonly lost: number;
  readonly cgroup?: string;
}

/** vCPU 0 ran so long by then, and a cgroup at or above it was throttled for so long. */
function look({ second, ran, lost, cgroup = `${LIBVIRT}/vcpu0` }: Look): HostChange {
  return copy => {
    copy.files.set('/proc/uptime', `${second}.00 0.00\n`);
    copy.files.set(`/proc/${QEMU}/task/528/schedstat`, `${ran} 0 1\n`);
    copy.files.set(`${CGROUPS}${cgroup}/cpu.stat`, `nr_periods 5000\nnr_throttled ${lost / 10}\nthrottled_usec ${lost * 1000}\n`);
  };
}

const before = look({ second: 100, ran: 1e9, lost: 1000 });
const stat = (cgroup: string, periods: number, times: number) => (copy: Changeable): void => void copy.files.set(`${CGROUPS}${cgroup}/cpu.stat`, `nr_periods ${periods}\nnr_throttled ${times}\nthrottled_usec 1\n`);

describe('throttled', () => {
  it('once is not 1 times', async () => {
    const now: HostChange = copy => {
      look({ second: 110, ran: 2e9, lost: 5000 })(copy);
      copy.files.set(`${CGROUPS}${LIBVIRT}/vcpu0/cpu.stat`, 'nr_periods 5000\nnr_throttled 101\nthrottled_usec 5000000\n');
    };
    assert.match(said(await findingsOfRule(throttled, 'guest-v2', now, before))[0]!, /\(50000\/100000\) once, 40 % of the time: vCPU 0 stood still/);
  });

  it('a vCPU whose own quota ran out between two looks: how long, by which cgroup, and its limit can be removed', async () => {
    const now = look({ second: 110, ran: 2e9, lost: 5000 });
    const found = await findingsOfRule(throttled, 'guest-v2', now, before);
    assert.deepEqual(said(found), ['warning: S/vcpu0 ran out of its CPU quota (50000/100000) 400 times, 40 % of the time: vCPU 0 stood still [Remove the CPU quota of S/vcpu0]']);
    assert.deepEqual(read(found[0]!), [
      '/sys/fs/cgroupSCOPE/libvirt/vcpu0/cpu.stat   nr_periods 5000, nr_throttled 500, throttled_usec 5000000',
      '/sys/fs/cgroupSCOPE/libvirt/vcpu0/cpu.max   50000 100000',
    ]);
    assert.deepEqual(found[0]!.at, { kind: 'value', hierarchy: '0::', path: `${LIBVIRT}/vcpu0`, name: 'quota' });
    assert.deepEqual(await planned('guest-v2', now, found[0]!), ['max 100000 to cpu.max of S/vcpu0']);
  });

  it('the quota of a slice above: said, and left to who set it', async () => {
    const slice = (second: number, ran: number, lost: number): HostChange => copy => {
      look({ second, ran, lost, cgroup: '/machine.slice' })(copy);
      copy.files.set(`${CGROUPS}/machine.slice/cpu.max`, '20000 100000\n');
    };
    const found = await findingsOfRule(throttled, 'guest-v2', slice(110, 2e9, 9500), slice(100, 1e9, 1000));
    assert.deepEqual(said(found), ['warning: /machine.slice ran out of its CPU quota (20000/100000) 850 times, 85 % of the time: vCPU 0 stood still']);
    assert.match(found[0]!.advice(path => path), /shared by all/);
  });

  it('a pod\'s limit and one of Proxmox VE: by what set it, and a pod\'s is removed by no fix', async () => {
    const within = async (path: string): Promise<(readonly [string, number])[]> => {
      const at = (second: number, ran: number, lost: number): HostChange => copy => {
        inPod(copy, { cpus: '0-7' });
        for (let at = path; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
          copy.directories.add(`${CGROUPS}${at}`);
          copy.files.set(`${CGROUPS}${at}/cgroup.controllers`, 'cpuset cpu pids\n');
        }
        for (const file of [...copy.files.keys()]) if (new RegExp(`^/proc/${QEMU}/task/\\d+/cgroup$`).test(file)) copy.files.set(file, `0::${path}\n`);
        look({ second, ran, lost, cgroup: path })(copy);
        copy.files.set(`${CGROUPS}${path}/cpu.max`, '200000 100000\n');
      };
      return (await findingsOfRule(throttled, 'numa-isolated', at(110, 2e9, 9500), at(100, 1e9, 1000))).map(finding => [finding.advice(() => 'X'), finding.fixes.length]);
    };
    assert.deepEqual(await within(POD), [['X has the limit of the pod: raise resources.limits.cpu in the spec of the VirtualMachineInstance, or leave it out there', 0]]);
    assert.deepEqual(await within('/qemu.slice/100.scope'), [['raise the limit, in CPUs, 0 for none: qm set 100 --cpulimit CPUS', 1]]);
  });

  it('of one look: a hint, from a quarter of all periods on', async () => {
    assert.deepEqual(said(await findingsOfRule(throttled, 'guest-v2', stat(`${LIBVIRT}/vcpu0`, 100, 25))), ['hint: S/vcpu0 ran out of its CPU quota (50000/100000) in 25 of 100 periods since it was made']);
  });

  it('in v1', async () => {
    const at = (second: number, times: number): HostChange => copy => {
      copy.files.set('/proc/uptime', `${second}.00 0.00\n`);
      copy.files.set('/proc/450/task/458/schedstat', `${second}000000 0 1\n`);
      copy.files.set(`${CGROUPS}/cpu,cpuacct${LIBVIRT}/vcpu0/cpu.stat`, `nr_periods 2000\nnr_throttled ${times}\nthrottled_time ${times * 5e7}\n`);
    };
    const found = await findingsOfRule(throttled, 'guest-hybrid', at(20, 60), at(10, 10));
    assert.deepEqual(said(found), ['warning: S/vcpu0 ran out of its CPU quota (50000/100000) 50 times, 25 % of the time: vCPU 0 stood still [Remove the CPU quota of S/vcpu0]']);
    assert.deepEqual(await planned('guest-hybrid', at(20, 60), found[0]!), ['-1 to cpu.cfs_quota_us of S/vcpu0']);
  });

  const silent: Record<string, readonly [now: HostChange, before?: HostChange]> = {
    'less than a twentieth of the time': [look({ second: 110, ran: 2e9, lost: 1400 }), before],
    'a vCPU that slept all the while': [look({ second: 110, ran: 1e9, lost: 5000 }), before],
    'two looks that show nothing, whatever was before': [copy => {
      look({ second: 110, ran: 2e9, lost: 1000 })(copy);
      stat(`${LIBVIRT}/emulator`, 100, 99)(copy);
    }, copy => {
      before(copy);
      stat(`${LIBVIRT}/emulator`, 100, 99)(copy);
    }],
    'sums of a boot: few of many periods': [stat(`${LIBVIRT}/vcpu0`, 5000, 107)],
    'a group that hardly ever ran': [stat(`${LIBVIRT}/vcpu0`, 9, 9)],
  };
  for (const [name, [now, earlier]] of Object.entries(silent)) it(`says nothing of ${name}`, async () => assert.deepEqual(await findingsOfRule(throttled, 'guest-v2', now, earlier), []));

  it('two looks at nearly the same time count as one', async () => {
    const found = await findingsOfRule(throttled, 'guest-v2', look({ second: 100, ran: 2e9, lost: 5000 }), before);
    assert.deepEqual(found.map(({ severity }) => severity), []);
  });
});
