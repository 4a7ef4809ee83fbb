import assert from 'node:assert/strict';
import { pressureHigh } from '../../../src/core/rules/pressureHigh';
import type { Finding } from '../../../src/core/rules/rule';
import { QEMU, SCOPE } from '../fixtures';
import { type HostChange, findingsOfRule, put } from './checkRule';
import { read, said } from './said';

const LIBVIRT = `${SCOPE}/libvirt`;

/** Path → the last 10 s, the last minute. */
function findings(pressures: Readonly<Record<string, readonly [number, number]>>, change?: HostChange): Promise<Finding[]> {
  return findingsOfRule(pressureHigh, 'guest-v2', copy => {
    change?.(copy);
    put(copy, QEMU, 523, '', '/');
    put(copy, QEMU, 527, '', '/machine.slice');
    for (const [path, [avg10, avg60]] of Object.entries(pressures)) {
      copy.files.set(`/sys/fs/cgroup${path === '/' ? '' : path}/cpu.pressure`, `some avg10=${avg10.toFixed(2)} avg60=${avg60.toFixed(2)} avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n`);
    }
  });
}

describe('pressure-high', () => {
  it('of the groups in which threads have waited, the worst', async () => {
    const found = await findings({ [`${LIBVIRT}/vcpu0`]: [22.5, 23.4], [`${LIBVIRT}/vcpu1`]: [20, 48.21] });
    assert.deepEqual(said(found), ['warning: threads in S/vcpu1 waited for a CPU 48 % of the last minute (vCPU 1)']);
    assert.deepEqual(read(found[0]!), ['/sys/fs/cgroupSCOPE/libvirt/vcpu1/cpu.pressure   some avg10=20.00 avg60=48.21']);
  });

  const silent: Record<string, Readonly<Record<string, readonly [number, number]>>> = {
    'a minute that is over': { [`${LIBVIRT}/vcpu0`]: [2, 40] },
    'a moment': { [`${LIBVIRT}/vcpu0`]: [60, 19.99] },
    'the whole machine, whose vCPUs take turns': { [SCOPE]: [30, 30], [LIBVIRT]: [30, 30] },
    'slices and the host, even where a thread is right in them': { '/': [90, 90], '/machine.slice': [90, 90] },
  };
  for (const [name, pressures] of Object.entries(silent)) it(`says nothing of ${name}`, async () => assert.deepEqual(await findings(pressures), []));

  /** All threads of the machine in one cgroup, or the first and one vCPU alone. */
  const inOne = (path: string, vcpus: readonly number[]): HostChange => copy => {
    for (const file of [...copy.files.keys()]) {
      const tid = Number(/^\/proc\/519\/task\/(\d+)\/cgroup$/.exec(file)?.[1]);
      if (tid && (tid < 528 || vcpus.includes(tid))) copy.files.set(file, `0::${path}\n`);
      else if (tid) for (const of of [...copy.files.keys()].filter(one => one.includes(`/task/${tid}/`))) copy.files.delete(of);
    }
    copy.directories.add(`/sys/fs/cgroup${path}`);
  };
  it('of a scope with a single vCPU a warning, with several information, and of a session nothing', async () => {
    const severities = async (path: string, vcpus: readonly number[]): Promise<string[]> => (await findings({ [path]: [60, 60] }, inOne(path, vcpus))).map(({ severity }) => severity);
    assert.deepEqual(await severities('/qemu.slice/100.scope', [528]), ['warning']);
    assert.deepEqual(await severities('/qemu.slice/100.scope', [528, 529, 530, 531]), ['information']);
    assert.deepEqual(await severities('/user.slice/user-1000.slice/session-3.scope', [528]), []);
  });
});
