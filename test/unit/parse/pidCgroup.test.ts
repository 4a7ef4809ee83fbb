import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type CgroupLine, parsePidCgroup } from '../../../src/core/parse/pidCgroup';
import { cases } from './table';

function line(about: Partial<CgroupLine>): CgroupLine {
  return { controllers: [], name: undefined, isV2: false, path: '/', deleted: false, ...about };
}

describe('/proc/PID/cgroup', () => {
  cases<CgroupLine[]>(parsePidCgroup, {
    'a v2 line': ['0::/system.slice/libvirtd.service\n', [line({ isV2: true, path: '/system.slice/libvirtd.service' })]],
    'v1 with one controller, two, and a name': [
      '12:cpuset:/\n2:cpu,cpuacct:/a\n1:name=systemd:/b\n',
      [line({ controllers: ['cpuset'] }), line({ controllers: ['cpu', 'cpuacct'], path: '/a' }), line({ name: 'systemd', path: '/b' })],
    ],
    'a controller beside a name': ['3:cpu,name=x:/\n', [line({ controllers: ['cpu'], name: 'x' })]],
    'a path with colons, commas and spaces': ['0::/a:b/c,d e:0::/f\n', [line({ isV2: true, path: '/a:b/c,d e:0::/f' })]],
    'a path that systemd escaped stays raw': ['0::/machine-qemu\\x2d1\\x2dserial.scope\n', [line({ isV2: true, path: '/machine-qemu\\x2d1\\x2dserial.scope' })]],
    'a cgroup that was removed': ['0::/a/b (deleted)\n', [line({ isV2: true, path: '/a/b', deleted: true })]],
    'a cgroup that is called "(deleted) x"': ['0::/a (deleted) x\n', [line({ isV2: true, path: '/a (deleted) x' })]],
    'a path outside the namespace': ['0::/../x\n1:cpu:/..\n', [line({ isV2: true, path: '/../x' }), line({ controllers: ['cpu'], path: '/..' })]],
    'a path with a carriage return and a line separator': ['0::/a\rb\u2028c\n', [line({ isV2: true, path: '/a\rb\u2028c' })]],
    'a path with a broken byte': ['0::/a\udcff\n', [line({ isV2: true, path: '/a\udcff' })]],
    'a hierarchy without controllers that is not number 0 is no v2': ['5::/\n', [line({})]],
    'lines that are none of these are left out': ['0::relative\nnonsense\n:cpu:/\n\n3:cpu:/ok\n', [line({ controllers: ['cpu'], path: '/ok' })]],
    'an empty text, as of a task that is gone': ['', []],
    'the last line without its newline': ['0::/a', [line({ isV2: true, path: '/a' })]],
  });

  it('gives any path back as it was', () => {
    const path = fc.string({ unit: 'binary', maxLength: 30 }).map(text => `/${text.replaceAll('\n', '')}`).filter(text => !text.endsWith(' (deleted)'));
    fc.assert(fc.property(path, p => assert.deepEqual(parsePidCgroup(`0::${p}\n4:cpu:${p}\n`).map(l => l.path), [p, p])), { numRuns: 500 });
  });
});
