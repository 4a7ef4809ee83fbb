import assert from 'node:assert/strict';
import { CheckedHost } from '../../../src/core/rules/checkedHost';
import { startIncomplete } from '../../../src/core/rules/startIncomplete';
import { ALL_HOSTS, SCOPE, STARTED_HOSTS, model } from '../fixtures';
import { replay } from '../starts';
import { findingsIn, findingsOfRule } from './checkRule';

const shown = (path: string): string => path.replace(`${SCOPE}/libvirt`, 'S').replace(SCOPE, 'SCOPE').replace('/machine/qemu-1-serial.libvirt-qemu', 'S');

/** Each sentence of a recorded start once. */
async function told(name: (typeof STARTED_HOSTS)[number]): Promise<string[]> {
  const sentences: string[] = [];
  for (const { raw } of await replay(name, { next: false })) {
    const { model: host } = await model(raw);
    for (const machine of host.machines.filter(one => one.name === 'serial')) {
      const checked = new CheckedHost({ ...host, machines: [machine] }, undefined);
      const found = findingsIn(startIncomplete, checked, true);
      assert.equal(found.length, checked.layoutOf(machine).stage === 'complete' ? 0 : 1);
      for (const { severity, sentence, evidence, fixes } of found) {
        assert.deepEqual([severity, fixes], ['information', []]);
        for (const { file, value } of evidence) assert.ok(raw.files.get(file)?.includes(value), `${file}: ${value}`);
        const text = sentence(shown).replace(/: [2-9] vCPUs/, ': N vCPUs');
        if (!sentences.includes(text)) sentences.push(text);
      }
    }
  }
  return sentences;
}

describe('start-incomplete', () => {
  /** `N`: more than one. */
  const starts: Readonly<Record<(typeof STARTED_HOSTS)[number], readonly string[]>> = {
    'guest-v2': [
      'it is starting (scope). v2: in SCOPE, by systemd; libvirt\'s add-task step has not reached it',
      'it is starting (task added). v2: in S; its group emulator is still to come',
      'it is starting (emulator). v2: all in S/emulator until QEMU tells which threads are vCPUs',
      'it is starting (emulator). v2: 1 vCPU or I/O thread is still to get a group of its own',
      'it is starting (emulator). v2: N vCPUs and I/O threads are still to get groups of their own',
    ],
    'guest-hybrid': [
      'it is starting (scope). blkio, cpuset, freezer, net_cls,net_prio, perf_event: still in /; libvirt\'s add-task step has not reached them. cpu,cpuacct: in SCOPE, by systemd; libvirt\'s add-task step has not reached it. devices, memory: still in /system.slice/libvirtd.service; libvirt\'s add-task step has not reached them',
      'it is starting (scope). blkio, cpuset, freezer, net_cls,net_prio, perf_event: still in /; libvirt\'s add-task step has not reached them. cpu,cpuacct, memory: in SCOPE, by systemd; libvirt\'s add-task step has not reached them. devices: in /machine.slice, by systemd; libvirt\'s add-task step has not reached it',
      'it is starting (task added). blkio, cpuset, freezer, net_cls,net_prio, perf_event: still in /; libvirt\'s add-task step has not reached them. cpu,cpuacct: in S; its group emulator is still to come. devices: in /machine.slice, by systemd; libvirt\'s add-task step has not reached it. memory: in SCOPE, by systemd; libvirt\'s add-task step has not reached it',
      'it is starting (task added). cpu,cpuacct, cpuset: in S; its group emulator is still to come',
      'it is starting (emulator). cpu,cpuacct, cpuset: all in S/emulator until QEMU tells which threads are vCPUs',
      'it is starting (emulator). cpu,cpuacct, cpuset: 1 vCPU or I/O thread is still to get a group of its own',
      'it is starting (emulator). cpu,cpuacct, cpuset: N vCPUs and I/O threads are still to get groups of their own',
    ],
    'guest-legacy': [
      'it is starting (scope). blkio, cpuset, freezer, net_cls,net_prio, perf_event: still in /; libvirt\'s add-task step has not reached them. cpu,cpuacct: still in /system.slice; libvirt\'s add-task step has not reached it. devices, memory: still in /system.slice/libvirtd.service; libvirt\'s add-task step has not reached them',
      'it is starting (scope). blkio, cpuset, freezer, net_cls,net_prio, perf_event: still in /; libvirt\'s add-task step has not reached them. cpu,cpuacct, memory: in SCOPE, by systemd; libvirt\'s add-task step has not reached them. devices: in /machine.slice, by systemd; libvirt\'s add-task step has not reached it',
      'it is starting (task added). cpu,cpuacct, cpuset: in S; its group emulator is still to come. perf_event: still in /; libvirt\'s add-task step has not reached it',
      'it is starting (task added). cpu,cpuacct, cpuset: in S; its group emulator is still to come',
      'it is starting (emulator). cpu,cpuacct, cpuset: all in S/emulator until QEMU tells which threads are vCPUs',
      'it is starting (emulator). cpu,cpuacct, cpuset: N vCPUs and I/O threads are still to get groups of their own',
    ],
    'host-v1-libvirt': [
      'it is starting (emulator). cpu, cpuset, v2: all in S/emulator until QEMU tells which threads are vCPUs',
      'it is starting (emulator). cpu, cpuset, v2: N vCPUs and I/O threads are still to get groups of their own',
    ],
  };
  for (const [name, sentences] of Object.entries(starts)) it(`${name}: what is told of each moment of its start`, async () => assert.deepEqual(await told(name as (typeof STARTED_HOSTS)[number]), sentences));

  for (const host of ALL_HOSTS.filter(name => name !== 'guest-v2-starting')) it(`says nothing of ${host}, which has started`, async () => assert.deepEqual(await findingsOfRule(startIncomplete, host), []));
});
