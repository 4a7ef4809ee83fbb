import assert from 'node:assert/strict';
import { cpuOutOfRange } from '../../../src/core/rules/cpuOutOfRange';
import { QEMU } from '../fixtures';
import { checked, sentences } from './pins';

describe('cpu-out-of-range', () => {
  it('a pin that is for a larger host: said, with what was read', async () => {
    const { findings } = await checked(cpuOutOfRange, 'guest-v2', undefined, { vcpus: { 0: '0', 1: '12' } });
    assert.deepEqual(findings.map(f => [f.severity, f.sentence(path => path), f.advice(path => path), f.fixes.length]), [
      ['warning', 'vCPU 1 is pinned by libvirt to CPU 12, of which this host cannot have CPU 12', 'run: virsh vcpupin serial 1 0-1 --live, and change the definition too', 0],
    ]);
    assert.deepEqual(findings[0]!.evidence, [
      { file: '/run/libvirt/qemu/serial.xml', value: 'vcpupin 1: 12' },
      { file: '/sys/devices/system/cpu/possible', value: '0-1' },
      { file: `/proc/${QEMU}/task/529/status`, value: 'Cpus_allowed_list: 1' },
    ]);
  });

  it('one of which something is left is no warning', async () => {
    assert.deepEqual(await sentences(cpuOutOfRange, 'guest-v2', undefined, { emulator: '0-3' }), ['information: emulator is pinned by libvirt to CPUs 0-3, of which this host cannot have CPUs 2-3']);
  });

  it('says nothing of CPUs that are possible and offline, and where libvirt cannot be asked', async () => {
    assert.deepEqual(await sentences(cpuOutOfRange, 'guest-v2-cpu-offline', undefined, { vcpus: { 1: '1' } }), []);
    assert.deepEqual(await sentences(cpuOutOfRange, 'guest-v2'), []);
  });
});
