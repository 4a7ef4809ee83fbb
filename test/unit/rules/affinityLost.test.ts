import assert from 'node:assert/strict';
import { affinityLost } from '../../../src/core/rules/affinityLost';
import { QEMU, SCOPE } from '../fixtures';
import type { HostChange } from './checkRule';
import { allow, begun, checked, sentences, set, stepsOf } from './pins';

/** The cpuset is wider than the pin, and the thread has all of it. */
const lost: HostChange = copy => {
  for (const file of ['cpuset.cpus', 'cpuset.cpus.effective']) set(copy, `/sys/fs/cgroup${SCOPE}/libvirt/vcpu0/${file}`, '2-3');
  allow(copy, QEMU, 528, '2-3');
};
const PIN = { vcpus: { 0: '2' } };

describe('affinity-lost', () => {
  it('a pin that an old kernel has forgotten: said, with what was read, and pinned again', async () => {
    const { model, findings } = await checked(affinityLost, 'numa-isolated', lost, PIN);
    assert.deepEqual(findings.map(f => [f.severity, f.sentence(path => path), f.advice(path => path)]), [['warning', 'vCPU 0 may run on CPUs 2-3, all of its cpuset, and libvirt has pinned it to CPU 2', 'run: virsh vcpupin serial 0 2 --live']]);
    assert.deepEqual(findings[0]!.evidence.at(-1), { file: '/run/libvirt/qemu/serial.xml', value: 'vcpupin 0: 2' });
    assert.deepEqual(stepsOf(model, findings[0]), ['pin 528 to 2']);
  });

  it('says nothing where the kernel keeps pins, or may', async () => {
    for (const kernel of ['6.2.0', '5.14.0-427.el9.x86_64']) {
      assert.deepEqual(await sentences(affinityLost, 'numa-isolated', copy => {
        lost(copy);
        set(copy, '/proc/sys/kernel/osrelease', kernel);
      }, PIN), []);
    }
  });

  it('says nothing where the pin is there, where there is none, and where libvirt cannot be asked', async () => {
    assert.deepEqual(await sentences(affinityLost, 'numa-isolated', copy => {
      lost(copy);
      allow(copy, QEMU, 528, '2');
    }, PIN), []);
    assert.deepEqual(await sentences(affinityLost, 'numa-isolated', copy => {
      lost(copy);
      begun(copy, QEMU, 528); // libvirt may be about to pin it
    }, PIN), []);
    assert.deepEqual(await sentences(affinityLost, 'numa-isolated', lost, {}), []);
    assert.deepEqual(await sentences(affinityLost, 'numa-isolated', lost), []);
  });

  it('says nothing of a pin to all of the cpuset', async () => assert.deepEqual(await sentences(affinityLost, 'numa-isolated', lost, { vcpus: { 0: '2-3' } }), []));
});
