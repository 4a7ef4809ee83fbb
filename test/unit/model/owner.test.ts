import assert from 'node:assert/strict';
import { cgroupOwner, valuesOwner } from '../../../src/core/model/owner';
import { type HostName, modelOf } from '../fixtures';

const V2 = { version: 2, key: '0::', controllers: ['cpu', 'cpuset'], mountRoot: '/' } as const;
const v1 = (key: string) => ({ version: 1, key, controllers: key.startsWith('name=') ? [] : key.split(','), mountRoot: '/' }) as const;
const MACHINE = String.raw`/machine.slice/machine-qemu\x2d1\x2dserial.scope`;
const POD = '/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod0a1b2c3d_1111_2222_3333_444455556666.slice';
const CONTAINER = `${POD}/cri-containerd-0123abcd.scope`;

/** Name, PID 1, hierarchy, path, the cgroup's owner, who writes its values. */
const CASES: readonly (readonly [string, string, Parameters<typeof cgroupOwner>[1], string, string, string])[] = [
  ['the root', 'systemd', V2, '/', 'nobody root', 'unknown'],
  ['a slice', 'systemd', V2, '/machine.slice', 'unit machine.slice system', 'systemd machine.slice'],
  ['a slice in a slice', 'systemd', V2, '/a.slice/a-b.slice', 'unit a-b.slice system', 'systemd a-b.slice'],
  ['a directory named like a slice, where no slice can be', 'systemd', V2, '/a.slice/b.slice', 'nobody no unit', 'unknown'],
  ['a slice with a dash at the top', 'systemd', V2, '/a-b.slice', 'nobody no unit', 'unknown'],
  ['a service', 'systemd', V2, '/system.slice/libvirtd.service', 'unit libvirtd.service system', 'systemd libvirtd.service'],
  ['a unit whose name could be a file of the kernel', 'systemd', V2, '/system.slice/_cgroup.service', 'unit cgroup.service system', 'systemd cgroup.service'],
  ['a mount', 'systemd', V2, '/dev-hugepages.mount', 'unit dev-hugepages.mount system', 'systemd dev-hugepages.mount'],
  ['what systemd makes below a service', 'systemd', V2, '/system.slice/x.service/.control', 'unit x.service system', 'systemd x.service'],
  ['below a service', 'systemd', V2, '/system.slice/docker.service/x', 'delegated docker.service', 'unknown'],
  ['made by hand in a slice', 'systemd', V2, '/machine.slice/mine', 'nobody no unit', 'unknown'],
  ['made by hand', 'systemd', V2, '/mine/below', 'nobody no unit', 'unknown'],
  ['a user\'s systemd', 'systemd', V2, '/user.slice/user-1000.slice/user@1000.service', 'unit user@1000.service system', 'systemd user@1000.service'],
  ['a unit of a user\'s systemd', 'systemd', V2, '/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.service', 'unit app-x.service user', 'systemd app-x.service'],
  ['below a unit of a user\'s systemd', 'systemd', V2, '/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope/y', 'delegated x.scope', 'unknown'],
  ['libvirt\'s scope', 'systemd', V2, MACHINE, String.raw`unit machine-qemu\x2d1\x2dserial.scope system`, String.raw`libvirt machine-qemu\x2d1\x2dserial.scope`],
  ['libvirt\'s own below it', 'systemd', V2, `${MACHINE}/libvirt/vcpu0`, String.raw`delegated machine-qemu\x2d1\x2dserial.scope`, String.raw`libvirt machine-qemu\x2d1\x2dserial.scope`],
  ['nova\'s', 'systemd', V2, String.raw`/machine.slice/machine-qemu\x2d7\x2dinstance\x2d0000002a.scope/libvirt`, String.raw`delegated machine-qemu\x2d7\x2dinstance\x2d0000002a.scope`, String.raw`nova machine-qemu\x2d7\x2dinstance\x2d0000002a.scope`],
  ['libvirt without machined', 'systemd', V2, '/machine/qemu-1-serial.libvirt-qemu/vcpu0', 'nobody no unit', 'libvirt qemu-1-serial.libvirt-qemu'],
  ['libvirt without systemd', 'init', v1('cpu'), '/machine/qemu-1-serial.libvirt-qemu/vcpu0', 'nobody no systemd', 'libvirt qemu-1-serial.libvirt-qemu'],
  ['Proxmox VE', 'systemd', V2, '/qemu.slice/100.scope', 'unit 100.scope system', 'Proxmox VE qemu.slice/100.scope'],
  ['Proxmox VE\'s slice', 'systemd', V2, '/qemu.slice', 'unit qemu.slice system', 'systemd qemu.slice'],
  ['v1 with units', 'systemd', v1('cpu,cpuacct'), '/system.slice', 'unit system.slice system', 'systemd system.slice'],
  ['systemd\'s own v1 hierarchy', 'systemd', v1('name=systemd'), '/system.slice/a.service', 'unit a.service system', 'systemd a.service'],
  ['v1 without units, where libvirt took systemd\'s names', 'systemd', v1('cpuset'), '/machine.slice', 'nobody not of systemd', 'unknown'],
  ['libvirt\'s in v1 without units', 'systemd', v1('cpuset'), `${MACHINE}/libvirt`, 'nobody not of systemd', String.raw`libvirt machine-qemu\x2d1\x2dserial.scope`],
  ['PID 1 unknown', '', V2, '/machine.slice', 'unknown PID 1 unknown', 'unknown'],
  ['outside the namespace', 'systemd', V2, '/../machine.slice', 'unknown outside', 'unknown'],
  ['a part that is mounted', 'systemd', { ...V2, mountRoot: '/..' }, '/..', 'unknown outside', 'unknown'],
  ['a name that begins with two dots', 'systemd', V2, '/..x', 'nobody no unit', 'unknown'],
  ['the kubelet\'s slice', 'systemd', V2, '/kubepods.slice', 'kubelet', 'kubelet kubepods.slice'],
  ['a pod', 'systemd', V2, POD, 'kubelet', 'kubelet kubepods.slice'],
  ['a container', 'systemd', V2, CONTAINER, 'kubelet', 'kubelet kubepods.slice'],
  ['a container, driver cgroupfs', 'init', v1('cpuset'), '/kubepods/besteffort/pod0a1b2c3d-1111-2222-3333-444455556666/0123abcd', 'kubelet', 'kubelet kubepods'],
  ['in a container', 'systemd', V2, `${CONTAINER}/x`, 'delegated cri-containerd-0123abcd.scope', 'unknown'],
  ['KubeVirt\'s in a container', 'systemd', V2, `${CONTAINER}/housekeeping`, 'delegated cri-containerd-0123abcd.scope', 'KubeVirt housekeeping'],
];

const words = (owner: object): string => Object.values(owner).filter(value => value !== undefined).join(' ');

describe('the owner of a cgroup and of its values', () => {
  for (const [name, init, hierarchy, path, owner, values] of CASES) {
    it(name, () => {
      assert.equal(words(cgroupOwner({ init }, hierarchy, path)), owner);
      assert.equal(words(valuesOwner({ init }, hierarchy, path)), values);
    });
  }
});

/** In these captures `find` lists the units of each v1 hierarchy: those that systemd has none in have but what libvirt made. */
const SYSTEMD_HAS_NONE = ['cpuset', 'freezer', 'hugetlb', 'misc', 'net_cls,net_prio', 'perf_event', 'rdma'];

for (const name of ['guest-hybrid', 'guest-legacy'] satisfies HostName[]) {
  it(`${name}: machine.slice is a unit just where systemd keeps its units`, async () => {
    const { model } = await modelOf(name);
    for (const hierarchy of model.hierarchies) {
      if (!hierarchy.cgroups.has('/machine.slice')) continue;
      assert.equal(cgroupOwner(model, hierarchy, '/machine.slice').kind, SYSTEMD_HAS_NONE.includes(hierarchy.key) ? 'nobody' : 'unit', hierarchy.key);
    }
  });
}
