import assert from 'node:assert/strict';
import { numaSplit } from '../../../src/core/rules/numaSplit';
import { QEMU, SCOPE } from '../fixtures';
import type { HostChange } from './checkRule';
import { allow, checked, sentences, set, withoutGroups } from './pins';

/** What the first thread may use, and so the process. */
const firstOn = (nodes: string): HostChange => copy => void copy.files.set(`/proc/${QEMU}/status`, `Mems_allowed_list:\t${nodes}\n`);

const ofVcpu = (vcpu: number): string => `/sys/fs/cgroup${SCOPE}/libvirt/vcpu${vcpu}/cpuset.mems.effective`;

/** All threads alike. */
const memoryOn = (nodes: string): HostChange => copy => {
  firstOn(nodes)(copy);
  for (let vcpu = 0; vcpu < 4; vcpu++) copy.files.set(ofVcpu(vcpu), `${nodes}\n`);
};

describe('numa-split', () => {
  it('vCPUs that may run only on another node than the memory: said, with what was read', async () => {
    const { findings } = await checked(numaSplit, 'numa-isolated', memoryOn('0'));
    assert.deepEqual(findings.map(f => [f.severity, f.sentence(path => path), f.advice(path => path), f.fixes.length]), [
      ['information', 'vCPU 0, vCPU 1, vCPU 2 and 1 more may run only on node 1, and the memory only on node 0', 'pin them to CPUs 0-1,4-5, next to the memory, where no vCPU is bound', 0],
    ]);
    assert.deepEqual(findings[0]!.evidence.filter(({ file }) => !file.includes('/task/')), [
      ...[0, 1, 2, 3].map(vcpu => ({ file: ofVcpu(vcpu), value: '0' })),
      { file: '/sys/devices/system/node/node0/cpulist', value: '0-1,4-5' },
    ]);
  });

  it('where all threads are in one cgroup: by the process', async () => {
    const { findings } = await checked(numaSplit, 'numa-isolated', copy => {
      withoutGroups(copy);
      firstOn('0')(copy);
    });
    assert.deepEqual(findings.map(f => [f.threads.length, f.evidence[0]]), [[4, { file: `/proc/${QEMU}/status`, value: 'Mems_allowed_list: 0' }]]);
  });

  it('vCPUs whose memory is on nodes of their own: each kind by itself', async () => {
    assert.deepEqual(await sentences(numaSplit, 'numa-isolated', copy => {
      firstOn('0')(copy);
      set(copy, ofVcpu(0), '0');
      allow(copy, QEMU, 529, '1');
    }), [
      'information: vCPU 0 may run only on node 1, and the memory only on node 0',
      'information: vCPU 1 may run only on node 0, and the memory only on node 1',
    ]);
  });

  it('one of them', async () => {
    assert.deepEqual(await sentences(numaSplit, 'numa-isolated', copy => {
      memoryOn('1')(copy);
      allow(copy, QEMU, 529, '1');
    }), ['information: vCPU 1 may run only on node 0, and the memory only on node 1']);
  });

  const silent: Record<string, HostChange> = {
    'memory next to all vCPUs': memoryOn('1'),
    'memory that may be on all nodes, as that of a guest with nodes of its own': copy => {
      memoryOn('0-1')(copy);
      allow(copy, QEMU, 529, '1');
    },
    'vCPUs whose memory is next to them, and the emulator\'s is elsewhere, as numatune `restrictive` has it': firstOn('0'),
    'a vCPU that may run next to the memory too': copy => {
      memoryOn('1')(copy);
      allow(copy, QEMU, 529, '1-2');
    },
    'an affinity that cannot be read': copy => {
      memoryOn('1')(copy);
      allow(copy, QEMU, 529, '1');
      copy.files.delete(`/proc/${QEMU}/task/529/status`);
    },
    'a host of one node': copy => {
      memoryOn('0')(copy);
      copy.files.delete('/sys/devices/system/node/node1/cpulist');
      set(copy, '/sys/devices/system/node/node0/cpulist', '0-7');
    },
  };
  for (const [name, change] of Object.entries(silent)) it(`says nothing of ${name}`, async () => assert.deepEqual(await sentences(numaSplit, 'numa-isolated', change), []));
});
