import assert from 'node:assert/strict';
import { isolcpusNoBalance } from '../../../src/core/rules/isolcpusNoBalance';
import { QEMU, SCOPE } from '../fixtures';
import { type HostChange, edit } from './checkRule';
import { allow, checked, sentences, set } from './pins';

/** The field `processor` of `stat`. */
function ranOn(copy: Parameters<HostChange>[0], tid: number, cpu: number): void {
  edit(copy, `/proc/${QEMU}/task/${tid}/stat`, text => {
    const words = text.slice(text.lastIndexOf(')') + 2).split(' ');
    words[36] = String(cpu);
    return `${text.slice(0, text.lastIndexOf(')') + 2)}${words.join(' ')}`;
  });
}

/** A range in the pin, on CPUs that are isolated. */
const stacked: HostChange = copy => {
  for (const tid of [528, 529]) allow(copy, QEMU, tid, '2-3');
  ranOn(copy, 529, 2);
};

describe('isolcpus-no-balance', () => {
  it('vCPUs that may run on several isolated CPUs and are on one: said, with what was read', async () => {
    const { findings } = await checked(isolcpusNoBalance, 'numa-isolated', stacked);
    assert.deepEqual(findings.map(f => [f.severity, f.sentence(path => path), f.threads.map(({ tid }) => tid)]), [['warning', 'vCPU 0, vCPU 1 may run on CPUs 2-3, which are isolated, and all of them are on CPU 2', [528, 529]]]);
    assert.deepEqual(findings[0]!.evidence, [
      { file: `/proc/${QEMU}/task/528/status`, value: 'Cpus_allowed_list: 2-3' },
      { file: `/proc/${QEMU}/task/529/status`, value: 'Cpus_allowed_list: 2-3' },
      { file: `/proc/${QEMU}/task/528/stat`, value: 'processor: 2' },
      { file: `/proc/${QEMU}/task/529/stat`, value: 'processor: 2' },
      { file: '/sys/devices/system/cpu/isolated', value: '2-7' },
    ]);
    assert.equal(findings[0]!.advice(path => path), 'give each a CPU of its own, vCPU 0 for example: virsh vcpupin serial 0 2 --live');
    assert.deepEqual(findings[0]!.fixes, []);
  });

  it('an isolated partition is as much isolated', async () => {
    assert.equal((await sentences(isolcpusNoBalance, 'numa-isolated', copy => {
      stacked(copy);
      set(copy, '/sys/devices/system/cpu/isolated', '');
      set(copy, `/sys/fs/cgroup${SCOPE}/libvirt/cpuset.cpus.partition`, 'isolated');
    })).length, 1);
  });

  const silent: Record<string, HostChange> = {
    'vCPUs that are on different CPUs': copy => {
      stacked(copy);
      ranOn(copy, 529, 3);
    },
    'vCPUs that may run on one CPU each': copy => ranOn(copy, 529, 2),
    'CPUs that are not all isolated': copy => {
      stacked(copy);
      set(copy, '/sys/devices/system/cpu/isolated', '3-7');
    },
    'a partition in which the scheduler balances': copy => {
      stacked(copy);
      set(copy, '/sys/devices/system/cpu/isolated', '');
      set(copy, `/sys/fs/cgroup${SCOPE}/libvirt/cpuset.cpus.partition`, 'root');
    },
    'other threads': copy => {
      for (const tid of [525, 526]) allow(copy, QEMU, tid, '4-5');
      ranOn(copy, 526, 4);
    },
  };
  for (const [name, change] of Object.entries(silent)) it(`says nothing of ${name}`, async () => assert.deepEqual(await sentences(isolcpusNoBalance, 'numa-isolated', change), []));
});
