import assert from 'node:assert/strict';
import { isWithin, machineSubtree } from '../../../src/core/model/subtree';
import { type Changeable, SCOPE, addProcess, emptySnapshot, machine, model, modelOf, statText } from '../fixtures';

const V2 = '25 20 0:22 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n';

/** QEMU with one thread in each of these cgroups of v2, the main thread in the first. */
function addQemu(copy: Changeable, pid: number, name: string, paths: readonly string[]): void {
  addProcess(copy, pid, { comm: 'qemu-system-x86', exe: '/usr/bin/qemu-system-x86_64', argv: ['qemu-system-x86_64', '-name', name], cgroup: `0::${paths[0]!}\n` });
  paths.slice(1).forEach((path, i) => {
    copy.files.set(`/proc/${pid}/task/${pid + 1 + i}/stat`, statText(pid + 1 + i, `CPU ${i}/KVM`, { 22: 1 }));
    copy.files.set(`/proc/${pid}/task/${pid + 1 + i}/cgroup`, `0::${path}\n`);
  });
}

/** The directory of the machine whose threads are at `paths`, beside others of which each has one thread. */
async function subtree(paths: readonly string[], others: readonly string[] = [], mounts = V2): Promise<string | undefined> {
  const raw = emptySnapshot();
  raw.files.set('/proc/self/mountinfo', mounts);
  addQemu(raw, 1000, 'own', paths);
  others.forEach((path, i) => addQemu(raw, 2000 + 100 * i, `other${i}`, [path]));
  const host = (await model(raw)).model;
  return machineSubtree(host, machine(host, 'own'), '0::');
}

describe('the directory that is a machine\'s own', () => {
  const libvirt = String.raw`/machine.slice/machine-qemu\x2d1\x2dserial.scope`;
  const another = String.raw`/machine.slice/machine-qemu\x2d2\x2dother.scope`;
  const pod = '/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0123abcd_ef.slice/cri-containerd-0f1e.scope';
  const cases: Record<string, [threads: string[], expected: string | undefined, others?: string[]]> = {
    'libvirt with systemd': [[`${libvirt}/libvirt/emulator`, `${libvirt}/libvirt/vcpu0`], libvirt, [`${another}/libvirt/emulator`]],
    'libvirt with systemd, a thread lost in the root': [[`${libvirt}/libvirt/emulator`, '/', `${libvirt}/libvirt/vcpu0`], libvirt],
    'libvirt with systemd, the main thread lost in another machine': [[`${another}/libvirt/emulator`, `${libvirt}/libvirt/vcpu0`, `${libvirt}/libvirt/vcpu1`], libvirt, [`${another}/libvirt/emulator`]],
    'libvirt alone': [['/machine/qemu-1-serial.libvirt-qemu/emulator', '/machine/qemu-1-serial.libvirt-qemu/vcpu0'], '/machine/qemu-1-serial.libvirt-qemu', ['/machine/qemu-2-x.libvirt-qemu/emulator']],
    'libvirt before 1.0.5': [['/libvirt/qemu/serial/emulator', '/libvirt/qemu/serial/vcpu0'], '/libvirt/qemu/serial', ['/libvirt/qemu/other/emulator']],
    'within a component that is named like a machine': [[`${libvirt}/libvirt/x.service`], libvirt],
    'Proxmox VE': [['/qemu.slice/100.scope'], '/qemu.slice/100.scope', ['/qemu.slice/101.scope']],
    'a container of a pod, by systemd': [[`${pod}/container`, `${pod}/housekeeping`], pod],
    'a container of a pod, by cgroupfs': [['/kubepods/burstable/pod0123abcd-ef/0f1e2d/emulator'], '/kubepods/burstable/pod0123abcd-ef/0f1e2d'],
    'a service of its own': [['/system.slice/vm.service'], '/system.slice/vm.service'],
    'a service with several': [['/system.slice/vms.service/a/emulator', '/system.slice/vms.service/a/vcpu0'], '/system.slice/vms.service/a', ['/system.slice/vms.service/b']],
    'a session with several, all in it': [['/user.slice/user-0.slice/session-1.scope'], '/user.slice/user-0.slice/session-1.scope', ['/user.slice/user-0.slice/session-1.scope']],
    'a user\'s scope': [['/user.slice/user-0.slice/user@0.service/app.slice/vm.scope'], '/user.slice/user-0.slice/user@0.service/app.slice/vm.scope'],
    'in a slice of a user, by hand': [['/user.slice/user-0.slice/user@0.service/app.slice/vm'], '/user.slice/user-0.slice/user@0.service/app.slice/vm'],
    'libvirtd itself, not placed yet': [['/system.slice/libvirtd.service'], '/system.slice/libvirtd.service'],
    'by hand': [['/vms/a'], '/vms/a'],
    'by hand, with another in the same place': [['/vms'], undefined, ['/vms']],
    'by hand, with another below': [['/vms'], undefined, ['/vms/b']],
    'by hand, spread': [['/vms/a/emulator', '/vms/a/vcpu0', '/vms/a'], '/vms/a', ['/vms/b']],
    'by hand, spread over what others have, too': [['/vms/a', '/vms/lost'], '/vms/a', ['/vms/b']],
    'by hand, a thread in the root': [['/vms/a', '/'], '/vms/a'],
    'names that begin alike': [['/vms/a', '/vms/ab'], '/vms'],
    'in the root': [['/', '/a'], undefined],
    'in a slice': [['/machine.slice'], undefined],
    'outside the namespace': [['/..'], undefined],
    'a name with a newline\'s escape and quotes': [['/vms/$(x) "\\n/emulator', '/vms/$(x) "\\n/vcpu0'], '/vms/$(x) "\\n'],
  };
  for (const [name, [threads, expected, others]] of Object.entries(cases)) {
    it(name, async () => assert.equal(await subtree(threads, others), expected));
  }

  it('what is mounted in a container is not its own, but the container\'s directory is', async () => {
    const mounted = (root: string): string => V2.replace(' / ', ` ${root} `);
    assert.equal(await subtree(['/kubepods/pod0123abcd/0f1e2d'], [], mounted('/kubepods/pod0123abcd/0f1e2d')), '/kubepods/pod0123abcd/0f1e2d');
    assert.equal(await subtree(['/lxc/web'], [], mounted('/lxc/web')), undefined);
  });

  it('in each hierarchy what is there', async () => {
    const { model: host } = await modelOf('guest-hybrid');
    const of = (key: string): string | undefined => machineSubtree(host, machine(host, 'serial'), key);
    assert.deepEqual([of('cpuset'), of('memory'), of('0::'), of('hugetlb'), of('nonsense')], [SCOPE, SCOPE, SCOPE, undefined, undefined]);
  });

  it('a path is within itself and within what is above it', () => {
    const cases = [['/a', '/a'], ['/a/b', '/a'], ['/ab', '/a'], ['/a', '/'], ['/', '/a']] as const;
    assert.deepEqual(cases.map(([path, directory]) => isWithin(path, directory)), [true, true, false, true, false]);
  });
});
