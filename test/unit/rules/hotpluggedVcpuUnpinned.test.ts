import assert from 'node:assert/strict';
import { hotpluggedVcpuUnpinned } from '../../../src/core/rules/hotpluggedVcpuUnpinned';
import { type HostChange, edit, put } from './checkRule';
import { allow, checked, sentences, set } from './pins';

const PID = 1967;
const SCOPE = String.raw`/machine.slice/machine-qemu\x2d7\x2dgrowing.scope`;
const GROUP = `/sys/fs/cgroup${SCOPE}/libvirt/vcpu2`;

const startedAt = (ticks: number): HostChange => copy => edit(copy, `/proc/${PID}/task/2017/stat`, text => {
  const words = text.slice(text.lastIndexOf(')') + 2).split(' ');
  words[19] = String(ticks);
  return `${text.slice(0, text.lastIndexOf(')') + 2)}${words.join(' ')}`;
});

describe('hotplugged-vcpu-unpinned', () => {
  it('a vCPU that was plugged in has all CPUs, the others one each: said, with what was read', async () => {
    const { findings } = await checked(hotpluggedVcpuUnpinned, 'guest-v2-hotplug');
    assert.deepEqual(findings.map(f => [f.severity, f.machine.name, f.sentence(path => path), f.threads.map(({ tid }) => tid)]), [['warning', 'growing', 'vCPU 2 was plugged in and may run on CPUs 0-1, while the other vCPUs are pinned', [2017]]]);
    assert.deepEqual(findings[0]!.evidence, [
      { file: `/proc/${PID}/task/2017/status`, value: 'Cpus_allowed_list: 0-1' },
      { file: `${GROUP}/cpuset.cpus`, value: '0-1' },
      { file: `${GROUP}/cpuset.cpus.effective`, value: '0-1' },
      { file: `/proc/${PID}/task/1975/status`, value: 'Cpus_allowed_list: 0' },
    ]);
    assert.equal(findings[0]!.advice(path => path), 'pin it to a CPU of its own: virsh vcpupin growing 2 CPU --live');
    assert.deepEqual(findings[0]!.fixes, []);
  });

  it('one that was given no group', async () => {
    assert.deepEqual(await sentences(hotpluggedVcpuUnpinned, 'guest-v2-hotplug', copy => {
      put(copy, PID, 2017, '', `${SCOPE}/libvirt/emulator`);
      allow(copy, PID, 2017, '0');
      copy.directories.delete(GROUP);
      startedAt(53_300)(copy);
    }), []);
    assert.deepEqual(await sentences(hotpluggedVcpuUnpinned, 'guest-v2-hotplug', copy => {
      put(copy, PID, 2017, '', `${SCOPE}/libvirt`);
      copy.directories.delete(GROUP);
      set(copy, '/proc/uptime', '616.46 1000.00');
    }), [String.raw`warning: vCPU 2 was plugged in and has no group of its own: it is in /machine.slice/machine-qemu\x2d7\x2dgrowing.scope/libvirt`]);
  });

  const silent: Record<string, HostChange> = {
    'one that was pinned since': copy => {
      allow(copy, PID, 2017, '1');
      for (const file of ['cpuset.cpus', 'cpuset.cpus.effective']) set(copy, `${GROUP}/${file}`, '1');
    },
    'one that libvirt is about to place': copy => {
      put(copy, PID, 2017, '', `${SCOPE}/libvirt/emulator`);
      copy.directories.delete(GROUP);
    },
    'one that has been there since the start: it may be meant so': startedAt(53_040),
    'others that are not pinned either': copy => allow(copy, PID, 1975, '0-1'),
    'an affinity that cannot be read': copy => void copy.files.delete(`/proc/${PID}/task/2017/status`),
  };
  for (const [name, change] of Object.entries(silent)) it(`says nothing of ${name}`, async () => assert.deepEqual(await sentences(hotpluggedVcpuUnpinned, 'guest-v2-hotplug', change), []));

  it('a pin of all CPUs is none: libvirt\'s state has that of the machine for a vCPU without one', async () => {
    const all = ['warning: vCPU 2 was plugged in and may run on CPUs 0-1, while the other vCPUs are pinned'];
    assert.deepEqual(await sentences(hotpluggedVcpuUnpinned, 'guest-v2-hotplug', undefined, { vcpus: { 2: '0-1' } }), all);
    assert.deepEqual(await sentences(hotpluggedVcpuUnpinned, 'guest-v2-hotplug', undefined, { vcpus: { 2: '1' } }), []);
  });
});
