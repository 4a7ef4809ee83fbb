import assert from 'node:assert/strict';
import { baseName, fitsName } from '../../../src/core/parse/programName';
import { machineScope, unescapeUnit } from '../../../src/core/parse/systemdName';
import { cases } from './table';

describe('a name that systemd escaped', () => {
  cases<string>(unescapeUnit, {
    'a dash': [String.raw`qemu\x2d1\x2dserial`, 'qemu-1-serial'],
    'a character of several bytes': [String.raw`gr\xc3\xb6\xc3\x9fe`, 'größe'],
    'one beyond the first plane': [String.raw`\xf0\x9f\x92\x80`, '💀'],
    'a byte that is no UTF-8 stays what it is': [String.raw`a\xff`, 'a\udcff'],
    'a broken byte that was not escaped stays too': ['a\udcff\\x2d', 'a\udcff-'],
    'bytes of one character, escaped and not': ['\udcc3\\xb6', 'ö'],
    'an escaped backslash is not unescaped twice': [String.raw`a\x5cx2d`, String.raw`a\x2d`],
    'what only looks like an escape': [String.raw`a\x2 \xZZ \x`, String.raw`a\x2 \xZZ \x`],
    'nothing to unescape': ['größe', 'größe'],
  });
});

describe("a machine's own directory in a path", () => {
  cases<{ scope: string; name: string } | undefined>(machineScope, {
    'with machined': [
      String.raw`/machine.slice/machine-qemu\x2d1\x2dserial.scope/libvirt/vcpu0`,
      { scope: String.raw`/machine.slice/machine-qemu\x2d1\x2dserial.scope`, name: 'serial' },
    ],
    'without machined': ['/machine/qemu-2-kvmdemo.libvirt-qemu/emulator', { scope: '/machine/qemu-2-kvmdemo.libvirt-qemu', name: 'kvmdemo' }],
    'with machined, of an old libvirt that had no number': [String.raw`/machine.slice/machine-qemu\x2dserial.scope/emulator`, { scope: String.raw`/machine.slice/machine-qemu\x2dserial.scope`, name: 'serial' }],
    'without either': ['/machine/serial.libvirt-qemu', { scope: '/machine/serial.libvirt-qemu', name: 'serial' }],
    'a name that begins like a number': [String.raw`/machine.slice/machine-qemu\x2d7\x2d10\x2dweb.scope`, { scope: String.raw`/machine.slice/machine-qemu\x2d7\x2d10\x2dweb.scope`, name: '10-web' }],
    'a machine that is called qemu-1': ['/machine/qemu-3-qemu-1.libvirt-qemu', { scope: '/machine/qemu-3-qemu-1.libvirt-qemu', name: 'qemu-1' }],
    'in a partition and a namespace': ['/../a.partition/qemu-1-x.libvirt-qemu/vcpu0', { scope: '/../a.partition/qemu-1-x.libvirt-qemu', name: 'x' }],
    'with a newline in its name, raw': ['/machine/qemu-1-a\nb.libvirt-qemu', { scope: '/machine/qemu-1-a\nb.libvirt-qemu', name: 'a\nb' }],
    'a container of machined is none': [String.raw`/machine.slice/machine-lxc\x2d1\x2dweb.scope`, undefined],
    'a pod is none': ['/kubepods.slice/kubepods-pod1.slice/cri-containerd-1.scope', undefined],
    'the slice alone is none': ['/machine.slice', undefined],
    'the root is none': ['/', undefined],
  });
});

describe('the name of a program', () => {
  cases<string>(baseName, {
    'the last part of a path': ['/usr/bin/qemu-system-x86_64', 'qemu-system-x86_64'],
    'a path that was replaced by an upgrade': ['/usr/bin/qemu-system-x86_64 (deleted)', 'qemu-system-x86_64'],
    'no path': ['qemu-kvm', 'qemu-kvm'],
    'a folder with a newline': ['/a\n/b/qemu-kvm', 'qemu-kvm'],
    'nothing': ['', ''],
  });

  it('fits as a whole, or by its beginning where the pattern ends with *', () => {
    const names = ['qemu-system-*', 'qemu-kvm', 'kvm'];
    for (const fits of ['/usr/bin/qemu-system-aarch64', '/usr/libexec/qemu-kvm', 'kvm', '/usr/bin/kvm (deleted)']) assert.ok(fitsName(fits, names), fits);
    for (const not of ['/usr/bin/qemu-img', 'qemu-kvm2', '/kvm/bash', 'my-qemu-system-x86', '', undefined]) assert.ok(!fitsName(not, names), String(not));
  });
});
