import assert from 'node:assert/strict';
import type { Cgroup } from '../../../src/core/model/hostModel';
import { CheckedHost } from '../../../src/core/rules/checkedHost';
import { pressureHigh } from '../../../src/core/rules/pressureHigh';
import type { Finding } from '../../../src/core/rules/rule';
import { SCOPE, machine, modelOf } from '../fixtures';
import { read, said } from './said';

const LIBVIRT = `${SCOPE}/libvirt`;

/** With these averages in place of those that were read; a path → the last 10 s, the last minute. */
async function findings(pressures: Readonly<Record<string, readonly [number, number]>>): Promise<Finding[]> {
  const { model } = await modelOf('guest-v2');
  for (const [path, [avg10, avg60]] of Object.entries(pressures)) {
    const cgroup = model.hierarchies[0]!.cgroups.get(path) as { -readonly [K in keyof Cgroup]: Cgroup[K] };
    cgroup.cpuPressure = { avg10, avg60 };
  }
  return pressureHigh.check(new CheckedHost(model, undefined), machine(model, 'serial'));
}

describe('pressure-high', () => {
  it('of the groups in which threads have waited, the worst', async () => {
    const found = await findings({ [`${LIBVIRT}/vcpu0`]: [12.5, 23.4], [`${LIBVIRT}/vcpu1`]: [10, 48.21] });
    assert.deepEqual(said(found), ['warning: threads in S/vcpu1 waited for a CPU 48 % of the last minute (vCPU 1)']);
    assert.deepEqual(read(found[0]!), ['/sys/fs/cgroupSCOPE/libvirt/vcpu1/cpu.pressure   some avg10=10.00 avg60=48.21']);
  });

  const silent: Record<string, Readonly<Record<string, readonly [number, number]>>> = {
    'a minute that is over': { [`${LIBVIRT}/vcpu0`]: [2, 40] },
    'a moment': { [`${LIBVIRT}/vcpu0`]: [60, 9.99] },
    'the whole machine, whose vCPUs take turns': { [SCOPE]: [30, 30], [LIBVIRT]: [30, 30] },
    'slices and the host': { '/': [90, 90], '/machine.slice': [90, 90] },
  };
  for (const [name, pressures] of Object.entries(silent)) it(`says nothing of ${name}`, async () => assert.deepEqual(await findings(pressures), []));
});
