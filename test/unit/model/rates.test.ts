import assert from 'node:assert/strict';
import type { HostModel, Thread } from '../../../src/core/model/hostModel';
import { Rates } from '../../../src/core/model/rates';
import { SCOPE, machine, modelOf } from '../fixtures';

const VCPU = `${SCOPE}/libvirt/vcpu0`;
const vcpu0 = (model: HostModel): Thread => machine(model, 'serial').threads.find(({ role }) => role.kind === 'vcpu' && role.id === '0')!;

/** The host at a second of its uptime, where vCPU 0 ran and waited, and its cgroup was throttled, for so many nanoseconds. */
async function at(second: number, { ran, waited, throttled }: { ran: number; waited: number; throttled: number }): Promise<HostModel> {
  const { tid, pid } = vcpu0((await modelOf('guest-v2')).model);
  return (await modelOf('guest-v2', copy => {
    copy.files.set('/proc/uptime', `${second}.00 0.00\n`);
    copy.files.set(`/proc/${pid}/task/${tid}/schedstat`, `${ran} ${waited} 1\n`);
    copy.files.set(`/sys/fs/cgroup${VCPU}/cpu.stat`, `nr_periods 1000\nnr_throttled ${throttled / 1e6}\nthrottled_usec ${throttled / 1000}\n`);
  })).model;
}

const START = { ran: 1e9, waited: 1e9, throttled: 1e9 };
const THROTTLED = 10.3e9;

describe('what happened between two refreshes', () => {
  for (const [name, change, waiting] of [
    ['that ran', { ran: 1.7e9 }, 0],
    ['that waited for a CPU', { waited: 10.3e9 }, 0.93],
  ] as const) {
    it(`a thread ${name} below a cgroup that was throttled: held back there`, async () => {
      const now = await at(20, { ...START, throttled: THROTTLED, ...change });
      const rates = new Rates(await at(10, START), now);
      const { cgroup, share } = rates.throttled(vcpu0(now))!;
      assert.deepEqual([cgroup.path, share, rates.waiting(vcpu0(now))], [VCPU, 0.93, waiting]);
    });
  }

  it('a thread that slept: held back by nothing, and the cgroup was throttled all the same', async () => {
    const now = await at(20, { ...START, throttled: THROTTLED });
    const rates = new Rates(await at(10, START), now);
    assert.deepEqual([rates.throttled(vcpu0(now)), rates.waiting(vcpu0(now))], [undefined, 0]);
    assert.equal(rates.throttling(vcpu0(now).membership.places.get('0::')!.cgroup!)?.share, 0.93);
  });

  it('nothing without an earlier model, or across a reboot', async () => {
    const now = await at(20, { ...START, ran: 2e9, throttled: THROTTLED });
    for (const before of [undefined, await at(30, START)]) {
      const rates = new Rates(before, now);
      assert.deepEqual([rates.throttled(vcpu0(now)), rates.waiting(vcpu0(now))], [undefined, undefined]);
    }
  });
});
