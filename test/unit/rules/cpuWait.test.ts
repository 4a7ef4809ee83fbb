import assert from 'node:assert/strict';
import { cpuWait } from '../../../src/core/rules/cpuWait';
import { QEMU, SCOPE } from '../fixtures';
import { type HostChange, findingsOfRule } from './checkRule';
import { read, said } from './said';

/** At a second of uptime: TID → milliseconds that it waited. */
function look(second: number, waited: Readonly<Record<number, number>>, lost = 0): HostChange {
  return copy => {
    copy.files.set('/proc/uptime', `${second}.00 0.00\n`);
    for (const [tid, ms] of Object.entries(waited)) copy.files.set(`/proc/${QEMU}/task/${tid}/schedstat`, `${second}000 ${ms}000000 1\n`);
    copy.files.set(`/sys/fs/cgroup${SCOPE}/libvirt/vcpu0/cpu.stat`, `nr_periods 5000\nnr_throttled ${lost}\nthrottled_usec ${lost * 1000}\n`);
  };
}

const before = look(100, { 528: 1000, 529: 1000, 523: 1000 });

describe('cpu-wait', () => {
  it('threads that waited for a CPU between two looks, the worst first', async () => {
    const found = await findingsOfRule(cpuWait, 'guest-v2', look(110, { 528: 2000, 529: 4310, 523: 1000 }), before);
    assert.deepEqual(said(found), ['warning: vCPU 1, vCPU 0 waited for a CPU up to 33 % of the time']);
    assert.deepEqual(found.map(({ at, threads }) => [at.kind, threads.map(({ tid }) => tid)]), [['thread', [529, 528]]]);
    assert.deepEqual(read(found[0]!), ['/proc/519/task/529/schedstat   110000 4310000000', '/proc/519/task/528/schedstat   110000 2000000000']);
  });

  it('one of them alone', async () => {
    const found = await findingsOfRule(cpuWait, 'guest-v2', look(110, { 528: 1500, 529: 1499, 523: 1000 }), before);
    assert.deepEqual(said(found), ['warning: vCPU 0 waited for a CPU 5 % of the time']);
    assert.match(found[0]!.advice(path => path), /^see who else may run on CPU 0, and give/);
  });

  it('costs the guest its own time, or what QEMU does for it', async () => {
    const cost = async (tid: number): Promise<string> => (await findingsOfRule(cpuWait, 'guest-v2', look(110, { [tid]: 5000 }), look(100, { [tid]: 1000 })))[0]!.cost();
    assert.match(await cost(528), /stolen time/);
    assert.match(await cost(QEMU), /^disks, network and the monitor/);
  });

  const silent: Record<string, readonly [now: HostChange, before?: HostChange]> = {
    'less than a twentieth of the time': [look(110, { 528: 1490, 529: 1490, 523: 1000 }), before],
    'one look alone': [look(110, { 528: 9000 })],
    'two looks within half a second': [copy => {
      look(100, { 528: 9000 })(copy);
      copy.files.set('/proc/uptime', '100.40 0.00\n');
    }, before],
    'a thread that the guest does not feel': [look(110, { 528: 1000, 529: 1000, 523: 9000 }), before],
    'a vCPU that a quota held back: that is throttled': [look(110, { 528: 5000, 529: 1000, 523: 1000 }, 4000), before],
  };
  for (const [name, [now, earlier]] of Object.entries(silent)) it(`says nothing of ${name}`, async () => assert.deepEqual(await findingsOfRule(cpuWait, 'guest-v2', now, earlier), []));
});
