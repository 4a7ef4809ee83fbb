import assert from 'node:assert/strict';
import { rtRefused } from '../../../src/core/rules/rtRefused';
import { type Changeable, type HostName } from '../fixtures';
import { type HostChange, edit, findingsOfRule, put } from './checkRule';
import { read, said } from './said';

const HOST: HostName = 'host-v1-libvirt';
const MACHINE = '/machine/qemu-2-kvmdemo.libvirt-qemu';
const short = (texts: readonly string[]): string[] => texts.map(text => text.replaceAll(MACHINE, 'M')).filter(text => text.includes('M/'));

/** vCPU 2 real-time: priority −2, field 40 is 1 and 41 fifo. */
function realTime(copy: Changeable): void {
  edit(copy, '/proc/29142/task/29151/stat', text => {
    const close = text.lastIndexOf(')');
    const fields = text.slice(close + 2).split(' ');
    [fields[15], fields[37], fields[38]] = ['-2', '1', '1'];
    return `${text.slice(0, close + 2)}${fields.join(' ')}`;
  });
}

const elsewhere: HostChange = copy => {
  realTime(copy);
  put(copy, 29142, 29151, 'cpu', '/');
};

describe('rt-refused', () => {
  it('a kernel with groups of real-time threads, of which libvirt\'s have no time: a hint', async () => {
    const found = await findingsOfRule(rtRefused, HOST);
    assert.deepEqual(short(said(found)), ['hint: M/vcpu0 has no time for real-time threads: the policies fifo and rr are refused there']);
    assert.deepEqual(short(found.flatMap(read)), ['/sys/fs/cgroup/cpuM/vcpu0/cpu.rt_runtime_us   0']);
  });

  it('a real-time vCPU that cannot be moved to its own group', async () => {
    const found = await findingsOfRule(rtRefused, HOST, elsewhere);
    assert.deepEqual(short(said(found)), ['information: vCPU 2 is real-time and in / (cpu): it cannot be moved to M/vcpu2, which has no time for real-time threads']);
    assert.deepEqual(found[0]!.evidence.map(({ value }) => value), ['cpu:/', '0']);
  });

  it('says nothing where the groups have time', async () => {
    assert.deepEqual(await findingsOfRule(rtRefused, HOST, copy => {
      for (const file of copy.files.keys()) if (file.endsWith('/cpu.rt_runtime_us')) copy.files.set(file, '10000\n');
      elsewhere(copy);
    }), []);
  });

  for (const host of ['guest-v2', 'guest-hybrid'] as const) it(`says nothing of ${host}, whose kernel has no such groups`, async () => assert.deepEqual(await findingsOfRule(rtRefused, host), []));
});
