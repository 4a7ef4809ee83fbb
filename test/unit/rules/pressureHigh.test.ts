import assert from 'node:assert/strict';
import { pressureHigh } from '../../../src/core/rules/pressureHigh';
import type { Finding } from '../../../src/core/rules/rule';
import { QEMU, SCOPE } from '../fixtures';
import { findingsOfRule, put } from './checkRule';
import { read, said } from './said';

const LIBVIRT = `${SCOPE}/libvirt`;

/** Path → the last 10 s, the last minute. */
function findings(pressures: Readonly<Record<string, readonly [number, number]>>): Promise<Finding[]> {
  return findingsOfRule(pressureHigh, 'guest-v2', copy => {
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
});
