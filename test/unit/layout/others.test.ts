import assert from 'node:assert/strict';
import { LAYOUTS, type Layout, layoutText, parseLayout } from '../../../src/core/layout/layout';
import { layoutOf } from '../../../src/core/layout/layouts';
import type { HostModel } from '../../../src/core/model/hostModel';
import { type Changeable, QEMU, SCOPE, modelOf, statText } from '../fixtures';

const S = `${SCOPE}/libvirt`;
const WORKER = 700;

/** guest-v2 with its machine elsewhere: each of its groups is renamed, and the directories with them. */
async function at(rename: (path: string) => string, change: (copy: Changeable) => void = () => undefined): Promise<{ layout: Layout; model: HostModel; expected: (tid: number) => string | undefined }> {
  const { model } = await modelOf('guest-v2', copy => {
    for (const [path, text] of [...copy.files]) {
      if (new RegExp(`^/proc/${QEMU}/task/\\d+/cgroup$`).test(path)) copy.files.set(path, text.split('\n').map(line => (line.startsWith('0::') ? `0::${rename(line.slice(3))}` : line)).join('\n'));
    }
    for (const directory of [...copy.directories]) {
      if (!directory.includes(SCOPE)) continue;
      copy.directories.delete(directory);
      const to = rename(directory.slice('/sys/fs/cgroup'.length));
      for (let above = to; above !== ''; above = above.slice(0, above.lastIndexOf('/'))) copy.directories.add(`/sys/fs/cgroup${above}`);
    }
    change(copy);
  });
  const machine = model.machines.find(({ pid }) => pid === QEMU)!;
  const layout = layoutOf(model, machine);
  return { layout, model, expected: tid => layout.expectedPath(machine.threads.find(thread => thread.tid === tid)!, '0::') };
}

const to = (directory: string) => (path: string): string => path.replace(S, directory).replace(SCOPE, directory);
const allIn = (directory: string) => (): string => directory;

describe('who placed a machine', () => {
  const libvirt: Readonly<Record<string, readonly [directory: string, kind: string]>> = {
    'systemd, before libvirt 7.1': [SCOPE, 'libvirt with systemd'],
    'systemd, in a custom partition': [String.raw`/machine.slice/machine-production.slice/machine-qemu\x2d1\x2dserial.scope/libvirt`, 'libvirt with systemd'],
    'alone': ['/machine/qemu-1-serial.libvirt-qemu', 'libvirt alone'],
    'alone, in a custom partition': ['/machine/production.partition/qemu-1-serial.libvirt-qemu', 'libvirt alone'],
    'in a container of Docker (kolla), seen from the host': ['/docker/0123456789abcdef/machine/qemu-1-serial.libvirt-qemu', 'libvirt in a container'],
    'in a container with systemd\'s driver': ['/system.slice/docker-0123456789abcdef.scope/machine/qemu-1-serial.libvirt-qemu', 'libvirt in a container'],
    'in a container of Podman': ['/machine.slice/libpod-0123456789abcdef.scope/container/machine/qemu-1-serial.libvirt-qemu', 'libvirt in a container'],
    'in a pod': ['/kubepods.slice/kubepods-pod01234567_89ab.slice/crio-0123456789abcdef.scope/machine/qemu-1-serial.libvirt-qemu', 'libvirt in a container'],
    'in LXC': ['/lxc.payload.nova/machine/qemu-1-serial.libvirt-qemu', 'libvirt in a container'],
    'in a container, seen from its namespace': ['/machine/qemu-1-serial.libvirt-qemu', 'libvirt alone'],
    'beside a container whose namespace one reads from': ['/../docker-0123.scope/machine/qemu-1-serial.libvirt-qemu', 'libvirt in a container'],
  };
  for (const [name, [directory, kind]] of Object.entries(libvirt)) {
    it(`libvirt ${name}`, async () => {
      const { layout, expected } = await at(to(directory));
      assert.equal(layoutText(layout), `${kind}, complete`);
      assert.deepEqual([expected(QEMU), expected(530), expected(525)], ['emulator', 'vcpu2', 'iothread1'].map(group => `${directory}/${group}`));
    });
  }

  const POD = '/kubepods.slice/kubepods-pod01234567_89ab.slice/cri-containerd-0123456789abcdef.scope';
  const CGROUPFS = '/kubepods/burstable/pod01234567-89ab/0123456789abcdef';
  const whole: Readonly<Record<string, readonly [directory: string, kind: string, expected: string | undefined]>> = {
    'a pod, driver systemd': [POD, 'KubeVirt', POD],
    'a pod, driver cgroupfs': [CGROUPFS, 'KubeVirt', CGROUPFS],
    'Proxmox VE': ['/qemu.slice/100.scope', 'Proxmox VE', '/qemu.slice/100.scope'],
    'a service': ['/system.slice/vm-web1.service', 'systemd unit', '/system.slice/vm-web1.service'],
    'a scope of systemd-run': ['/system.slice/run-r0123.scope', 'systemd unit', '/system.slice/run-r0123.scope'],
    'a session': ['/user.slice/user-1000.slice/session-3.scope', 'user session', undefined],
    'a user\'s own systemd': ['/user.slice/user-1000.slice/user@1000.service/app.slice/vm.service', 'user session', undefined],
    'a user\'s manager itself': ['/user.slice/user-1000.slice/user@1000.service', 'user session', undefined],
    'the root': ['/', 'unmanaged', undefined],
    'a cgroup made by hand': ['/vms/web1', 'unmanaged', undefined],
    'the service of libvirt itself, before it was placed': ['/system.slice/libvirtd.service', 'unmanaged', undefined],
  };
  for (const [name, [directory, kind, where]] of Object.entries(whole)) {
    it(name, async () => {
      const { layout, expected } = await at(allIn(directory));
      assert.equal(layoutText(layout), kind);
      assert.deepEqual([expected(QEMU), expected(530)], [where, where]);
    });
  }

  for (const inner of ['', '/container']) {
    it(`KubeVirt with CPUs for the emulator: all but vCPUs in housekeeping${inner === '' ? '' : ', below a level of the runtime'}`, async () => {
      const pod = `${POD}${inner}`;
      const { layout, expected } = await at(path => (/\/vcpu\d$/.test(path) ? pod : `${pod}/housekeeping`));
      assert.equal(layout.kind, 'KubeVirt');
      assert.deepEqual([expected(QEMU), expected(525), expected(530)], [`${pod}/housekeeping`, `${pod}/housekeeping`, pod]);
    });
  }

  it('KubeVirt: a vCPU in housekeeping is expected in the container', async () => {
    const { expected } = await at(path => (/\/vcpu[013]$/.test(path) ? POD : `${POD}/housekeeping`));
    assert.deepEqual([expected(529), expected(530)], [POD, POD]);
  });

  it('KubeVirt: a worker that a vCPU has started is in the container, and elsewhere it belongs into housekeeping', async () => {
    for (const [place, expected] of [[POD, POD], [`${POD}/housekeeping`, `${POD}/housekeeping`], ['/', `${POD}/housekeeping`]] as const) {
      const found = await at(path => (/\/vcpu\d$/.test(path) ? POD : `${POD}/housekeeping`), copy => {
        copy.files.set(`/proc/${QEMU}/task/${WORKER}/stat`, statText(WORKER, 'worker'));
        copy.files.set(`/proc/${QEMU}/task/${WORKER}/cgroup`, `0::${place}\n`);
      });
      assert.equal(found.expected(WORKER), expected, place);
    }
  });

  it('a thread below its unit is where it should be, and one outside is not', async () => {
    const unit = '/system.slice/vm.service';
    const { expected } = await at(path => (path.endsWith('/vcpu2') ? `${unit}/fast` : path.endsWith('/vcpu3') ? '/elsewhere' : unit));
    assert.deepEqual([expected(530), expected(531), expected(QEMU)], [`${unit}/fast`, unit, unit]);
  });

  it('is told in words that can be read back', () => {
    for (const kind of LAYOUTS) assert.deepEqual(parseLayout(layoutText({ kind, stage: 'complete' })), { kind, stage: 'complete' });
    assert.equal(parseLayout('unmanaged, complete'), undefined);
    assert.equal(layoutText({ kind: 'libvirt with systemd', stage: 'complete' }), 'libvirt with systemd, complete');
  });
});
